#include "controllers/topologyhints/traffic_distribution.h"
#include "absl/types/span.h"

namespace epslice {
namespace {

bool IsReady(const Endpoint& endpoint) { return endpoint.conditions.ready == true; }

bool IsJust(absl::Span<const Text> names, const Text& wanted) {
  return wanted.empty() ? names.empty() : names.size() == 1 && names[0] == wanted;
}

bool HintIsRight(const Endpoint& endpoint, TrafficDistribution distribution) {
  static const Text kNoNode;
  const Text& node = distribution == TrafficDistribution::kPreferSameNode ? endpoint.nodeName : kNoNode;
  // Hints of nothing are as good as none.
  if (endpoint.zone.empty() && node.empty()) return !endpoint.hints || endpoint.hints->empty();
  if (!endpoint.hints) return false;
  return IsJust(endpoint.hints->forZones, endpoint.zone) && IsJust(endpoint.hints->forNodes, node);
}

}  // namespace

TrafficDistribution TrafficDistributionOf(const Service& service) {
  const std::optional<Text>& value = service.spec.trafficDistribution;
  if (!value) return TrafficDistribution::kNone;
  if (*value == "PreferClose" || *value == "PreferSameZone") return TrafficDistribution::kPreferSameZone;
  if (*value == "PreferSameNode") return TrafficDistribution::kPreferSameNode;
  return TrafficDistribution::kNone;
}

bool WantsTopologyAwareHints(const Service& service) {
  const Text* mode = service.metadata.annotations.Find(kAnnotationTopologyHints);
  if (mode == nullptr) mode = service.metadata.annotations.Find(kAnnotationTopologyMode);
  return mode != nullptr && (*mode == "Auto" || *mode == "auto");
}

bool HintsDiffer(const EndpointSlice& slice, TrafficDistribution distribution) {
  for (const Endpoint& endpoint : slice.endpoints) {
    if (distribution == TrafficDistribution::kNone) {
      if (endpoint.hints) return true;
    } else if (IsReady(endpoint) && !HintIsRight(endpoint, distribution)) {
      return true;
    }
  }
  return false;
}

void SetHints(EndpointSlice* slice, TrafficDistribution distribution) {
  for (Endpoint& endpoint : slice->endpoints) {
    if (distribution == TrafficDistribution::kNone) {
      endpoint.hints.reset();
      continue;
    }
    if (!IsReady(endpoint) || HintIsRight(endpoint, distribution)) continue;
    EndpointHints hints;
    if (!endpoint.zone.empty()) hints.forZones.push_back(endpoint.zone);
    if (distribution == TrafficDistribution::kPreferSameNode && !endpoint.nodeName.empty()) {
      hints.forNodes.push_back(endpoint.nodeName);
    }
    endpoint.hints.reset();
    if (!hints.empty()) endpoint.hints = std::move(hints);
  }
}

}  // namespace epslice

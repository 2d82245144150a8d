#include "controllers/topologyhints/proxy_view.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "absl/types/span.h"

namespace epslice {
namespace {

// A hint may say a name twice.
void File(absl::Span<const Text> names, std::uint32_t index,
          std::unordered_map<Text, std::vector<std::uint32_t>>* by_name) {
  for (const Text& name : names) {
    std::vector<std::uint32_t>& indexes = (*by_name)[name];
    if (indexes.empty() || indexes.back() != index) indexes.push_back(index);
  }
}

}  // namespace

std::string_view NameOf(TopologyMode mode) {
  switch (mode) {
    case TopologyMode::kNone: return "none";
    case TopologyMode::kSameZone: return "same-zone";
    case TopologyMode::kSameNode: return "same-node";
  }
  return "";
}

bool HasPort(const EndpointSlice& slice, std::string_view port) {
  return std::any_of(slice.ports.begin(), slice.ports.end(),
                     [&](const EndpointPort& p) { return p.name == port && p.port.value_or(0) != 0; });
}

ProxyView::ProxyView(const std::vector<const EndpointSlice*>& slices, std::optional<std::string_view> port) {
  // Beyond one slice an address may come again.
  std::unordered_set<std::string_view> seen;
  for (const EndpointSlice* slice : slices) {
    if (slice == nullptr || (port && !HasPort(*slice, *port))) continue;
    for (const Endpoint& endpoint : slice->endpoints) {
      // A proxy uses the first address only.
      if (endpoint.addresses.empty() || !seen.insert(endpoint.addresses[0].view()).second) continue;
      endpoints_.push_back(&endpoint);
      Add(static_cast<std::uint32_t>(endpoints_.size() - 1), /*by_node=*/true);
    }
  }
}

ProxyView ProxyView::OfChosen(std::vector<const Endpoint*> endpoints, bool by_node) {
  ProxyView view;
  view.endpoints_ = std::move(endpoints);
  view.ready_.reserve(view.endpoints_.size());
  for (std::uint32_t i = 0; i < view.endpoints_.size(); ++i) view.Add(i, by_node);
  return view;
}

void ProxyView::Add(std::uint32_t index, bool by_node) {
  const Endpoint& endpoint = *endpoints_[index];
  const EndpointConditions& c = endpoint.conditions;
  if (c.ready.value_or(true)) {
    ready_.push_back(index);
    if (by_node && !endpoint.nodeName.empty()) ready_on_node_[endpoint.nodeName].push_back(index);
    if (!endpoint.hints) return;
    zone_hinted_ += endpoint.hints->forZones.empty() ? 0 : 1;
    node_hinted_ += endpoint.hints->forNodes.empty() ? 0 : 1;
    File(endpoint.hints->forZones, index, &for_zone_);
    File(endpoint.hints->forNodes, index, &for_node_);
  } else if (c.serving.value_or(true) && c.terminating.value_or(false)) {
    terminating_.push_back(index);
    if (by_node && !endpoint.nodeName.empty()) terminating_on_node_[endpoint.nodeName].push_back(index);
  }
}

ProxyView::Indexes ProxyView::Find(const ByName& by_name, const Text& name) {
  if (name.empty()) return {};
  const auto at = by_name.find(name);
  return at == by_name.end() ? Indexes() : Indexes(at->second);
}

ProxyView::Pick ProxyView::ClusterEndpoints(const Text& node, const Text& zone) const {
  if (ready_.empty()) return {TopologyMode::kNone, true, terminating_};
  if (node_hints_complete()) {
    if (const Indexes named = Find(for_node_, node); !named.empty()) return {TopologyMode::kSameNode, false, named};
  }
  if (zone_hints_complete()) {
    if (const Indexes named = Find(for_zone_, zone); !named.empty()) return {TopologyMode::kSameZone, false, named};
  }
  return {TopologyMode::kNone, false, ready_};
}

ProxyView::Pick ProxyView::LocalEndpoints(const Text& node) const {
  if (const Indexes local = Find(ready_on_node_, node); !local.empty()) return {TopologyMode::kNone, false, local};
  return {TopologyMode::kNone, true, Find(terminating_on_node_, node)};
}

}  // namespace epslice

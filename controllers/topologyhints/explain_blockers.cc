// What keeps hints from being given, or from being heeded: the very node,
// endpoint, zone or number.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "controllers/endpointslice/endpoints.h"
#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/explain_internal.h"

namespace epslice::internal {
namespace {

std::string Number(double value) {
  // One digit after the point is what people compare.
  const std::int64_t tenths = std::llround(value * 10);
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text;
}

class BlockerFinder {
 public:
  BlockerFinder(const ExplainInput& input, const ReconcileConfig& config, const AddressTypeExplanation& type)
      : input_(input), type_(type), options_(HintsOptionsOf(*input.cluster.service, config.hints).options) {}

  std::vector<Blocker> Find() {
    if (type_.state == HintState::Kind::kOff) {
      NotRequested();
    } else if (type_.state == HintState::Kind::kDisabled) {
      Disabled();
    } else if (type_.traffic.any && !type_.traffic.terminating) {
      NotHeeded();
    }
    return std::move(blockers_);
  }

 private:
  void Add(Blocker::Kind kind, std::string code, std::string object, std::string message, std::string node = {}) {
    blockers_.push_back({kind, std::move(code), std::move(object), std::move(node), std::move(message)});
  }

  void NotRequested() {
    Add(Blocker::Kind::kService, type_.reason, input_.cluster.service->metadata.name.str(),
        type_.reason == "NotRequested"
            ? "the Service does not ask for hints: neither by annotation " + std::string(kAnnotationTopologyMode) +
                  "=Auto nor by spec.trafficDistribution"
            : "spec.trafficDistribution=" + input_.cluster.service->spec.trafficDistribution->str() +
                  " is not known, so it asks for nothing");
  }

  // All that is wrong, beginning with what the controller stopped at: what is
  // mended first must not leave the next to be found out.
  void Disabled() {
    Nodes();
    Numbers();
    // The resilient policy does without.
    if (options_.policy == HintsPolicy::kReference) HomelessEndpoints();
    const auto is_reason = [&](const Blocker& blocker) { return blocker.code == type_.reason; };
    std::stable_partition(blockers_.begin(), blockers_.end(), is_reason);
    if (blockers_.empty() || !is_reason(blockers_[0])) {
      Blocker said{Blocker::Kind::kNumber, type_.reason, "", "", type_.message};
      blockers_.insert(blockers_.begin(), std::move(said));
    }
  }

  void Nodes() {
    const ZoneCapacity& capacity = *input_.nodes->capacity;
    const bool resilient = options_.policy == HintsPolicy::kResilient;
    const HintFailure failure = ResilientNodeFailure(capacity, options_);
    const std::string code(ReasonCode(HintFailure::kNodeInformation));
    if (capacity.unknown_nodes > 0 && (!resilient || failure == HintFailure::kNodeInformation)) {
      for (const NodeReport::LeftOut& node : input_.nodes->left_out) {
        if (node.unknown) Add(Blocker::Kind::kNode, code, node.node.str(), WhatNodeLacks(node));
      }
      if (resilient) {
        Add(Blocker::Kind::kNumber, code, "",
            std::to_string(capacity.unknown_nodes) + " of " + Counted(capacity.ready_nodes, "Ready node") +
                " lack a zone or CPU, more than " + FormatShare(options_.unknown_nodes));
      }
    }
    if (capacity.consumer_zones.size() >= 2) return;
    const std::string zone_code(resilient ? ReasonCode(HintFailure::kOneZone) : code);
    if (capacity.consumer_zones.empty()) {
      Add(Blocker::Kind::kNumber, zone_code, "", "no Ready node has a zone and CPU; hints need two zones");
    } else {
      const std::string zone = capacity.consumer_zones[0].zone.str();
      Add(Blocker::Kind::kZone, zone_code, zone,
          "all Ready nodes with a zone are in " + zone + "; hints need two zones");
    }
  }

  static std::string WhatNodeLacks(const NodeReport::LeftOut& node) {
    std::string text = "node " + node.node.str() + " has ";
    for (std::size_t i = 0; i < node.lacks.size(); ++i) {
      if (i > 0) text += " and ";
      text += node.lacks[i] == NodeReport::Lack::kNoZoneLabel ? "no label " + std::string(kLabelZone)
                                                              : "no allocatable CPU";
    }
    return text;
  }

  std::string NotReadyToo() const {
    return type_.not_ready == 0 ? "" : " (" + std::to_string(type_.not_ready) + " more not ready)";
  }

  void Numbers() {
    const auto zones = static_cast<std::int64_t>(
        std::count_if(type_.zones.begin(), type_.zones.end(), [](const auto& z) { return z.minimum.has_value(); }));
    if (zones == 0) return;
    const std::int64_t ready = type_.traffic.ready;
    const std::string have = Counted(ready, "ready endpoint") + NotReadyToo();
    const std::string too_few(ReasonCode(HintFailure::kTooFewEndpoints));
    if (options_.policy == HintsPolicy::kResilient) {
      if (ready == 0) Add(Blocker::Kind::kNumber, too_few, "", have);
      return;
    }
    if (ready < zones) {
      Add(Blocker::Kind::kNumber, too_few, "",
          have + " for " + Counted(zones, "zone") + "; each zone needs one of its own");
      return;
    }
    std::int64_t sum = 0;
    std::vector<std::string> terms;
    for (const ZoneExplanation& zone : type_.zones) {
      if (!zone.minimum) continue;
      sum += *zone.minimum;
      terms.push_back(zone.zone.str() + " " + std::to_string(*zone.minimum) + " (" +
                      Number(zone.ratio * static_cast<double>(ready)) + " by CPU)");
    }
    if (sum <= ready) return;
    Add(Blocker::Kind::kNumber, std::string(ReasonCode(HintFailure::kThreshold)), "",
        "the zones need at least " + Counted(sum, "endpoint") + " to stay within the overload threshold of " +
            FormatShare(options_.overload_threshold) + ", and there are " + std::to_string(ready) + NotReadyToo() +
            ": " + Listed(terms));
  }

  void HomelessEndpoints() {
    const std::string code(ReasonCode(HintFailure::kEndpointWithoutZone));
    const IpFamily family = type_.address_type == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
    const DesiredState state = DesireEndpoints(input_.cluster, family);
    for (const DesiredEndpoint& endpoint : state.endpoints) {
      if (!endpoint.ready || endpoint.zone != nullptr) continue;
      const Pod* pod = endpoint.pod;
      // Where a node has no zone, that is said of the node.
      const auto is_its_node = [&](const Blocker& b) {
        return b.kind == Blocker::Kind::kNode && b.object == pod->nodeName;
      };
      if (std::any_of(blockers_.begin(), blockers_.end(), is_its_node)) continue;
      const bool known = input_.cluster.nodes->contains(pod->nodeName);
      const std::string name = KeyOf(pod->metadata).ToString();
      std::string text = "ready pod " + name;
      if (pod->nodeName.empty()) {
        text += " is on no node, so it has no zone";
      } else {
        text += " on node " + pod->nodeName.str() + " has no zone: the node " +
                (known ? "has no label " + std::string(kLabelZone) : "is not known");
      }
      Add(Blocker::Kind::kEndpoint, code, name, std::move(text), pod->nodeName.str());
    }
  }

  // Given, but some proxies pick from all endpoints all the same.
  void NotHeeded() {
    if (type_.traffic.effect == HintEffect::kEverywhere) return;
    HomelessEndpoints();
    for (Blocker& blocker : blockers_) blocker.message += "; one such endpoint switches zone hints off at every proxy";
    for (const ZoneExplanation& zone : type_.zones) {
      if (!zone.traffic || zone.traffic->from_all == 0) continue;
      if (zone.zone.empty()) {
        for (const NodeReport::LeftOut& node : input_.nodes->left_out) {
          if (!node.unknown || !node.zone.empty()) continue;
          Add(Blocker::Kind::kNode, "NodeWithoutZone", node.node.str(),
              "node " + node.node.str() + " has no label " + std::string(kLabelZone) +
                  ": its proxy picks from all endpoints");
        }
      } else if (zone.named_by == 0) {
        Add(Blocker::Kind::kZone, "ZoneWithoutEndpoint", zone.zone.str(),
            "no ready endpoint is for " + zone.zone.str() + ": " +
                (zone.traffic->from_all == 1
                     ? "the proxy of its node picks"
                     : "the proxies of its " + std::to_string(zone.traffic->from_all) + " nodes pick") +
                " from all endpoints");
      }
    }
  }

  const ExplainInput& input_;
  const AddressTypeExplanation& type_;
  const HintsOptions options_;
  std::vector<Blocker> blockers_;
};

}  // namespace

std::vector<Blocker> FindBlockers(const ExplainInput& input, const ReconcileConfig& config,
                                  const AddressTypeExplanation& type) {
  return BlockerFinder(input, config, type).Find();
}

}  // namespace epslice::internal

namespace epslice {

std::string_view NameOf(Blocker::Kind kind) {
  switch (kind) {
    case Blocker::Kind::kNode: return "node";
    case Blocker::Kind::kEndpoint: return "endpoint";
    case Blocker::Kind::kZone: return "zone";
    case Blocker::Kind::kNumber: return "number";
    case Blocker::Kind::kService: return "service";
  }
  return "";
}

}  // namespace epslice

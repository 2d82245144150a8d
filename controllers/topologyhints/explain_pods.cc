// Each pod of the selector: in which slices it is, or why in none; and what
// other heuristics would do.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "controllers/endpointslice/endpoints.h"
#include "controllers/topologyhints/explain_internal.h"

namespace epslice::internal {
namespace {

std::string NameOfSlice(const EndpointSlice& slice) {
  if (!slice.metadata.name.empty()) return slice.metadata.name.str();
  return slice.metadata.generateName.str() + "(new)";
}

// Where the endpoints of a pod are.
class Places {
 public:
  explicit Places(const std::vector<SlicePtr>& slices) {
    for (const SlicePtr& slice : slices) {
      for (const Endpoint& endpoint : slice->endpoints) {
        if (!endpoint.targetRef || endpoint.targetRef->kind != "Pod") continue;
        by_pod_[endpoint.targetRef->name].push_back({slice.get(), &endpoint});
      }
    }
  }

  // The hints are those of the first.
  void Find(const Pod& pod, std::vector<std::string>* slices, EndpointHints* hints) const {
    const auto at = by_pod_.find(pod.metadata.name);
    if (at == by_pod_.end()) return;
    for (const auto& [slice, endpoint] : at->second) {
      const ObjectReference& target = *endpoint->targetRef;
      if (target.namespace_ != pod.metadata.namespace_) continue;
      if (!target.uid.empty() && !pod.metadata.uid.empty() && target.uid != pod.metadata.uid) continue;
      if (slices->empty() && endpoint->hints) *hints = *endpoint->hints;
      slices->push_back(NameOfSlice(*slice));
    }
  }

 private:
  std::unordered_map<Text, std::vector<std::pair<const EndpointSlice*, const Endpoint*>>> by_pod_;
};

std::string WhyLeftOut(const Pod& pod, const ReconcileInput& input, const Text& address_type) {
  if (pod.phase == PodPhase::kSucceeded) return "phase Succeeded";
  if (pod.phase == PodPhase::kFailed) return "phase Failed";
  if (!pod.hasPodIP) return pod.nodeName.empty() ? "not on a node, no IP yet" : "no IP yet";
  if (!input.service->spec.publishNotReadyAddresses) {
    if (pod.nodeName.empty()) return "not on a node";
    if (!input.nodes->contains(pod.nodeName)) return "its Node " + pod.nodeName.str() + " is not known";
  }
  const IpFamily family = address_type == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
  const bool has_family =
      std::any_of(pod.podIPs.begin(), pod.podIPs.end(), [&](const IpAddress& ip) { return ip.family == family; });
  if (!has_family) return "no " + address_type.str() + " address";
  if (input.service->metadata.deletionTimestamp.is_set()) return "the Service is being deleted";
  return "listed twice";
}

}  // namespace

std::vector<PodExplanation> ExplainPods(const ExplainInput& input, const Text& address_type,
                                        const std::vector<SlicePtr>& written, const std::vector<SlicePtr>& planned) {
  const ReconcileInput& cluster = input.cluster;
  const IpFamily family = address_type == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
  const DesiredState state = DesireEndpoints(cluster, family);
  std::unordered_map<const Pod*, const DesiredEndpoint*> desired;
  for (const DesiredEndpoint& endpoint : state.endpoints) desired.emplace(endpoint.pod, &endpoint);
  const Places written_places(written);
  const Places planned_places(planned);
  std::vector<PodExplanation> pods;
  pods.reserve(cluster.pods.size());
  for (const std::shared_ptr<const Pod>& pod : cluster.pods) {
    PodExplanation& explained = pods.emplace_back();
    explained.pod = KeyOf(pod->metadata);
    explained.node = pod->nodeName;
    if (const auto zone = cluster.nodes->find(pod->nodeName); zone != cluster.nodes->end()) {
      explained.zone = zone->second;
    }
    written_places.Find(*pod, &explained.written_in, &explained.written_hints);
    explained.serving = pod->ready;
    explained.terminating = pod->metadata.deletionTimestamp.is_set();
    const auto at = desired.find(pod.get());
    if (at != desired.end()) {
      explained.ip = at->second->first_ip->text.str();
      explained.ready = at->second->ready;
      planned_places.Find(*pod, &explained.planned_in, &explained.hints);
    }
    if (explained.planned_in.empty()) explained.left_out = WhyLeftOut(*pod, cluster, address_type);
  }
  std::stable_sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) { return a.pod < b.pod; });
  return pods;
}

std::shared_ptr<const Service> WithAnnotation(const Service& service, std::string_view key, std::string_view value) {
  auto copy = std::make_shared<Service>(service);
  copy->metadata.annotations = copy->metadata.annotations.With(Text(key), Text(value));
  return copy;
}

std::shared_ptr<const Service> Asking(const Service& service, Heuristic heuristic) {
  auto copy = std::make_shared<Service>(service);
  StringMap& annotations = copy->metadata.annotations;
  annotations = annotations.Without(kAnnotationTopologyHints).Without(kAnnotationTopologyMode);
  copy->spec.trafficDistribution.reset();
  if (heuristic == Heuristic::kAuto) annotations = annotations.With(Text(kAnnotationTopologyMode), Text("Auto"));
  if (heuristic == Heuristic::kPreferSameZone) copy->spec.trafficDistribution = Text("PreferSameZone");
  if (heuristic == Heuristic::kPreferSameNode) copy->spec.trafficDistribution = Text("PreferSameNode");
  return copy;
}

std::vector<Alternative> FindAlternatives(const ExplainInput& input, const ReconcileConfig& config,
                                          const Text& address_type) {
  struct Choice {
    std::string_view name;
    Heuristic heuristic;
    HintsPolicy policy;
  };
  constexpr Choice kChoices[] = {
      {"Auto (reference)", Heuristic::kAuto, HintsPolicy::kReference},
      {"Auto (resilient)", Heuristic::kAuto, HintsPolicy::kResilient},
      {"PreferSameZone", Heuristic::kPreferSameZone, HintsPolicy::kReference},
      {"PreferSameNode", Heuristic::kPreferSameNode, HintsPolicy::kReference},
      {"None", Heuristic::kNone, HintsPolicy::kReference},
  };
  const Service& service = *input.cluster.service;
  const Heuristic active = HeuristicOf(service);
  const HintsPolicy policy = HintsOptionsOf(service, config.hints).options.policy;
  // Who sends is the same for all, so that they compare.
  const Consumers& consumers = input.nodes->ConsumersAs(active == Heuristic::kAuto ? policy : HintsPolicy::kReference);
  std::vector<Alternative> alternatives;
  for (const Choice& choice : kChoices) {
    ExplainInput trial = input;
    const auto asking = Asking(service, choice.heuristic);
    trial.cluster.service = choice.heuristic == Heuristic::kAuto
                                ? WithAnnotation(*asking, kAnnotationHintsPolicy, NameOf(choice.policy))
                                : asking;
    Alternative& alternative = alternatives.emplace_back();
    alternative.name = std::string(choice.name);
    alternative.active =
        choice.heuristic == active && (choice.heuristic != Heuristic::kAuto || choice.policy == policy);
    alternative.outlook = LookAhead(trial, config, address_type, consumers);
  }
  return alternatives;
}

}  // namespace epslice::internal

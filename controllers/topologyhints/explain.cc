#include "controllers/topologyhints/explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "controllers/topologyhints/allocation.h"
#include "controllers/topologyhints/explain_internal.h"
#include "controllers/topologyhints/resilient_allocation.h"
#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice {
namespace internal {
namespace {

bool Names(const Endpoint& endpoint, const Text& zone) {
  if (!endpoint.hints) return false;
  const TextList& zones = endpoint.hints->forZones;
  return std::find(zones.begin(), zones.end(), zone) != zones.end();
}

bool IsGivenAway(const Endpoint& endpoint) {
  return !endpoint.zone.empty() && endpoint.hints && !endpoint.hints->forZones.empty() &&
         !Names(endpoint, endpoint.zone);
}

template <typename F>
void ForEachReady(const std::vector<SlicePtr>& slices, F visit) {
  for (const SlicePtr& slice : slices) {
    for (const Endpoint& endpoint : slice->endpoints) {
      if (IsReady(endpoint)) visit(endpoint);
    }
  }
}

// The zones' CPU as the heuristic counts it, their nodes, and shares of it.
void AddCapacity(const ExplainInput& input, HintsPolicy policy, std::map<Text, ZoneExplanation>* zones) {
  if (policy == HintsPolicy::kResilient) {
    for (const ZoneCapacity::Share& share : input.nodes->capacity->consumer_zones) {
      (*zones)[share.zone].cpu_milli = share.cpu_milli;
      (*zones)[share.zone].ratio = share.ratio;
    }
  }
  std::int64_t total = 0;
  for (const NodeReport::Zone& zone : input.nodes->zones) total += zone.cpu_milli;
  for (const NodeReport::Zone& zone : input.nodes->zones) {
    ZoneExplanation& into = (*zones)[zone.zone];
    into.nodes = static_cast<std::int64_t>(zone.nodes.size());
    if (policy == HintsPolicy::kResilient) continue;
    into.cpu_milli = zone.cpu_milli;
    into.ratio = static_cast<double>(zone.cpu_milli) / static_cast<double>(std::max<std::int64_t>(total, 1));
  }
}

// What the allocation wants of each zone, also where it cannot have it.
void AddLimits(const ExplainInput& input, const HintsOptions& options, std::int64_t ready,
               std::map<Text, ZoneExplanation>* zones) {
  const ZoneCapacity& capacity = *input.nodes->capacity;
  const bool resilient = options.policy == HintsPolicy::kResilient;
  if (resilient ? ResilientNodeFailure(capacity, options) != HintFailure::kNone : !capacity.usable()) return;
  std::int64_t total = 0;
  for (const ZoneCapacity::Share& share : capacity.consumer_zones) total += share.cpu_milli;
  std::int64_t sum = 0;
  for (const ZoneCapacity::Share& share : resilient ? capacity.consumer_zones : capacity.zones) {
    ZoneExplanation& zone = (*zones)[share.zone];
    zone.minimum = resilient ? ResilientMinimum(share.cpu_milli, total, ready, options.overload_threshold)
                             : MinimumEndpoints(share.ratio, options.overload_threshold, static_cast<int>(ready));
    zone.desired = share.ratio * static_cast<double>(ready);
    if (!resilient) zone.desired = std::max(*zone.desired, static_cast<double>(*zone.minimum));
    sum += *zone.minimum;
  }
  if (sum > ready) return;
  for (auto& [name, zone] : *zones) {
    if (zone.minimum) zone.maximum = *zone.minimum + ready - sum;
  }
}

void AddEndpoints(const std::vector<SlicePtr>& slices, std::map<Text, ZoneExplanation>* zones) {
  ForEachReady(slices, [&](const Endpoint& endpoint) {
    ZoneExplanation& own = (*zones)[endpoint.zone];
    ++own.own;
    own.given += IsGivenAway(endpoint) ? 1 : 0;
    if (!endpoint.hints) return;
    for (const Text& zone : endpoint.hints->forZones) {
      ++(*zones)[zone].named_by;
      if (zone != endpoint.zone) ++(*zones)[zone].received;
    }
  });
}

std::vector<ZoneExplanation> ExplainZones(const ExplainInput& input, Heuristic heuristic, const HintsOptions& options,
                                          const std::vector<SlicePtr>& planned, const TrafficEstimate& traffic) {
  std::map<Text, ZoneExplanation> zones;
  AddCapacity(input, heuristic == Heuristic::kAuto ? options.policy : HintsPolicy::kReference, &zones);
  if (heuristic == Heuristic::kAuto) AddLimits(input, options, traffic.ready, &zones);
  AddEndpoints(planned, &zones);
  for (const ZoneTraffic& zone : traffic.zones) {
    ZoneExplanation& into = zones[zone.zone];
    into.traffic = zone;
    if (zone.zone.empty()) into.nodes = zone.by_node + zone.by_zone + zone.from_all;
  }
  std::vector<ZoneExplanation> result;
  for (auto& [name, zone] : zones) {
    zone.zone = name;
    result.push_back(std::move(zone));
  }
  return result;
}

void SetAskedBy(const Service& service, Explanation* explanation) {
  const StringMap& annotations = service.metadata.annotations;
  const Text* deprecated = annotations.Find(kAnnotationTopologyHints);
  const Text* mode = annotations.Find(kAnnotationTopologyMode);
  const std::string_view key = deprecated != nullptr ? kAnnotationTopologyHints : kAnnotationTopologyMode;
  const Text* value = deprecated != nullptr ? deprecated : mode;
  const auto note = [&](std::string text) { explanation->notes.push_back(std::move(text)); };
  if (deprecated != nullptr && mode != nullptr) {
    note("annotation " + std::string(kAnnotationTopologyHints) + " (deprecated) is there, so " +
         std::string(kAnnotationTopologyMode) + "=" + mode->str() + " counts for nothing");
  }
  const std::optional<Text>& field = service.spec.trafficDistribution;
  if (WantsTopologyAwareHints(service)) {
    explanation->asked_by_annotation = true;
    explanation->asked_key = std::string(key);
    explanation->asked_value = value->str();
    if (field && !field->empty()) {
      note("spec.trafficDistribution=" + field->str() + " counts for nothing beside the annotation");
    }
  } else {
    if (value != nullptr && *value != "Disabled" && *value != "disabled") {
      note("annotation " + std::string(key) + "=" + value->str() + " asks for nothing; only Auto does");
    }
    if (field && TrafficDistributionOf(service) != TrafficDistribution::kNone) {
      explanation->asked_key = "spec.trafficDistribution";
      explanation->asked_value = field->str();
    } else if (field && !field->empty()) {
      note("spec.trafficDistribution=" + field->str() +
           " is not known; PreferSameZone, PreferClose and PreferSameNode are");
    }
  }
  for (const std::string& ignored : explanation->options.ignored) note(ignored + "; it is ignored");
}

void CountWrites(const Plan& plan, AddressTypeExplanation* type) {
  for (const SliceWrite& write : plan.writes) {
    if (write.slice->addressType != type->address_type) continue;
    switch (write.op) {
      case SliceWrite::Op::kCreate: ++type->creates; break;
      case SliceWrite::Op::kUpdate: ++type->updates; break;
      case SliceWrite::Op::kDelete: ++type->deletes; break;
    }
  }
}

AddressTypeExplanation ExplainType(const ExplainInput& input, const ReconcileConfig& config, const Explanation& whole,
                                   const Plan& plan, const Text& address_type, bool brief) {
  AddressTypeExplanation type;
  type.address_type = address_type;
  const Verdict verdict = VerdictOf(input, config, plan, address_type);
  type.state = verdict.state;
  type.reason = verdict.reason;
  type.message = verdict.message;
  type.shared = verdict.shared;
  const HintsOptions& options = whole.options.options;
  const Consumers& consumers =
      input.nodes->ConsumersAs(whole.heuristic == Heuristic::kAuto ? options.policy : HintsPolicy::kReference);
  const std::vector<SlicePtr> written = SlicesOf(input.cluster.slices, address_type);
  const std::vector<SlicePtr> planned = PlannedSlices(input.cluster.slices, plan, address_type);
  type.traffic = EstimateTraffic(ViewOf(planned), consumers);
  type.written_traffic = EstimateTraffic(ViewOf(written), consumers);
  type.zones = ExplainZones(input, whole.heuristic, options, planned, type.traffic);
  type.hinted_away = HintedAway(planned);
  for (const SlicePtr& slice : planned) {
    type.not_ready += std::count_if(slice->endpoints.begin(), slice->endpoints.end(),
                                    [](const Endpoint& endpoint) { return !IsReady(endpoint); });
  }
  ForEachReady(written, [&](const Endpoint& e) { type.written_hinted += e.hints && !e.hints->empty() ? 1 : 0; });
  CountWrites(plan, &type);
  type.blockers = FindBlockers(input, config, type);
  const bool wanting = type.state == HintState::Kind::kOff ||
                       (type.traffic.any && type.traffic.effect != HintEffect::kEverywhere) || type.asks_in_vain();
  type.fixes_looked_for = brief ? type.asks_in_vain() : wanting;
  if (type.fixes_looked_for) type.fixes = FindFixes(input, config, type, brief);
  if (brief) return type;
  type.alternatives = FindAlternatives(input, config, address_type);
  type.pods = ExplainPods(input, address_type, written, planned);
  return type;
}

}  // namespace

std::vector<SlicePtr> SlicesOf(const std::vector<SlicePtr>& slices, const Text& address_type) {
  std::vector<SlicePtr> of_type;
  for (const SlicePtr& slice : slices) {
    if (slice->addressType == address_type) of_type.push_back(slice);
  }
  std::stable_sort(of_type.begin(), of_type.end(),
                   [](const SlicePtr& a, const SlicePtr& b) { return a->metadata.name < b->metadata.name; });
  return of_type;
}

std::vector<SlicePtr> PlannedSlices(const std::vector<SlicePtr>& slices, const Plan& plan, const Text& address_type) {
  std::map<Text, SlicePtr> by_name;
  for (const SlicePtr& slice : SlicesOf(slices, address_type)) by_name[slice->metadata.name] = slice;
  std::vector<SlicePtr> made;
  for (const SliceWrite& write : plan.writes) {
    if (write.slice->addressType != address_type) continue;
    switch (write.op) {
      case SliceWrite::Op::kCreate: made.push_back(write.slice); break;
      case SliceWrite::Op::kUpdate: by_name[write.slice->metadata.name] = write.slice; break;
      case SliceWrite::Op::kDelete: by_name.erase(write.slice->metadata.name); break;
    }
  }
  std::vector<SlicePtr> planned;
  planned.reserve(by_name.size() + made.size());
  for (auto& [name, slice] : by_name) planned.push_back(std::move(slice));
  planned.insert(planned.end(), made.begin(), made.end());
  return planned;
}

ProxyView ViewOf(const std::vector<SlicePtr>& slices) {
  std::vector<const EndpointSlice*> pointers;
  pointers.reserve(slices.size());
  for (const SlicePtr& slice : slices) pointers.push_back(slice.get());
  return ProxyView(pointers);
}

std::int64_t HintedAway(const std::vector<SlicePtr>& slices) {
  std::int64_t away = 0;
  ForEachReady(slices, [&](const Endpoint& endpoint) { away += IsGivenAway(endpoint) ? 1 : 0; });
  return away;
}

Heuristic HeuristicOf(const Service& service) {
  if (WantsTopologyAwareHints(service)) return Heuristic::kAuto;
  switch (TrafficDistributionOf(service)) {
    case TrafficDistribution::kPreferSameZone: return Heuristic::kPreferSameZone;
    case TrafficDistribution::kPreferSameNode: return Heuristic::kPreferSameNode;
    case TrafficDistribution::kNone: break;
  }
  return Heuristic::kNone;
}

Verdict VerdictOf(const ExplainInput& input, const ReconcileConfig& config, const Plan& plan,
                  const Text& address_type) {
  const Service& service = *input.cluster.service;
  Verdict verdict;
  const Heuristic heuristic = HeuristicOf(service);
  if (heuristic == Heuristic::kNone) {
    const bool unknown = service.spec.trafficDistribution && !service.spec.trafficDistribution->empty();
    verdict.reason = unknown ? "UnknownTrafficDistribution" : "NotRequested";
    return verdict;
  }
  if (heuristic != Heuristic::kAuto) {
    verdict.state = HintState::Kind::kEnabled;
    verdict.reason = std::string(NameOf(heuristic));
    return verdict;
  }
  const auto at = plan.hints.find(address_type);
  if (at == plan.hints.end()) return verdict;
  const HintState& state = at->second;
  verdict.state = state.kind;
  verdict.failure = state.failure;
  verdict.message = state.reason;
  verdict.shared = state.shared;
  const bool resilient = HintsOptionsOf(service, config.hints).options.policy == HintsPolicy::kResilient;
  if (state.kind == HintState::Kind::kDisabled) {
    verdict.reason = std::string(ReasonCode(state.failure));
  } else {
    verdict.reason = state.shared ? "AutoShared" : resilient ? "AutoResilient" : "Auto";
  }
  return verdict;
}

Outlook LookAhead(const ExplainInput& input, const ReconcileConfig& config, const Text& address_type,
                  const Consumers& consumers) {
  const Plan plan = Reconcile(input.cluster, config);
  const Verdict verdict = VerdictOf(input, config, plan, address_type);
  const std::vector<SlicePtr> planned = PlannedSlices(input.cluster.slices, plan, address_type);
  Outlook outlook;
  outlook.state = verdict.state;
  outlook.reason = verdict.reason;
  outlook.traffic = EstimateTraffic(ViewOf(planned), consumers);
  outlook.hinted_away = HintedAway(planned);
  outlook.writes = std::count_if(plan.writes.begin(), plan.writes.end(),
                                 [&](const SliceWrite& write) { return write.slice->addressType == address_type; });
  return outlook;
}

std::string Counted(std::int64_t n, std::string_view one) {
  std::string text = std::to_string(n) + " " + std::string(one);
  if (n != 1) text += "s";
  return text;
}

std::string Listed(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  const std::size_t shown = names.size() > most ? most : names.size();
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

}  // namespace internal

std::string_view NameOf(HintState::Kind kind) {
  switch (kind) {
    case HintState::Kind::kOff: return "off";
    case HintState::Kind::kEnabled: return "enabled";
    case HintState::Kind::kDisabled: return "disabled";
  }
  return "";
}

std::string_view NameOf(Heuristic heuristic) {
  switch (heuristic) {
    case Heuristic::kNone: return "None";
    case Heuristic::kAuto: return "Auto";
    case Heuristic::kPreferSameZone: return "PreferSameZone";
    case Heuristic::kPreferSameNode: return "PreferSameNode";
  }
  return "";
}

bool AddressTypeExplanation::asks_in_vain() const {
  if (state == HintState::Kind::kDisabled) return true;
  return state == HintState::Kind::kEnabled && traffic.any && !traffic.terminating &&
         traffic.effect == HintEffect::kNowhere;
}

bool Explanation::asks_in_vain() const {
  return std::any_of(address_types.begin(), address_types.end(), [](const auto& type) { return type.asks_in_vain(); });
}

Explanation ExplainService(const ExplainInput& input, const ReconcileConfig& config, const ExplainOptions& options) {
  const Service& service = *input.cluster.service;
  Explanation explanation;
  explanation.service = KeyOf(service.metadata);
  explanation.managed = IsManagedService(service);
  if (!explanation.managed) {
    explanation.unmanaged = service.spec.type == "ExternalName" ? "ExternalName" : "NoSelector";
    return explanation;
  }
  ExplainInput own = input;
  own.cluster.nodes = input.nodes->node_zones;
  own.cluster.capacity = input.nodes->capacity;
  explanation.nodes = input.nodes;
  explanation.heuristic = internal::HeuristicOf(service);
  explanation.options = HintsOptionsOf(service, config.hints);
  internal::SetAskedBy(service, &explanation);
  const Plan plan = Reconcile(own.cluster, config);
  explanation.errors = plan.retry_errors;
  for (const Text& address_type : AddressTypesOf(service)) {
    explanation.address_types.push_back(
        internal::ExplainType(own, config, explanation, plan, address_type, options.brief));
  }
  return explanation;
}

}  // namespace epslice

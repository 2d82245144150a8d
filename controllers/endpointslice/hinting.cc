#include "controllers/endpointslice/hinting.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controllers/topologyhints/hints.h"
#include "controllers/topologyhints/traffic_distribution.h"

namespace epslice::internal {
namespace {

void DistributeHints(TrafficDistribution distribution, SliceChanges* changes) {
  std::vector<SlicePtr> unchanged;
  for (SlicePtr& slice : changes->unchanged) {
    if (HintsDiffer(*slice, distribution)) {
      changes->update.push_back(std::make_shared<EndpointSlice>(*slice));
    } else {
      unchanged.push_back(std::move(slice));
    }
  }
  changes->unchanged = std::move(unchanged);
  for (const DraftPtr& draft : changes->create) SetHints(draft.get(), distribution);
  for (const DraftPtr& draft : changes->update) SetHints(draft.get(), distribution);
}

// An event where the state changed, or the kind of failure; `repeat`: or where it is
// a failure.
void TellHints(const HintState& before, const HintState& after, const Text& address_type, bool told_elsewhere,
               bool repeat, Plan* plan) {
  const auto tell = [&](std::string_view type, std::string_view reason, std::string_view message) {
    plan->events.push_back(
        {Text::Intern(type), Text::Intern(reason), std::string(message) + ", addressType: " + address_type.str()});
  };
  const bool same = before.kind == after.kind && before.failure == after.failure;
  if (same && !(repeat && after.kind == HintState::Kind::kDisabled)) return;
  if (after.kind == HintState::Kind::kEnabled) {
    if (!told_elsewhere) tell("Normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled");
  } else if (after.kind == HintState::Kind::kDisabled) {
    tell("Warning", "TopologyAwareHintsDisabled", after.reason);
  } else if (before.kind == HintState::Kind::kEnabled) {
    tell("Warning", "TopologyAwareHintsDisabled", "Topology Aware Hints has been disabled");
  }
}

// Whether another address type has hints, before or by now: the reference tells
// that hints are on once for a Service.
bool HintedElsewhere(const ReconcileInput& input, const Text& address_type, const Plan& plan) {
  const auto is_hinted = [&](const auto& state) {
    return state.first != address_type && state.second.kind == HintState::Kind::kEnabled;
  };
  return std::any_of(input.hints.begin(), input.hints.end(), is_hinted) ||
         std::any_of(plan.hints.begin(), plan.hints.end(), is_hinted);
}

HintSummary Summarize(const HintState& state) {
  if (state.kind == HintState::Kind::kDisabled) return {HintState::Kind::kDisabled, ReasonCode(state.failure)};
  if (state.shared) return {state.kind, "AutoShared"};
  return {state.kind, state.options.policy == HintsPolicy::kResilient ? "AutoResilient" : "Auto"};
}

HintSummary Summarize(const Service& service, TrafficDistribution distribution) {
  switch (distribution) {
    case TrafficDistribution::kPreferSameZone: return {HintState::Kind::kEnabled, "PreferSameZone"};
    case TrafficDistribution::kPreferSameNode: return {HintState::Kind::kEnabled, "PreferSameNode"};
    case TrafficDistribution::kNone: break;
  }
  const bool unknown = service.spec.trafficDistribution && !service.spec.trafficDistribution->empty();
  return {HintState::Kind::kOff, unknown ? "UnknownTrafficDistribution" : "NotRequested"};
}

// Of a Service with several address types the one that is worst off counts.
void NoteSummary(const HintSummary& summary, HintSummary* worst) {
  const auto badness = [](HintState::Kind kind) { return kind == HintState::Kind::kDisabled ? 1 : 0; };
  if (worst->reason.empty() || badness(summary.state) > badness(worst->state)) *worst = summary;
}

void CountHints(const EndpointSlice& slice, HintCounts* counts) {
  for (const Endpoint& endpoint : slice.endpoints) {
    if (!IsReady(endpoint)) continue;
    if (!endpoint.hints || endpoint.hints->empty()) {
      ++counts->none;
    } else {
      ++(endpoint.hints->forNodes.empty() ? counts->zone : counts->node);
    }
  }
}

void CountChanges(const EndpointSlice& draft, const EndpointSlice* written, HintChanges* changes) {
  WrittenHints hints(written);
  for (const Endpoint& endpoint : draft.endpoints) {
    const EndpointHints* before = hints.Next(endpoint).hints;
    if (before == nullptr && endpoint.hints) {
      ++changes->add;
    } else if (before != nullptr && !endpoint.hints) {
      ++changes->remove;
    } else if (before != nullptr && *before != *endpoint.hints) {
      ++changes->change;
    }
  }
}

void Count(const std::vector<SlicePtr>& written, const SliceChanges& changes, PlanMetrics* metrics) {
  for (const DraftPtr& draft : changes.create) {
    CountHints(*draft, &metrics->hinted);
    CountChanges(*draft, nullptr, &metrics->hint_changes);
  }
  std::unordered_map<std::string_view, const EndpointSlice*> by_name;
  if (!changes.update.empty()) {
    for (const SlicePtr& slice : written) by_name[slice->metadata.name.view()] = slice.get();
  }
  for (const DraftPtr& draft : changes.update) {
    const auto at = by_name.find(draft->metadata.name.view());
    CountHints(*draft, &metrics->hinted);
    CountChanges(*draft, at == by_name.end() ? nullptr : at->second, &metrics->hint_changes);
  }
  for (const SlicePtr& slice : changes.unchanged) CountHints(*slice, &metrics->hinted);
}

}  // namespace

void ReconcileHints(const ReconcileInput& input, const ReconcileConfig& config, const Text& address_type,
                    const std::vector<SlicePtr>& written, SliceChanges* changes, Plan* plan) {
  const Service& service = *input.service;
  HintState state;
  if (WantsTopologyAwareHints(service)) {
    static const auto* unusable = new std::shared_ptr<const ZoneCapacity>(std::make_shared<const ZoneCapacity>());
    state =
        AddHints(input.capacity == nullptr ? *unusable : input.capacity, HintsOptionsOf(service, config.hints).options,
                 {&changes->create, &changes->update, &changes->unchanged, &written, config.as_recorded});
    NoteSummary(Summarize(state), &plan->metrics.hints);
  } else {
    const TrafficDistribution distribution = TrafficDistributionOf(service);
    DistributeHints(distribution, changes);
    NoteSummary(Summarize(service, distribution), &plan->metrics.hints);
  }
  Count(written, *changes, &plan->metrics);
  const auto before = input.hints.find(address_type);
  TellHints(before == input.hints.end() ? HintState() : before->second, state, address_type,
            config.as_recorded && HintedElsewhere(input, address_type, *plan), config.repeat_events, plan);
  if (state.kind != HintState::Kind::kOff) plan->hints[address_type] = std::move(state);
}

}  // namespace epslice::internal

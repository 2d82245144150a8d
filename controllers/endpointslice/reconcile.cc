#include "controllers/endpointslice/reconcile.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "apis/ip.h"
#include "apis/time_format.h"
#include "controllers/endpointslice/endpoints.h"
#include "controllers/endpointslice/given_endpoints.h"
#include "controllers/endpointslice/hinting.h"
#include "controllers/endpointslice/packing.h"

namespace epslice {
namespace {

using internal::DraftPtr;
using internal::EndpointMatcher;
using internal::GivenMatcher;
using internal::PortGroup;
using internal::SliceChanges;
using internal::SlicePtr;
using internal::SliceTemplate;

// Existing slices in key order, whatever order they came in.
std::vector<SlicePtr> Sorted(std::vector<SlicePtr> slices) {
  const auto by_key = [](const SlicePtr& a, const SlicePtr& b) { return KeyOf(a->metadata) < KeyOf(b->metadata); };
  if (!std::is_sorted(slices.begin(), slices.end(), by_key)) std::sort(slices.begin(), slices.end(), by_key);
  return slices;
}

std::vector<EndpointPort> SortedPorts(const EndpointSlice& slice) {
  std::vector<EndpointPort> ports = slice.ports;
  if (!std::is_sorted(ports.begin(), ports.end())) std::sort(ports.begin(), ports.end());
  return ports;
}

// Whether `slice` already is the placeholder that would be written. The
// reference compares the labels, and of the rest only what is empty.
bool IsPlaceholder(const EndpointSlice& slice, const SliceTemplate& shape) {
  return slice.endpoints.empty() && slice.ports.empty() && slice.metadata.labels == shape.labels;
}

// A delete and a create of one run become one update: the slice keeps its name
// and gets the new content.
void FoldCreatesIntoDeletes(const Service& service, SliceChanges* changes) {
  std::vector<SlicePtr> remaining;
  for (SlicePtr& slice : changes->remove) {
    if (changes->create.empty() || !internal::OwnedBy(*slice, service) ||
        slice->addressType != changes->create.back()->addressType) {
      remaining.push_back(std::move(slice));
      continue;
    }
    DraftPtr draft = std::move(changes->create.back());
    changes->create.pop_back();
    draft->metadata.name = slice->metadata.name;
    changes->update.push_back(std::move(draft));
  }
  changes->remove = std::move(remaining);
}

// The plan for one address type, before its writes are put in order.
class AddressTypePlan {
 public:
  AddressTypePlan(const ReconcileInput& input, const ReconcileConfig& config, const SliceTemplate& shape,
                  Text address_type)
      : input_(input),
        config_(config),
        shape_(shape),
        address_type_(std::move(address_type)),
        family_(address_type_ == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4) {}

  SliceChanges Make(const std::vector<SlicePtr>& existing, Plan* plan) {
    SliceChanges changes;
    PackAll(existing, plan, &changes);
    AddPlaceholder(existing.size(), plan, &changes);
    internal::ReconcileHints(input_, config_, address_type_, existing, &changes, plan);
    FoldCreatesIntoDeletes(*input_.service, &changes);
    // While a Service is being deleted, the garbage collector removes its
    // slices; new ones would only come in its way.
    if (input_.service->metadata.deletionTimestamp.is_set()) changes.create.clear();
    plan->metrics.per_address_type.push_back({address_type_, changes.endpoints_added, changes.endpoints_removed});
    plan->metrics.actual_slices +=
        static_cast<std::int64_t>(changes.create.size() + changes.update.size() + changes.unchanged.size());
    return changes;
  }

 private:
  void PackAll(const std::vector<SlicePtr>& existing, Plan* plan, SliceChanges* changes) {
    if (input_.endpoints) {
      PackAs<GivenMatcher>(internal::GivenState(input_, family_), existing, plan, changes);
    } else {
      PackAs<EndpointMatcher>(internal::DesireEndpoints(input_, family_), existing, plan, changes);
    }
  }

  template <typename Matcher, typename State>
  void PackAs(State state, const std::vector<SlicePtr>& existing, Plan* plan, SliceChanges* changes) {
    using Desired = typename decltype(state.endpoints)::value_type;
    std::vector<std::vector<SlicePtr>> slices_of_group(state.groups.size());
    for (const SlicePtr& slice : existing) AssignToGroup(slice, state.groups, &slices_of_group, changes);
    std::vector<std::vector<Desired*>> desired_of_group(state.groups.size());
    if (state.groups.size() == 1) desired_of_group[0].reserve(state.endpoints.size());
    for (Desired& endpoint : state.endpoints) desired_of_group[endpoint.group].push_back(&endpoint);
    Matcher matcher(&state.endpoints, family_);
    for (std::uint32_t group = 0; group < state.groups.size(); ++group) {
      const auto count = static_cast<std::int64_t>(desired_of_group[group].size());
      plan->metrics.desired_endpoints += count;
      const std::int64_t max = config_.max_endpoints_per_slice;
      plan->metrics.desired_slices += (count + max - 1) / max;
      internal::PackGroup(shape_, address_type_, family_, group, state.groups[group].ports, desired_of_group[group],
                          &matcher, slices_of_group[group], changes);
    }
    // The same pod is missing for every address type; once is enough.
    if (plan->retry_errors.empty()) plan->retry_errors = std::move(state.errors);
  }

  // Slices that are not ours to keep, or whose ports nobody has any more, go.
  void AssignToGroup(const SlicePtr& slice, const std::vector<PortGroup>& port_groups,
                     std::vector<std::vector<SlicePtr>>* groups, SliceChanges* changes) const {
    if (internal::OwnedBy(*slice, *input_.service)) {
      const std::vector<EndpointPort> ports = SortedPorts(*slice);
      for (std::size_t i = 0; i < port_groups.size(); ++i) {
        if (port_groups[i].ports != ports) continue;
        (*groups)[i].push_back(slice);
        return;
      }
    }
    changes->remove.push_back(slice);
  }

  // A Service always has a slice of each address type, if only an empty one.
  void AddPlaceholder(std::size_t existing, Plan* plan, SliceChanges* changes) const {
    if (changes->remove.size() != existing || !changes->create.empty()) return;
    plan->metrics.desired_slices += 1;
    if (!config_.as_recorded && KeepPlaceholder(changes)) return;
    changes->create.push_back(shape_.Make(address_type_, {}));
  }

  // One of the slices that would go is what would take their place: it stays.
  // (The reference sees that only where it is the sole one, and else writes it
  // again as it is.)
  bool KeepPlaceholder(SliceChanges* changes) const {
    std::vector<SlicePtr>& remove = changes->remove;
    const auto kept = std::find_if(remove.begin(), remove.end(), [&](const SlicePtr& slice) {
      return IsPlaceholder(*slice, shape_) && (remove.size() == 1 || internal::OwnedBy(*slice, *input_.service));
    });
    if (kept == remove.end()) return false;
    changes->unchanged.push_back(std::move(*kept));
    remove.erase(kept);
    return true;
  }

  const ReconcileInput& input_;
  const ReconcileConfig& config_;
  const SliceTemplate& shape_;
  const Text address_type_;
  const IpFamily family_;
};

void AppendWrites(SliceChanges changes, int group, const Text& trigger_time, Plan* plan) {
  const auto stamp = [&](const DraftPtr& draft) {
    StringMap& annotations = draft->metadata.annotations;
    annotations = trigger_time.empty() ? annotations.Without(kAnnotationTriggerTime)
                                       : annotations.With(Text::Intern(kAnnotationTriggerTime), trigger_time);
    return draft;
  };
  for (const DraftPtr& draft : changes.create) {
    plan->writes.push_back({SliceWrite::Op::kCreate, group, stamp(draft)});
  }
  for (const DraftPtr& draft : changes.update) {
    plan->writes.push_back({SliceWrite::Op::kUpdate, group, stamp(draft)});
  }
  for (SlicePtr& slice : changes.remove) plan->writes.push_back({SliceWrite::Op::kDelete, group, std::move(slice)});
}

}  // namespace

bool IsManagedService(const Service& service) {
  return service.spec.type != "ExternalName" && service.spec.selector.has_value();
}

std::vector<Text> AddressTypesOf(const Service& service) {
  bool v4 = false;
  bool v6 = false;
  for (const Text& family : service.spec.ipFamilies) {
    v4 |= family == "IPv4";
    v6 |= family == "IPv6";
  }
  if (!v4 && !v6) {
    const Text& cluster_ip = service.spec.clusterIP;
    if (cluster_ip.empty() || cluster_ip == "None") {
      v4 = v6 = true;
    } else {
      const std::optional<IpAddress> ip = ParseIpLenient(cluster_ip);
      v6 = ip && ip->family == IpFamily::kIPv6;
      v4 = !v6;
    }
  }
  std::vector<Text> types;
  if (v4) types.push_back(Text::Intern("IPv4"));
  if (v6) types.push_back(Text::Intern("IPv6"));
  return types;
}

Plan Reconcile(const ReconcileInput& input, const ReconcileConfig& config) {
  const Service& service = *input.service;
  Plan plan;
  plan.service = KeyOf(service.metadata);
  if (input.endpoints ? service.spec.type == "ExternalName" : !IsManagedService(service)) return plan;

  const SliceTemplate shape(service, config);
  const Text trigger_time(FormatRfc3339Nano(input.trigger_time));
  const std::vector<Text> types = AddressTypesOf(service);
  std::vector<std::vector<SlicePtr>> existing(types.size());
  SliceChanges unsupported;
  for (const SlicePtr& slice : Sorted(input.slices)) {
    if (slice->metadata.deletionTimestamp.is_set()) continue;
    const auto it = std::find(types.begin(), types.end(), slice->addressType);
    if (it == types.end()) {
      unsupported.remove.push_back(slice);
    } else {
      existing[static_cast<std::size_t>(it - types.begin())].push_back(slice);
    }
  }
  int group = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    SliceChanges changes = AddressTypePlan(input, config, shape, types[i]).Make(existing[i], &plan);
    AppendWrites(std::move(changes), group++, trigger_time, &plan);
  }
  // Each goes for itself: none waits for another.
  for (SlicePtr& slice : unsupported.remove) {
    plan.writes.push_back({SliceWrite::Op::kDelete, group++, std::move(slice)});
  }
  return plan;
}

Plan DeleteSlices(const ObjectKey& service, const std::vector<std::shared_ptr<const EndpointSlice>>& slices) {
  Plan plan;
  plan.service = service;
  for (const SlicePtr& slice : Sorted(slices)) {
    if (slice->metadata.deletionTimestamp.is_set()) continue;
    plan.writes.push_back({SliceWrite::Op::kDelete, static_cast<int>(plan.writes.size()), slice});
  }
  return plan;
}

}  // namespace epslice

#include "controllers/endpointslice/packing.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "apis/fnv.h"
#include "apis/names.h"
#include "controllers/endpointslice/given_endpoints.h"

namespace epslice::internal {
namespace {

bool IsReservedLabel(std::string_view key) {
  return key == kLabelServiceName || key == kLabelManagedBy || key == kLabelHeadless;
}

bool HasClusterIp(const Service& service) {
  return !service.spec.clusterIP.empty() && service.spec.clusterIP != "None";
}

// Step 1 of packing: what is kept, replaced and dropped in one slice.
template <typename Desired>
struct Kept {
  std::vector<const Desired*> endpoints;
  bool changed = false;  // an endpoint was replaced or dropped
};

std::string_view DrawnBy(const DesiredEndpoint& desired) {
  const BasicMeta& meta = desired.pod->metadata;
  return meta.uid.empty() ? meta.name.view() : meta.uid.view();
}
std::string_view DrawnBy(const GivenEndpoint& desired) {
  const auto& addresses = desired.endpoint->addresses;
  return addresses.empty() ? std::string_view() : addresses[0].view();
}

// With the last step of SplitMix64, so that all bits count.
std::uint64_t DrawnPlace(std::uint64_t seed, std::string_view text) {
  std::uint64_t hash = Fnv1a(text, seed);
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31U);
}

// Hands out the endpoints that are left, in their order.
template <typename Desired>
class LeftOver {
 public:
  LeftOver(const std::vector<Desired*>& desired, std::uint64_t seed) {
    for (Desired* endpoint : desired) {
      if (!endpoint->placed) left_.push_back(endpoint);
    }
    const auto in_order = [](const Desired* a, const Desired* b) { return ComesBefore(*a, *b); };
    if (!std::is_sorted(left_.begin(), left_.end(), in_order)) std::stable_sort(left_.begin(), left_.end(), in_order);
    if (seed == 0) return;
    const auto drawn = [seed](const Desired* e) { return DrawnPlace(seed, DrawnBy(*e)); };
    std::stable_sort(left_.begin(), left_.end(),
                     [&drawn](const Desired* a, const Desired* b) { return drawn(a) < drawn(b); });
  }
  std::size_t size() const { return left_.size() - next_; }

  void Fill(EndpointSlice* slice, std::size_t max, IpFamily family) {
    const std::size_t room = slice->endpoints.size() < max ? max - slice->endpoints.size() : 0;
    const std::size_t n = std::min(room, size());
    slice->endpoints.reserve(slice->endpoints.size() + n);
    for (std::size_t i = 0; i < n; ++i) {
      Desired* endpoint = left_[next_++];
      endpoint->placed = true;
      slice->endpoints.push_back(MakeEndpoint(*endpoint, family));
    }
  }

 private:
  std::vector<Desired*> left_;
  std::size_t next_ = 0;
};

template <typename Desired, typename Matcher>
Kept<Desired> KeepDesired(const EndpointSlice& slice, std::uint32_t group, Matcher* matcher) {
  Kept<Desired> kept;
  kept.endpoints.reserve(slice.endpoints.size());
  for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
    // What endpoints refer to lies scattered in memory.
    if (i + 6 < slice.endpoints.size()) {
      const Endpoint& next = slice.endpoints[i + 6];
      if (!next.addresses.empty()) __builtin_prefetch(next.addresses[0].identity());
      if (next.targetRef) __builtin_prefetch(next.targetRef->name.identity());
    }
    const Endpoint& existing = slice.endpoints[i];
    Desired* desired = matcher->Find(existing, group);
    if (desired == nullptr) {
      kept.changed = true;
      continue;
    }
    desired->placed = true;
    kept.endpoints.push_back(desired);
    if (!SameBeyondIdentity(*desired, existing)) kept.changed = true;
  }
  return kept;
}

// The unchanged slice that takes `count` more endpoints and ends closest to
// full; ties go to the first by name. -1: none has the room.
int SliceToFill(const std::vector<SlicePtr>& unchanged, std::size_t count, std::size_t max) {
  int best = -1;
  std::size_t least_room = max;
  for (std::size_t i = 0; i < unchanged.size(); ++i) {
    const std::size_t after = unchanged[i]->endpoints.size() + count;
    if (after > max || max - after >= least_room) continue;
    least_room = max - after;
    best = static_cast<int>(i);
  }
  return best;
}

}  // namespace

SliceTemplate::SliceTemplate(const Service& s, const ReconcileConfig& config)
    : service(s),
      max_endpoints(config.max_endpoints_per_slice),
      new_endpoints_seed(config.new_endpoints_seed),
      generate_name(EndpointSliceNamePrefix(s.metadata.name)) {
  std::vector<StringMap::Entry> mirrored;
  for (const StringMap::Entry& label : s.metadata.labels) {
    if (!IsReservedLabel(label.first)) mirrored.push_back(label);
  }
  std::vector<StringMap::Entry> all = mirrored;
  all.emplace_back(Text::Intern(kLabelServiceName), s.metadata.name);
  all.emplace_back(Text::Intern(kLabelManagedBy), config.controller_name);
  if (!HasClusterIp(s)) all.emplace_back(Text::Intern(kLabelHeadless), Text());
  mirrored_labels = StringMap(std::move(mirrored));
  labels = StringMap(std::move(all));
}

DraftPtr SliceTemplate::Make(const Text& address_type, std::vector<EndpointPort> ports) const {
  auto slice = std::make_shared<EndpointSlice>();
  slice->metadata.generateName = generate_name;
  slice->metadata.namespace_ = service.metadata.namespace_;
  slice->metadata.labels = labels;
  slice->metadata.ownerReferences.push_back({Text::Intern("v1"), Text::Intern("Service"), service.metadata.name,
                                             service.metadata.uid, /*controller=*/true, /*blockOwnerDeletion=*/true});
  slice->addressType = address_type;
  slice->ports = std::move(ports);
  return slice;
}

bool SliceTemplate::LabelsMatch(const EndpointSlice& slice) const {
  const StringMap::Entry* want = mirrored_labels.begin();
  for (const StringMap::Entry& have : slice.metadata.labels) {
    if (IsReservedLabel(have.first)) continue;
    if (want == mirrored_labels.end() || *want != have) return false;
    ++want;
  }
  return want == mirrored_labels.end();
}

bool OwnedBy(const EndpointSlice& slice, const Service& service) {
  for (const OwnerReference& owner : slice.metadata.ownerReferences) {
    if (owner.uid == service.metadata.uid && owner.kind == "Service" && owner.apiVersion == "v1") return true;
  }
  return false;
}

template <typename Desired, typename Matcher>
void PackGroup(const SliceTemplate& shape, const Text& address_type, IpFamily family, std::uint32_t group,
               const std::vector<EndpointPort>& ports, const std::vector<Desired*>& desired, Matcher* matcher,
               const std::vector<SlicePtr>& existing, SliceChanges* changes) {
  const auto max = static_cast<std::size_t>(shape.max_endpoints);

  // 1. Keep what is desired where it is.
  std::vector<DraftPtr> updates;
  std::vector<SlicePtr> unchanged;
  for (const SlicePtr& slice : existing) {
    Kept<Desired> kept = KeepDesired<Desired>(*slice, group, matcher);
    const bool same_labels = shape.LabelsMatch(*slice);
    if (!kept.changed && same_labels) {
      unchanged.push_back(slice);
      continue;
    }
    changes->endpoints_removed += static_cast<std::int64_t>(slice->endpoints.size() - kept.endpoints.size());
    // One that was empty before, and is only labelled otherwise, stays.
    if (kept.endpoints.empty() && kept.changed) {
      changes->remove.push_back(slice);
      continue;
    }
    auto draft = std::make_shared<EndpointSlice>();
    draft->metadata = slice->metadata;
    draft->metadata.labels = shape.labels;
    draft->addressType = slice->addressType;
    draft->ports = slice->ports;
    draft->endpoints.reserve(std::max(kept.endpoints.size(), std::min(max, slice->endpoints.size() + 1)));
    for (const Desired* endpoint : kept.endpoints) draft->endpoints.push_back(MakeEndpoint(*endpoint, family));
    updates.push_back(std::move(draft));
  }

  // 2. Slices that are written anyway take what is left, fullest first.
  LeftOver<Desired> left(desired, shape.new_endpoints_seed);
  changes->endpoints_added += static_cast<std::int64_t>(left.size());
  std::vector<DraftPtr> by_fill = updates;
  std::stable_sort(by_fill.begin(), by_fill.end(),
                   [](const DraftPtr& a, const DraftPtr& b) { return a->endpoints.size() > b->endpoints.size(); });
  for (const DraftPtr& draft : by_fill) left.Fill(draft.get(), max, family);

  // 3. Then one unchanged slice that can take all of the rest, else new ones.
  while (left.size() > 0) {
    const int fill = left.size() < max ? SliceToFill(unchanged, left.size(), max) : -1;
    DraftPtr draft;
    if (fill >= 0) {
      draft = std::make_shared<EndpointSlice>(*unchanged[static_cast<std::size_t>(fill)]);
      unchanged.erase(unchanged.begin() + fill);
      updates.push_back(draft);
    } else {
      draft = shape.Make(address_type, ports);
      changes->create.push_back(draft);
    }
    left.Fill(draft.get(), max, family);
  }

  changes->update.insert(changes->update.end(), updates.begin(), updates.end());
  changes->unchanged.insert(changes->unchanged.end(), unchanged.begin(), unchanged.end());
}

template void PackGroup(const SliceTemplate& shape, const Text& address_type, IpFamily family, std::uint32_t group,
                        const std::vector<EndpointPort>& ports, const std::vector<DesiredEndpoint*>& desired,
                        EndpointMatcher* matcher, const std::vector<SlicePtr>& existing, SliceChanges* changes);
template void PackGroup(const SliceTemplate& shape, const Text& address_type, IpFamily family, std::uint32_t group,
                        const std::vector<EndpointPort>& ports, const std::vector<GivenEndpoint*>& desired,
                        GivenMatcher* matcher, const std::vector<SlicePtr>& existing, SliceChanges* changes);

}  // namespace epslice::internal

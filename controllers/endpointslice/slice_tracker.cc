#include "controllers/endpointslice/slice_tracker.h"

#include <algorithm>
#include <unordered_map>

#include "informers/version.h"

namespace epslice {

ObjectKey ServiceOfSlice(const EndpointSlice& slice) {
  const Text* name = slice.metadata.labels.Find(kLabelServiceName);
  return {slice.metadata.namespace_, name == nullptr ? Text() : *name};
}

void SliceTracker::ObserveVersion(std::string_view resource_version) {
  const std::optional<std::uint64_t> n = VersionNumber(resource_version);
  if (n && *n > observed_) observed_ = *n;
}

void SliceTracker::Wrote(const ObjectKey& service, const EndpointSlice& slice, bool in_store, Instant now) {
  Entry entry{slice.metadata.generation, false, VersionNumber(slice.metadata.resourceVersion), now};
  // The watch was quicker than the answer, and the slice is gone already.
  if (!in_store && entry.version && *entry.version <= observed_) return;
  services_[service][slice.metadata.uid] = entry;
}

void SliceTracker::Deleted(const ObjectKey& service, const EndpointSlice& slice, Instant now) {
  Entry& entry = services_[service][slice.metadata.uid];
  entry.deleted = true;
  entry.written = now;
}

bool SliceTracker::CanNoLongerCome(const Entry& entry, Instant now) const {
  // Which version a deletion had is not told: it is given time.
  if (entry.version && !entry.deleted) return *entry.version <= observed_;
  return now - entry.written >= patience_;
}

bool SliceTracker::Stale(const ObjectKey& service, const std::vector<std::shared_ptr<const EndpointSlice>>& slices,
                         Instant now) {
  const auto found = services_.find(service);
  if (found == services_.end()) return false;
  std::unordered_map<Text, const EndpointSlice*> in_store;
  for (const auto& slice : slices) in_store.emplace(slice->metadata.uid, slice.get());
  bool stale = false;
  for (auto it = found->second.begin(); it != found->second.end();) {
    const Entry& entry = it->second;
    const auto stored = in_store.find(it->first);
    bool waiting = !entry.deleted;
    if (stored != in_store.end()) {
      const ObjectMeta& meta = stored->second->metadata;
      // One that waits for its finalizers may stay for as long as it likes.
      waiting = !meta.deletionTimestamp.is_set() && (entry.deleted || meta.generation < entry.generation);
    }
    if (!waiting) {
      ++it;
    } else if (CanNoLongerCome(entry, now)) {
      it = found->second.erase(it);
    } else {
      stale = true;
      ++it;
    }
  }
  return stale;
}

std::uint64_t SliceTracker::AwaitedVersion(const ObjectKey& service) const {
  std::uint64_t awaited = 0;
  const auto found = services_.find(service);
  if (found == services_.end()) return 0;
  for (const auto& [uid, entry] : found->second) {
    if (!entry.deleted && entry.version) awaited = std::max(awaited, *entry.version);
  }
  return awaited <= observed_ ? 0 : awaited;
}

const SliceTracker::Entry* SliceTracker::Find(const ObjectKey& service, const Text& uid) const {
  const auto found = services_.find(service);
  if (found == services_.end()) return nullptr;
  const auto entry = found->second.find(uid);
  return entry == found->second.end() ? nullptr : &entry->second;
}

bool SliceTracker::IsNews(const ObjectKey& service, const EndpointSlice& slice) const {
  const Entry* entry = Find(service, slice.metadata.uid);
  return entry == nullptr || slice.metadata.generation > entry->generation;
}

bool SliceTracker::TakeExpectedDeletion(const ObjectKey& service, const EndpointSlice& slice) {
  const auto found = services_.find(service);
  if (found == services_.end()) return false;
  const auto entry = found->second.find(slice.metadata.uid);
  if (entry == found->second.end()) return false;
  const bool expected = entry->second.deleted;
  found->second.erase(entry);
  return expected;
}

}  // namespace epslice

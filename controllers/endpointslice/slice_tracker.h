// SliceTracker: what we wrote, until the store has seen it.
//
// After a write the store still holds the old slice for a moment; planning on
// it would write twice. The tracker remembers the generation of each slice we
// wrote, so that a Service whose slices in the store lag behind is left alone,
// and so that the echo of our own write is told from somebody else's.
//
// The reference waits for ever when the slice it wrote is deleted before its
// informer sees it (no delete event ever comes). Here an entry also ends when
// the store is known to be newer than the write (resourceVersions of one
// cluster compare as numbers since Kubernetes 1.35, KEP-5504), or, where
// versions are not numbers (and for our deletions), after `patience`.
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TRACKER_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TRACKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apis/discovery.h"
#include "apis/meta.h"
#include "informers/clock.h"

namespace epslice {

class SliceTracker {
 public:
  explicit SliceTracker(Duration patience = std::chrono::minutes(1)) : patience_(patience) {}

  // The store has seen everything up to this version.
  void ObserveVersion(std::string_view resource_version);

  // We wrote this slice; it came back with this uid, generation and version.
  // `in_store`: the store has it (by uid).
  void Wrote(const ObjectKey& service, const EndpointSlice& slice, bool in_store, Instant now);
  // We deleted this slice; a delete event will follow.
  void Deleted(const ObjectKey& service, const EndpointSlice& slice, Instant now);
  void Forget(const ObjectKey& service) { services_.erase(service); }
  // Services that it knows of.
  std::size_t size() const { return services_.size(); }

  // Whether `slices`, all that the store has for the Service, lag behind what
  // we wrote. Entries that can no longer be waited for end here.
  bool Stale(const ObjectKey& service, const std::vector<std::shared_ptr<const EndpointSlice>>& slices, Instant now);

  // Once the store has seen everything up to this version, no write of the
  // Service is waited for any more (deletions aside, which have no version); 0
  // when none is, or versions are not numbers.
  std::uint64_t AwaitedVersion(const ObjectKey& service) const;
  // See ObserveVersion().
  std::uint64_t observed_version() const { return observed_; }

  // A slice was added or updated: is that news, not the echo of our write?
  bool IsNews(const ObjectKey& service, const EndpointSlice& slice) const;
  // A slice was deleted: did we do that? Ends its entry.
  bool TakeExpectedDeletion(const ObjectKey& service, const EndpointSlice& slice);

 private:
  struct Entry {
    std::int64_t generation = 0;
    bool deleted = false;
    std::optional<std::uint64_t> version;  // where it is a number
    Instant written{0};
  };
  // Few slices to a Service: looked up often, changed seldom.
  using Entries = std::unordered_map<Text, Entry>;  // by uid

  const Entry* Find(const ObjectKey& service, const Text& uid) const;
  bool CanNoLongerCome(const Entry& entry, Instant now) const;

  const Duration patience_;
  std::unordered_map<ObjectKey, Entries> services_;
  std::uint64_t observed_ = 0;
};

// The Service that a slice is labelled as belonging to.
ObjectKey ServiceOfSlice(const EndpointSlice& slice);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_TRACKER_H_

// WorkQueue: keys waiting for work, each at most once at a time.
//
// The invariants are client-go's workqueue: a key added while it waits waits
// once; a key added while it is worked on runs again after Done(). On top:
// AddAfter (of several deadlines of one key the earliest stands) and
// AddRateLimited (per-key exponential backoff and an overall token bucket, the
// longer of the two).
// Passive: it has no thread and reads no clock. Pop() never waits; the driver
// sleeps until NextWakeup(). Keys become ready in the order of their time,
// ties in the order they were added.
// Not thread-safe: callers hold their own lock.
#ifndef EPSLICE_INFORMERS_WORK_QUEUE_H_
#define EPSLICE_INFORMERS_WORK_QUEUE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "informers/clock.h"
#include "informers/rate_limiter.h"

namespace epslice {

// Told of what client-go's queues measure. Called from within the queue's
// methods, under whatever lock the caller holds: be quick, and do not call back.
class WorkQueueObserver {
 public:
  virtual ~WorkQueueObserver() = default;
  // A key was handed out, so long after it became ready (or, where it was
  // worked on then, after it was added).
  virtual void OnPop(Duration waited) = 0;
  // The work on a key ended, so long after it was handed out.
  virtual void OnDone(Duration worked) = 0;
};

struct WorkQueueOptions {
  Duration base_delay = std::chrono::seconds(1);  // after the first failure
  Duration max_delay = std::chrono::seconds(1000);
  double overall_qps = 10;  // of rate-limited adds; <= 0: no limit
  int overall_burst = 100;
  WorkQueueObserver* observer = nullptr;  // not owned; may be null
};

// Key: hashable with std::hash, copyable.
template <typename Key>
class WorkQueue {
 public:
  explicit WorkQueue(const WorkQueueOptions& options = {});

  // Ready now. A deadline of the same key stays and makes it run again then.
  void Add(const Key& key, Instant now);
  // Ready after `delay`; delay <= 0 is Add(). An earlier deadline stands.
  void AddAfter(const Key& key, Duration delay, Instant now);
  // Ready after the key's backoff, which doubles with each call until Forget(), or
  // after `at_least` (of which max_delay counts at most) where that is longer.
  void AddRateLimited(const Key& key, Instant now, Duration at_least = Duration(0));
  // Ready keys have waited since `now` only.
  void WaitAnew(Instant now);
  // Resets the key's backoff.
  void Forget(const Key& key);
  std::int64_t Failures(const Key& key) const;
  // Whether nothing was added of the key since it was handed out last but by
  // AddRateLimited(): it waits for its backoff, and for nothing else.
  bool OnlyBacksOff(const Key& key) const;
  // Whether the key has a deadline after `now`, so that it will be handed out then
  // without more being added.
  bool HasDeadline(const Key& key, Instant now) const;

  // The next ready key, now being worked on until Done(). nullopt: none.
  std::optional<Key> Pop(Instant now);
  void Done(const Key& key, Instant now);

  // When a Pop() could next succeed without further Adds: a time in the past
  // or `now` when a key is ready; nullopt when nothing waits.
  std::optional<Instant> NextWakeup(Instant now) const;

  // Keys ready, delayed, and being worked on.
  std::size_t ready_size() const;
  std::size_t delayed_size() const;
  std::size_t processing_size() const;
  bool processing(const Key& key) const { return processing_.contains(key); }
  // What the reference's metric `depth` counts: keys ready, and keys that will
  // be when the work on them ends.
  std::size_t depth() const { return depth_; }
  bool empty() const { return ready_size() + delayed_size() + processing_size() == 0; }
  // Keys that are remembered: those above, and those whose backoff was not
  // forgotten.
  std::size_t known_size() const { return states_.size(); }

  // Totals since construction, for metrics: keys that became dirty, and calls
  // of AddAfter() and AddRateLimited() (what client-go's retries_total counts).
  std::int64_t adds() const { return adds_; }
  std::int64_t retries() const { return retries_; }

  // Call fn(key, instant) for each key: ready ones in the order they will be
  // handed out, with when they were added; delayed ones by deadline, with it;
  // those worked on, in no order, with when that began. Stop when it returns
  // false.
  template <typename Fn>
  void VisitReady(Fn fn) const;
  template <typename Fn>
  void VisitDelayed(Fn fn) const;
  template <typename Fn>
  void VisitProcessing(Fn fn) const;

 private:
  struct KeyState {
    bool dirty = false;  // waits in ready_, or will when Done()
    bool processing = false;
    bool news = false;                                         // since Pop(): by Add() or AddAfter()
    Instant added{0};                                          // dirty: since when
    std::optional<std::pair<Instant, std::uint64_t>> delayed;  // its place in delayed_
    std::int64_t failures = 0;
    bool idle() const { return !dirty && !processing && !delayed && failures == 0; }
  };

  // Ready after `delay`, an earlier deadline standing.
  KeyState& Schedule(const Key& key, Duration delay, Instant now);
  void PromoteDue(Instant now);
  // Notes that the key, which was not, is now to be worked on.
  void MakeDirty(KeyState* state, Instant now);

  WorkQueueOptions options_;
  TokenBucket bucket_;
  // A change of the nodes may queue every Service of a cluster at once: a map
  // without an allocation for each.
  absl::flat_hash_map<Key, KeyState> states_;
  std::deque<Key> ready_;
  std::map<std::pair<Instant, std::uint64_t>, Key> delayed_;
  std::uint64_t sequence_ = 0;
  std::unordered_map<Key, Instant> processing_;  // since when
  std::size_t depth_ = 0;
  std::int64_t adds_ = 0;
  std::int64_t retries_ = 0;
};

}  // namespace epslice

#include "informers/work_queue_impl.h"  // IWYU pragma: export

#endif  // EPSLICE_INFORMERS_WORK_QUEUE_H_

// Scheduler: virtual time, and what happens when.
//
// Time is whole nanoseconds since the start of the run; it jumps from one
// event to the next. Of events at the same instant the one scheduled first runs
// first, so a run depends on nothing but its input. Not thread-safe: one run,
// one thread (its clock may be read from any).
#ifndef EPSLICE_SIM_ENGINE_SCHEDULER_H_
#define EPSLICE_SIM_ENGINE_SCHEDULER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "informers/clock.h"

namespace epslice::sim {

class Scheduler {
 public:
  using Callback = std::function<void()>;
  // Names a scheduled event; 0 is none.
  using EventId = std::uint64_t;

  // `wall_start`: what the wall clock shows at instant 0.
  explicit Scheduler(Timestamp wall_start) : clock_(wall_start) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  const Clock& clock() const { return clock_; }
  Instant now() const { return clock_.Now(); }
  // The instant at which the wall clock shows `time`.
  Instant InstantOf(Timestamp time) const { return Instant(time.nanos - clock_.WallNow().nanos) + now(); }

  // Runs `callback` at `at`; at once (after what is due already) when that is
  // past.
  EventId At(Instant at, Callback callback);
  EventId After(Duration delay, Callback callback) { return At(now() + delay, std::move(callback)); }

  // When the next event is due; nullopt: nothing is scheduled.
  std::optional<Instant> next() const;
  // Runs the next event. False when there is none.
  bool Step();
  // Runs all events up to and at `end`, and leaves the clock there.
  void RunUntil(Instant end);

  // Events run so far, and scheduled now.
  std::int64_t events() const { return events_; }
  std::size_t pending() const { return heap_.size(); }

 private:
  // FakeClock without its lock: every event reads the time several times.
  class VirtualClock : public Clock {
   public:
    explicit VirtualClock(Timestamp wall_start) : wall_start_(wall_start) {}
    Instant Now() const override { return Instant(now_.load(std::memory_order_relaxed)); }
    Timestamp WallNow() const override { return Timestamp{wall_start_.nanos + Now().count()}; }
    void AdvanceTo(Instant t) {
      if (t > Now()) now_.store(t.count(), std::memory_order_relaxed);
    }

   private:
    const Timestamp wall_start_;
    std::atomic<std::int64_t> now_{0};
  };
  // Small, since a heap moves them about; the callback stays where it is.
  struct Event {
    Instant at;
    EventId id;
    std::uint32_t slot;
  };
  static bool Later(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.id > b.id; }

  VirtualClock clock_;
  std::vector<Event> heap_;
  std::vector<Callback> callbacks_;  // by slot
  std::vector<std::uint32_t> free_;  // slots
  EventId last_id_ = 0;
  std::int64_t events_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_SCHEDULER_H_

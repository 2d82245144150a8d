// Time, as everything below the drivers sees it: handed in, never read.
#ifndef EPSLICE_INFORMERS_CLOCK_H_
#define EPSLICE_INFORMERS_CLOCK_H_

#include <chrono>
#include <mutex>

#include "apis/meta.h"

namespace epslice {

using Duration = std::chrono::nanoseconds;
// As a fraction, for people and for rates.
inline double InSeconds(Duration d) { return std::chrono::duration<double>(d).count(); }
// A point in monotonic time: since the clock's own origin.
using Instant = std::chrono::nanoseconds;

// Thread-safety: all implementations may be used from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; for delays, time-outs and order.
  virtual Instant Now() const = 0;
  // Wall-clock; for what is written into objects and logs.
  virtual Timestamp WallNow() const = 0;
};

// The machine's clocks.
class RealClock : public Clock {
 public:
  Instant Now() const override;
  Timestamp WallNow() const override;
};

// A clock that moves when told to; for tests and the simulator.
class FakeClock : public Clock {
 public:
  explicit FakeClock(Timestamp wall_start = Timestamp::FromSeconds(1'767'323'045)) : wall_start_(wall_start) {}
  Instant Now() const override {
    std::lock_guard<std::mutex> lock(mu_);
    return now_;
  }
  Timestamp WallNow() const override {
    std::lock_guard<std::mutex> lock(mu_);
    return Timestamp{wall_start_.nanos + now_.count()};
  }
  void Advance(Duration d) {
    std::lock_guard<std::mutex> lock(mu_);
    now_ += d;
  }
  // Never goes back.
  void AdvanceTo(Instant t) {
    std::lock_guard<std::mutex> lock(mu_);
    if (t > now_) now_ = t;
  }

 private:
  const Timestamp wall_start_;
  mutable std::mutex mu_;
  Instant now_{0};
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_CLOCK_H_

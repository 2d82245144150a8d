#include "informers/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace epslice {

void TokenBucket::Refill(Instant now) {
  // Time that goes back (two threads read the clock, then take turns) earns
  // nothing and costs nothing.
  if (now <= last_) return;
  const double seconds = InSeconds(now - last_);
  // A bucket that holds less than one token could never give one.
  tokens_ = std::min(std::max(1.0, static_cast<double>(burst_)), tokens_ + seconds * qps_);
  last_ = now;
}

Duration TokenBucket::Reserve(Instant now) {
  if (qps_ <= 0) return Duration::zero();
  Refill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  const double nanos = std::ceil(-tokens_ / qps_ * 1e9);
  constexpr double kMax = 1e18;  // 31 years: no overflow when added to an Instant
  return Duration(static_cast<std::int64_t>(std::min(nanos, kMax)));
}

bool TokenBucket::TryTake(Instant now) {
  if (qps_ <= 0) return true;
  Refill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

Duration ExponentialBackoff(Duration base, Duration max, std::int64_t failures) {
  if (base <= Duration::zero()) return Duration::zero();
  Duration delay = base;
  for (std::int64_t i = 0; i < failures; ++i) {
    if (delay >= max - delay) return max;
    delay *= 2;
  }
  return std::min(delay, max);
}

}  // namespace epslice

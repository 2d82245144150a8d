// Token bucket and per-key exponential backoff, on a time that is handed in.
#ifndef EPSLICE_INFORMERS_RATE_LIMITER_H_
#define EPSLICE_INFORMERS_RATE_LIMITER_H_

#include <cstdint>

#include "informers/clock.h"

namespace epslice {

// golang.org/x/time/rate.Limiter with one token per event: `qps` tokens a
// second, at most `burst` saved up, full at first. Not thread-safe.
class TokenBucket {
 public:
  // qps <= 0: no limit.
  TokenBucket(double qps, int burst) : qps_(qps), burst_(burst), tokens_(burst) {}

  // Takes a token and returns how long to wait until it is there (0: now).
  // The token is taken in any case, so that later callers wait longer.
  Duration Reserve(Instant now);
  // Takes a token if there is one now.
  bool TryTake(Instant now);

 private:
  void Refill(Instant now);

  double qps_;
  int burst_;
  double tokens_;
  Instant last_{0};
};

// base * 2^failures, at most `max`.
Duration ExponentialBackoff(Duration base, Duration max, std::int64_t failures);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_RATE_LIMITER_H_

// RetryAfterOf(): how long a server asks to be left alone (Retry-After, or
// details.retryAfterSeconds), within bounds. What a server says is not trusted:
// without a bound one answer could put a controller to sleep for ever.
#ifndef EPSLICE_INFORMERS_RETRY_AFTER_H_
#define EPSLICE_INFORMERS_RETRY_AFTER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "apis/request.h"
#include "informers/clock.h"

namespace epslice {

// No server is heeded for longer.
inline constexpr Duration kMostRetryAfter = std::chrono::hours(24);

// At least 0, at most the shorter of `most` and kMostRetryAfter; 0: it did not
// ask, or for nonsense. Callers bound it by what they can bear: a watcher by
// WatcherOptions::max_retry_after, a call of HttpTransport by that of its options
// (it gives up rather than coming too early), an Event by a minute, a plan by a day.
inline Duration RetryAfterOf(const Status& status, Duration most = kMostRetryAfter) {
  constexpr std::int64_t kMostSeconds = std::chrono::duration_cast<std::chrono::seconds>(kMostRetryAfter).count();
  const std::int64_t seconds = std::clamp<std::int64_t>(status.retryAfterSeconds, 0, kMostSeconds);
  return std::clamp<Duration>(std::chrono::seconds(seconds), Duration::zero(), std::max(most, Duration::zero()));
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_RETRY_AFTER_H_

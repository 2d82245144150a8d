#include "informers/clock.h"

namespace epslice {

Instant RealClock::Now() const {
  return std::chrono::duration_cast<Instant>(std::chrono::steady_clock::now().time_since_epoch());
}

Timestamp RealClock::WallNow() const {
  return Timestamp{
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
}

}  // namespace epslice

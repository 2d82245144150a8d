// RFC 3339 times as Kubernetes reads and writes them.
#ifndef EPSLICE_APIS_TIME_FORMAT_H_
#define EPSLICE_APIS_TIME_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "apis/meta.h"

namespace epslice {

// "2026-01-02T03:04:05Z", with fractional seconds and numeric offsets. Go's
// zero time parses as unset. InvalidArgument for anything else, and for years
// outside 1678..2261, which nanoseconds cannot hold.
absl::StatusOr<Timestamp> ParseRfc3339(std::string_view s);

// Seconds since 1970 and nanoseconds (0 to 999,999,999) above them, as protobuf
// has times. Go's zero time is unset; InvalidArgument outside the same years.
absl::StatusOr<Timestamp> TimestampFromUnix(std::int64_t seconds, std::int64_t nanos);
// The other way round; only for a time that is set.
struct UnixTime {
  std::int64_t seconds = 0;  // rounded towards the past
  std::int64_t nanos = 0;
};
UnixTime ToUnix(Timestamp t);

// Seconds, UTC: metav1.Time. "" when unset, as for the two below.
std::string FormatRfc3339(Timestamp t);
// Go's RFC3339Nano, UTC: fractional digits without trailing zeros.
std::string FormatRfc3339Nano(Timestamp t);
// Exactly six fractional digits, UTC: metav1.MicroTime.
std::string FormatRfc3339Micro(Timestamp t);

}  // namespace epslice

#endif  // EPSLICE_APIS_TIME_FORMAT_H_

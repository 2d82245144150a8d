// resource.Quantity (api/resource), as far as CPU needs it.
#ifndef EPSLICE_APIS_QUANTITY_H_
#define EPSLICE_APIS_QUANTITY_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice {

// Thousandths of the quantity, rounded up (as Quantity.MilliValue): "250m" is
// 250, "1.5" is 1500, "2k" is 2,000,000, "1e3" is 1,000,000, "100u" is 1.
// Accepts a signed decimal number with one of the suffixes n u m k M G T P E,
// Ki Mi Gi Ti Pi Ei, or a decimal exponent ("e3", "E-2"); "1." and ".5" are
// numbers too. At most 256 bytes. Negative values round away from zero. What
// does not fit is capped at the largest int64 (or its negative).
// Errors: InvalidArgument naming the text and what is accepted.
absl::StatusOr<std::int64_t> ParseQuantityMilli(std::string_view s);

}  // namespace epslice

#endif  // EPSLICE_APIS_QUANTITY_H_

// Quantities: the sign mirrors, a thousand times is three decimal places, and
// what is printed as thousandths reads back.
#include <limits>
#include <string>

#include "apis/quantity.h"
#include "test/fuzz/check.h"

using epslice::ParseQuantityMilli;
using epslice::fuzz::Check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(epslice::fuzz::Input(data, size));
  const absl::StatusOr<std::int64_t> milli = ParseQuantityMilli(text);
  if (!milli.ok()) {
    Check(milli.status().message().size() < 400, "errors are short");
    return 0;
  }
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  Check(*milli >= -kMax, "values are capped on both sides");
  Check(ParseQuantityMilli(std::to_string(*milli) + "m") == milli, "thousandths read back equal");

  const bool is_signed = text.front() == '-' || text.front() == '+';
  const std::string bare = is_signed ? text.substr(1) : text;
  // What is built below must stay within the bound on length.
  if (bare.size() > 200) return 0;
  const absl::StatusOr<std::int64_t> negated = ParseQuantityMilli(text.front() == '-' ? bare : "-" + bare);
  Check(negated.ok() && *negated == -*milli, "the sign mirrors");
  Check(ParseQuantityMilli("0" + bare) == ParseQuantityMilli(bare), "a leading zero changes nothing");

  // Without a suffix, k is a thousand times.
  if (text.find_first_not_of("0123456789.+-") != std::string::npos) return 0;
  const absl::StatusOr<std::int64_t> kilo = ParseQuantityMilli(text + "k");
  Check(kilo.ok() && ParseQuantityMilli(text + "e3") == kilo, "k is e3");
  Check(ParseQuantityMilli(text + "000000e-6") == milli || text.find('.') != std::string::npos, "exponents cancel out");
  // Rounded up before multiplying, it can only be larger.
  const auto absolute = [](std::int64_t v) { return v < 0 ? -v : v; };
  const std::int64_t bound = absolute(*milli) > kMax / 1000 ? kMax : absolute(*milli) * 1000;
  Check(absolute(*kilo) <= bound, "a thousand times is not more than a thousand times the rounded value");
  Check(bound - absolute(*kilo) < 1000 || bound == kMax, "and less by under a thousand");
  return 0;
}

// Times: what is printed parses to the same instant, to the precision of the
// form; the first eight bytes of the input as nanoseconds, the rest as a text.
#include <cstring>
#include <string>

#include "apis/time_format.h"
#include "test/fuzz/check.h"

using epslice::ParseRfc3339;
using epslice::Timestamp;
using epslice::fuzz::Check;

namespace {

void CheckRoundTrip(Timestamp t) {
  const absl::StatusOr<Timestamp> nano = ParseRfc3339(FormatRfc3339Nano(t));
  Check(nano.ok() && *nano == t, "RFC3339Nano loses nothing");
  const std::int64_t in_micro = ((t.nanos % 1000) + 1000) % 1000;
  const absl::StatusOr<Timestamp> micro = ParseRfc3339(FormatRfc3339Micro(t));
  Check(micro.ok() && micro->nanos == t.nanos - in_micro, "MicroTime cuts to microseconds");
  Check(FormatRfc3339Micro(t).size() == 27, "MicroTime has six decimals");
  const std::int64_t in_second = ((t.nanos % 1'000'000'000) + 1'000'000'000) % 1'000'000'000;
  const absl::StatusOr<Timestamp> seconds = ParseRfc3339(FormatRfc3339(t));
  Check(seconds.ok() && seconds->nanos == t.nanos - in_second, "Time cuts to seconds");
  Check(FormatRfc3339(t).size() == 20, "Time has no decimals");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::StatusOr<Timestamp> whole = ParseRfc3339(epslice::fuzz::Input(data, size));
  if (whole.ok() && whole->is_set()) CheckRoundTrip(*whole);
  if (!whole.ok()) Check(whole.status().message().size() < 400, "errors are short");

  Timestamp t;
  if (size < sizeof(t.nanos)) return 0;
  std::memcpy(&t.nanos, data, sizeof(t.nanos));
  const std::string printed = FormatRfc3339Nano(t);
  Check(printed.empty() == !t.is_set(), "only unset prints as nothing");
  // The years that parse: 1678 to 2261.
  if (t.nanos >= -9'214'560'000'000'000'000 && t.nanos < 9'214'646'400'000'000'000) CheckRoundTrip(t);
  return 0;
}

#include "apis/quantity.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace epslice {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(QuantityTest, Values) {
  const struct {
    std::string in;
    std::int64_t milli;
  } cases[] = {
      {"0", 0},
      {"-0", 0},
      {"00", 0},
      {"0.000", 0},
      {"0Ei", 0},
      {"0e9999", 0},
      {"1", 1000},
      {"+1", 1000},
      {"-1", -1000},
      {"007", 7000},
      {"1.", 1000},
      {".5", 500},
      {"1.5", 1500},
      {"-.5", -500},
      {"1.G", 1'000'000'000'000},
      // Every suffix.
      {"250m", 250},
      {"2500000u", 2500},
      {"3000000000n", 3000},
      {"2k", 2'000'000},
      {"2M", 2'000'000'000},
      {"2G", 2'000'000'000'000},
      {"2T", 2'000'000'000'000'000},
      {"2P", 2'000'000'000'000'000'000},
      {"1E", kMax},
      {"1Ki", 1'024'000},
      {"1Mi", 1'048'576'000},
      {"1Gi", 1'073'741'824'000},
      {"1Ti", 1'099'511'627'776'000},
      {"1Pi", 1'125'899'906'842'624'000},
      {"1Ei", kMax},
      // Exponents.
      {"1e3", 1'000'000},
      {"1E3", 1'000'000},
      {"1e+3", 1'000'000},
      {"12e-1", 1200},
      {"5E-3", 5},
      {"1e0", 1000},
      {"0.001e3", 1000},
      {"123456e-6", 124},
      // Rounding up.
      {"100u", 1},
      {"1n", 1},
      {"999u", 1},
      {"1001u", 2},
      {"1.0001", 1001},
      {"0.0000000000000000001", 1},
      {"1.000000000000000000000000001", 1001},
      {"1.000000000000000000000000000", 1000},
      {"1e-100", 1},
      {"1e-2000000000", 1},
      {"-100u", -1},
      {"-1.0001", -1001},
      {"0.0009765625Ki", 1000},
      {"0.1Ki", 102'400},
      {"0.00000001Ki", 1},
      {"0.333Mi", 349'175'808},
      {"0.0000000000000000008673617379884035472059622406959533691406250Ei", 1000},
      // Capped.
      {"9223372036854775807m", kMax},
      {"9223372036854775806m", kMax - 1},
      {"9223372036854775808m", kMax},
      {"9223372036854775806.5m", kMax},
      {"9999999999999999999m", kMax},
      {"99999999999999999999", kMax},
      {"-99999999999999999999", -kMax},
      {"1e2000000000", kMax},
      {"1000Ei", kMax},
      {"9007199254740991Ki", kMax},
      {"7Ei", kMax},
      {std::string(200, '9'), kMax},
      {std::string(200, '0') + "1", 1000},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<std::int64_t> milli = ParseQuantityMilli(c.in);
    ASSERT_TRUE(milli.ok()) << c.in << ": " << milli.status();
    EXPECT_EQ(*milli, c.milli) << c.in;
  }
}

TEST(QuantityTest, RefusesWhatIsNoQuantity) {
  for (const char* in : {"",      "4 cores",
                         " 1",    "1 ",
                         "1e",    "1ee3",
                         "Ki",    "m",
                         ".",     "-",
                         "+",     "+-1",
                         "--1",   "1..5",
                         "1.2.3", "1K",
                         "1ki",   "1mi",
                         "1KI",   "1kk",
                         "1Kii",  "1.5i",
                         "1i",    "0x10",
                         "1e3.5", "1e+",
                         "1e-",   "1e+-3",
                         "1e-+3", "1m3",
                         "1,5",   "1_000",
                         "NaN",   "inf",
                         "e3",    "1e3m",
                         "1e3Ki", "1e99999999999999999999",
                         ".Ki"}) {
    const absl::StatusOr<std::int64_t> milli = ParseQuantityMilli(in);
    ASSERT_FALSE(milli.ok()) << in << " is " << *milli;
    EXPECT_EQ(milli.status().code(), absl::StatusCode::kInvalidArgument) << in;
    EXPECT_NE(milli.status().message().find("accepted"), std::string::npos) << in;
  }
}

TEST(QuantityTest, ErrorsAreOneShortPrintableLine) {
  const absl::Status status = ParseQuantityMilli("1\n\x1b[31m" + std::string(100'000, 'x')).status();
  ASSERT_FALSE(status.ok());
  EXPECT_LT(status.message().size(), 400u);
  for (char c : status.message()) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

}  // namespace
}  // namespace epslice

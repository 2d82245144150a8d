#include "sim/run/settings.h"

#include <gtest/gtest.h>

#include <string>

namespace epslice::sim {
namespace {

// Beyond these bounds products with them are no times any more, or a run would
// do nothing else.
TEST(SettingsTest, BoundsOfTimes) {
  const struct {
    std::string pair;
    bool accepted;
  } cases[] = {
      {"lb-probe-interval=0", true},
      {"lb-probe-interval=24h", true},
      {"lb-probe-interval=24h1ns", false},
      {"lb-probe-interval=-1s", false},
      {"proxy-sync-period=0", true},
      {"proxy-sync-period=25h", false},
      {"sync-time=24h", true},
      {"sync-time=25h", false},
      {"sync-time-per-endpoint=1s", true},
      {"sync-time-per-endpoint=1001ms", false},
      {"min-resync-period=0", true},
      {"min-resync-period=1s", true},
      {"min-resync-period=999ms", false},
      {"min-resync-period=876000h", true},
      {"traffic-from=8784h", true},
      {"traffic-from=876001h", false},
  };
  for (const auto& c : cases) {
    Settings settings;
    const absl::Status status = settings.SetPair(c.pair);
    EXPECT_EQ(status.ok(), c.accepted) << c.pair << ": " << status;
  }
}

TEST(SettingsTest, NumbersThatAreNone) {
  for (const std::string value : {"", "nan", "inf", "-1", "1e400", "0x10", " 1", "1 ", "1,5", "ten"}) {
    Settings settings;
    const absl::Status status = settings.Set("default-rps", value);
    EXPECT_EQ(std::string(status.message()), "default-rps: \"" + value + "\" is not accepted; accepted: a number");
  }
}

}  // namespace
}  // namespace epslice::sim

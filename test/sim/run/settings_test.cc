#include "sim/run/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "controllers/manager/options.h"
#include "sim/run/against_recording.h"
#include "sim/run/unused_flags.h"

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

TEST(SettingsTest, TheControllersFlagsAreAllAccepted) {
  ManagerOptions options;
  std::ostringstream out, err;
  ASSERT_EQ(ParseOptions({}, &options, out, err), std::nullopt) << err.str();
  const std::vector<SettingDoc>& docs = AllSettings();
  for (const auto& [flag, value] : options.effective) {
    const std::string name = flag.substr(flag.find_first_not_of('-'));
    const bool setting =
        std::any_of(docs.begin(), docs.end(), [&name](const SettingDoc& doc) { return doc.key == name; });
    EXPECT_NE(setting, IsUnusedFlag(name)) << name;
  }
  Settings settings;
  EXPECT_EQ(settings.UnusedNote(), "");
  EXPECT_TRUE(settings.SetPair("leader-elect=false").ok());
  EXPECT_TRUE(settings.SetPair("kube-api-content-type=application/json").ok());
  EXPECT_EQ(settings.UnusedNote(),
            "what was set of the controller's flags and changes nothing in a simulation: --kube-api-content-type, "
            "--leader-elect");
  EXPECT_EQ(settings.Effective(), Settings().Effective());
  EXPECT_FALSE(settings.SetPair("leader-elects=false").ok());
}

TEST(SettingsTest, ANegativeLimitOnCallsIsNone) {
  Settings settings;
  EXPECT_TRUE(settings.SetPair("kube-api-qps=-1").ok());
  EXPECT_EQ(settings.simulation.models.qps, 0);
  EXPECT_FALSE(settings.SetPair("kube-api-qps=1e10").ok());
}

TEST(RecordedControllerSettingsTest, OurOwnControllerIsSimulatedAsSuch) {
  const Settings ours = RecordedControllerSettings(UserAgent());
  const Models models;
  EXPECT_EQ(ours.simulation.models.sync_time, models.sync_time);
  EXPECT_EQ(ours.simulation.models.sync_time_per_endpoint, models.sync_time_per_endpoint);
  EXPECT_FALSE(ours.simulation.controller.heed_as_reference);
  EXPECT_FALSE(ours.simulation.controller.reconcile.repeat_events);
  for (const char* agent : {"", "endpointslice-controller/0.1.0", "x/v1 (linux/amd64) epslice",
                            "kube-controller-manager/v1.36.0 (linux/amd64) kubernetes/abc/"
                            "system:serviceaccount:kube-system:endpointslice-controller"}) {
    EXPECT_TRUE(RecordedControllerSettings(agent).simulation.controller.heed_as_reference) << agent;
  }
}

}  // namespace
}  // namespace epslice::sim

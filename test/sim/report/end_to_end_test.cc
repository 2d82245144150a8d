// A report of a whole simulated run, worked out by hand.
//
// Three nodes in three zones, Service web with a pod on each, 90 requests/s, 30
// from each node. Watches take 3 ms, a write 2 ms there and 2 ms back, a sync
// 1 ms and 0.1 ms for each endpoint; proxies 0.1 s and a sync of 0.2 s.
//
//   0         the controller lists, plans and creates: 3 + 1.3 + 2 = 6.3 ms
//   0.3063    the proxies have the slice; so far all is rejected
//   10        node-2 loses its power: 45/s come from each of the others, 30/s go
//             to the dead pod, of the other 60/s half stays in its zone
//   11        web-2 is gone from the API: 3 + 1.2 + 2 = 6.2 ms to the update
//   11.3062   the proxies have it: 22.5/s of 45/s stay in each zone
//   20        end
#include <gtest/gtest.h>

#include "sim/engine/simulation.h"
#include "sim/report/recorder.h"
#include "test/sim/engine/engine_fixture.h"

namespace epslice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct WholeRun {
  explicit WholeRun(bool observed)
      : simulation(Exact()), plane(Proxies(), &simulation.scheduler(), 1), recorder({}, &plane) {
    if (observed) {
      simulation.AddObserver(&recorder);
      simulation.AddObserver(&plane);
    }
    LoadShop(&simulation, "web", 3);
    simulation.StartController();
    simulation.RunUntil(seconds(10));
    simulation.SetNodeUp(Text("node-2"), false);
    simulation.RunUntil(seconds(11));
    simulation.Delete(Kind::kPod, "shop", "web-2", AtOnce());
    simulation.RunUntil(seconds(20));
    simulation.Finish();
    report = recorder.MakeReport();
    report.digest = simulation.digest();
  }
  static DataPlaneOptions Proxies() {
    DataPlaneOptions options;
    options.proxy_watch_latency = Latency::Constant(milliseconds(100));
    options.proxy_sync_time = Latency::Constant(milliseconds(200));
    options.default_rps = 90;
    return options;
  }

  Simulation simulation;
  DataPlane plane;
  Recorder recorder;
  RunReport report;
};

TEST(RunEndToEndTest, NumbersOfASimulation) {
  const WholeRun run(/*observed=*/true);
  const std::vector<std::pair<std::string_view, double>> expected = {
      {"duration", 20},
      {"creates", 1},
      {"updates", 1},
      {"deletes", 0},
      {"syncsFailed", 0},
      {"foreignWrites", 0},
      {"watchEvents", 4 + 3},  // the second time one of three machines is down
      {"slices", 1},
      {"endpoints", 2},
      {"endpointsAdded", 3},
      {"endpointsRemoved", 1},
      {"podChanges", 1},
      {"podToSliceMax", 0.0062},
      {"podToProxiesMax", 0.3062},
      {"sliceToProxiesMax", 0.3},
      {"writeLatencyMax", 0.004},
      {"requests", 1800},
      {"rejected", 90 * 0.3063},
      {"blackHoled", 30 * 1.3062},
      {"inZoneRequests", 30 * (10 - 0.3063) + 30 * 1.3062 + 45 * (20 - 11.3062)},
      {"crossZoneRequests", 60 * (10 - 0.3063) + 30 * 1.3062 + 45 * (20 - 11.3062)},
      {"misrouted", 0},
      {"overloadSeconds", 0},
      {"services.shop/web.blackHoled", 30 * 1.3062},
  };
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(Lookup(run.report, name).has_value()) << name;
    EXPECT_NEAR(*Lookup(run.report, name), value, 1e-9 * value) << name;
  }
}

TEST(RunEndToEndTest, EqualRunsGiveEqualBytesAndObserversChangeNothing) {
  const WholeRun first(true), second(true), unobserved(false);
  EXPECT_EQ(ToJson(first.report), ToJson(second.report));
  EXPECT_EQ(first.report.digest, unobserved.report.digest);
}

}  // namespace
}  // namespace epslice::sim

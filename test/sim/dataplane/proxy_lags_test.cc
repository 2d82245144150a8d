// When proxies know of a change, by the seed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/sim/dataplane/hand_made.h"

namespace epslice::sim {
namespace {

using testkit::AtSeconds;
using testkit::MakeNode;
using testkit::MakeSlice;

// Equal seeds give equal runs; lags spread over the groups of a zone.
TEST(ProxyLagsTest, ComeFromTheSeed) {
  const auto run = [](std::uint64_t seed) {
    DataPlaneOptions options;
    Scheduler scheduler(Timestamp::FromSeconds(1));
    DataPlane plane(options, &scheduler, seed);
    std::vector<std::int64_t> programmed;
    plane.OnProgrammed([&](const ObjectKey&, Instant, Instant at) { programmed.push_back(at.count()); });
    for (int i = 0; i < 20; ++i) {
      Commit node;
      node.object = AnyObject::Of(MakeNode("n" + std::to_string(i), i % 2 == 0 ? "a" : "b", 1000));
      plane.OnCommit(node);
    }
    for (int i = 0; i < 50; ++i) {
      scheduler.RunUntil(Instant(std::chrono::milliseconds(37 * i)));
      Commit slice;
      slice.object = AnyObject::Of(MakeSlice("web-" + std::to_string(i % 7), {{i, "n1", "b"}}));
      plane.OnCommit(slice);
    }
    scheduler.RunUntil(AtSeconds(20));
    plane.OnEnd(scheduler.now());
    EXPECT_EQ(programmed.size(), 50U);
    return programmed;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace epslice::sim

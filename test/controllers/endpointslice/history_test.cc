// Random histories (random_history.h) with a controller whose queue becomes
// empty: the slices are right then; a further sync writes nothing; and equal
// histories give byte-identical slices and writes.
//
// A failure names its seed; run it alone with
//   controllers_test --gtest_filter='*Histories*' EPSLICE_SEED=n (environment).
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "test/controllers/random_history.h"
#include "test/controllers/virtual_cluster.h"
#include "test/sanitized.h"

namespace epslice {
namespace {

using testkit::VirtualCluster;

using testkit::HistoryCluster;
using testkit::RandomHistory;

class DirectCluster : public HistoryCluster {
 public:
  explicit DirectCluster(std::uint64_t seed) : cluster_(seed, RandomHistory::Options(seed)) {}
  VirtualCluster& virtual_cluster() { return cluster_; }

  Response Handle(const Request& request) override { return cluster_.server().Handle(request); }
  void RunFor(Duration duration) override { cluster_.RunFor(duration); }
  Timestamp WallNow() override { return cluster_.clock().WallNow(); }
  void Disturb(Random* random) override {
    switch (random->Below(4)) {
      case 0: return cluster_.BreakWatches(false);
      case 1: return cluster_.BreakWatches(true);
      case 2: cluster_.outage = StatusUnreachable("no answer"); return;
      default: cluster_.outage.reset(); return;
    }
  }

 private:
  VirtualCluster cluster_;
};

// What is in the cluster and was written, as text.
void PlayToTheEnd(std::uint64_t seed, std::string* digest) {
  DirectCluster direct(seed);
  VirtualCluster& cluster = direct.virtual_cluster();
  RandomHistory history(seed, &direct);
  history.Play(30);
  cluster.outage.reset();
  history.Finish();
  ASSERT_TRUE(cluster.Settle()) << "the queue does not become empty: " << cluster.DescribeState();
  history.Check();
  const std::size_t before = cluster.writes().size();
  cluster.controller().Resync(cluster.now());
  ASSERT_TRUE(cluster.Settle());
  EXPECT_EQ(cluster.writes().size(), before) << cluster.writes().back();
  for (const std::string& write : cluster.writes()) *digest += write + "\n";
  for (const auto& slice : cluster.List<EndpointSlice>()) AppendJson(*slice, digest);
}

class HistoriesTest : public ::testing::TestWithParam<int> {};

TEST_P(HistoriesTest, SlicesEndRight) {
  constexpr int kPerShard = testkit::Rounds(100, 20);
  std::uint64_t first = static_cast<std::uint64_t>(GetParam()) * kPerShard;
  std::uint64_t last = first + kPerShard;
  if (const char* seed = std::getenv("EPSLICE_SEED")) last = (first = std::strtoull(seed, nullptr, 10)) + 1;
  for (std::uint64_t seed = first; seed < last && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string digests[2];
    for (std::string& digest : digests) ASSERT_NO_FATAL_FAILURE(PlayToTheEnd(seed, &digest));
    EXPECT_EQ(digests[0], digests[1]) << "equal histories, different writes";
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, HistoriesTest, ::testing::Range(0, 20));

}  // namespace
}  // namespace epslice

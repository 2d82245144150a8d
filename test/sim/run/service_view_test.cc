// Which differences of two ends count.
#include "sim/run/service_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "apis/concat.h"

namespace epslice::sim {
namespace {

using ::testing::SizeIs;

// Endpoints of zone c, each with the hint of its letter; "-": none.
std::vector<std::shared_ptr<const EndpointSlice>> HintedSlices(const std::string& hints) {
  auto slice = std::make_shared<EndpointSlice>();
  slice->metadata.namespace_ = Text("shop");
  slice->metadata.name = Text("web-1");
  slice->addressType = Text("IPv4");
  for (std::size_t i = 0; i < hints.size(); ++i) {
    Endpoint endpoint;
    endpoint.addresses = {Text(Concat("10.0.0.", i + 1))};
    endpoint.zone = Text("c");
    if (hints[i] != '-') {
      endpoint.hints.emplace();
      endpoint.hints->forZones = {Text(std::string(1, hints[i]))};
    }
    slice->endpoints.push_back(std::move(endpoint));
  }
  return {slice};
}

TEST(ServiceViewTest, HintsThatAreDrawn) {
  const struct {
    const char* recorded;
    const char* simulated;
    std::size_t each, counts;  // differences
  } cases[] = {
      {"aabb", "aabb", 0, 0},
      {"aabb", "abab", 2, 0},
      // Which of two zones is given one more is drawn.
      {"aaabb", "aabbb", 1, 0},
      // Two more are not, nor one that is given to nobody, nor hints on one side.
      {"aaab", "abbb", 2, 2},
      {"aab", "aa-", 1, 2},
      {"aabb", "----", 4, 3},
  };
  for (const auto& c : cases) {
    const auto recorded = HintedSlices(c.recorded), simulated = HintedSlices(c.simulated);
    EXPECT_THAT(CompareSlices(recorded, simulated, HintComparison::kEach), SizeIs(c.each)) << c.recorded << c.simulated;
    EXPECT_THAT(CompareSlices(recorded, simulated, HintComparison::kCounts), SizeIs(c.counts))
        << c.recorded << c.simulated;
    EXPECT_THAT(CompareSlices(recorded, simulated, HintComparison::kTotals), SizeIs(c.counts))
        << c.recorded << c.simulated;
  }
}

}  // namespace
}  // namespace epslice::sim

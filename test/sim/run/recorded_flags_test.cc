// What recordings show of the flags of their controller.
#include "sim/run/recorded_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/concat.h"
#include "test/sim/run/recording_lines.h"

namespace epslice::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

EndpointSlice SizedSlice(const std::string& service, int number, std::size_t endpoints, int port = 80) {
  EndpointSlice slice;
  slice.metadata.namespace_ = Text("shop");
  slice.metadata.name = Text(Concat(service, "-", number));
  slice.metadata.labels = StringMap{{Text(kLabelServiceName), Text(service)}};
  slice.addressType = Text("IPv4");
  slice.endpoints.resize(endpoints);
  slice.ports.resize(1);
  slice.ports[0].port = port;
  return slice;
}

std::vector<std::string> SizeNotes(int simulated, const std::vector<EndpointSlice>& created) {
  RecordedFlags flags(simulated, Duration{0});
  for (const EndpointSlice& slice : created) flags.OnSlice(slice, false, true);
  return flags.Notes({}, {});
}

TEST(RecordedFlagsTest, SizesOfSlices) {
  const std::vector<EndpointSlice> tens = {SizedSlice("a", 1, 10), SizedSlice("a", 2, 10), SizedSlice("a", 3, 4),
                                           SizedSlice("b", 1, 7)};
  EXPECT_THAT(SizeNotes(100, tens),
              ElementsAre("the recorded controller seems to have had --max-endpoints-per-slice=10: none of its slices "
                          "has more endpoints, and 2 times it made another one where 100, which is simulated, had room "
                          "(--set)"));
  EXPECT_THAT(SizeNotes(10, tens), IsEmpty());
  EXPECT_THAT(SizeNotes(5, tens), ElementsAre(HasSubstr("have up to 10 endpoints")));
  // Others for other ports, one that was made twice (the first was not seen yet), small ones alone.
  EXPECT_THAT(SizeNotes(100, {SizedSlice("a", 1, 3), SizedSlice("a", 2, 3, 81), SizedSlice("a", 3, 3, 82)}), IsEmpty());
  EXPECT_THAT(SizeNotes(100, {SizedSlice("a", 1, 3), SizedSlice("a", 2, 3), SizedSlice("b", 1, 3)}), IsEmpty());
  // Fifties, of which one alone shows that more did not fit.
  EXPECT_THAT(SizeNotes(100, {SizedSlice("a", 1, 50), SizedSlice("a", 2, 50), SizedSlice("a", 3, 50)}),
              ElementsAre(HasSubstr("--max-endpoints-per-slice=50")));
  // More than fit into one.
  EXPECT_THAT(SizeNotes(15, tens), Not(Contains(HasSubstr("2 times"))));
}

ShownAfter After(int p50_ms, int p90_ms, std::int64_t samples = 100) {
  return {samples, p50_ms * std::int64_t{1'000'000}, p90_ms * std::int64_t{1'000'000}};
}

TEST(RecordedFlagsTest, TimesOfABatchPeriod) {
  const RecordedFlags none(100, Duration{0}), half(100, std::chrono::milliseconds(500));
  EXPECT_THAT(none.Notes(After(452, 985), After(6, 20)),
              ElementsAre("slices followed pods after 452.0 ms (p90: 985.0 ms) in the recording, after 6.0 ms (p90: "
                          "20.0 ms) in the simulation: the recorded controller seems to have had a longer "
                          "--endpointslice-updates-batch-period than 0.0 ms, which is simulated, about 985.0 ms, or a "
                          "lower --kube-api-qps (--set)"));
  EXPECT_THAT(half.Notes(After(6, 20), After(240, 490)),
              ElementsAre(HasSubstr("a shorter --endpointslice-updates-batch-period than 500.0 ms")));
  EXPECT_THAT(none.Notes(After(6, 20), After(7, 24)), IsEmpty());
  EXPECT_THAT(none.Notes(After(1, 3), After(6, 20)), IsEmpty());  // a quick server
  EXPECT_THAT(none.Notes(After(452, 985, 10), After(6, 20)), IsEmpty());
}

TEST(RecordedFlagsTest, ARunSaysSo) {
  std::string text = NodeLine() + ServiceLine("01", "ADDED");
  for (int i = 0; i < 6; ++i) text += PodLine("01", "ADDED", i, true);
  text +=
      SliceLine("02", "ADDED", kKcm, "10.0.0.1", "rrrrrr") + SliceLine("03", "MODIFIED", kKcm, "10.0.0.1", "rrrrrr");
  const auto result = RunLines(text, "max-endpoints-per-slice=4");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->notes, Contains(HasSubstr("recorded slices have up to 6 endpoints")));
}

}  // namespace
}  // namespace epslice::sim

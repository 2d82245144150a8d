// convert: what comes out reads as what went in.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/json.h"
#include "sim/trace/trace.h"
#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

std::vector<std::string> Events(TraceReader* reader) {
  std::vector<std::string> events;
  TraceEvent event;
  while (true) {
    const absl::StatusOr<bool> more = reader->Next(&event);
    EXPECT_TRUE(more.ok()) << more.status().ToString();
    if (!more.ok() || !*more) return events;
    std::string line = std::to_string(event.time.nanos) + " " + std::string(WatchEventTypeName(event.type)) + " " +
                       event.actor + " " + std::to_string(event.took.count()) + (event.start ? " start " : " ");
    AppendJson(event.object, &line);
    events.push_back(std::move(line));
  }
}

TEST(ConvertTest, AWatchStreamReadsBackTheSame) {
  const std::string source = SourcePath("test/testdata/shop/watch-pods.jsonl");
  const CliResult result = RunCliTest({"convert", "-f", source});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  auto before = OpenTrace({source});
  auto after = OpenTraceText("converted", result.out);
  ASSERT_TRUE(before.ok() && after.ok());
  const std::vector<std::string> events = Events(before->get());
  EXPECT_GT(events.size(), 1u);
  EXPECT_EQ(Events(after->get()), events);
  EXPECT_EQ((*after)->summary().made_up, (*before)->summary().made_up);
}

TEST(ConvertTest, BadInputIsOneLine) {
  EXPECT_EQ(RunCliTest({"convert"}).exit_code, 2);
  EXPECT_EQ(RunCliTest({"convert", "-f", "x", "-o", "trace.gz"}).exit_code, 2);
}

}  // namespace
}  // namespace epslice::sim

// convert: what comes out reads as what went in.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
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

TEST(ConvertTest, TheNameOfTheOutputSaysHowItIsCompressed) {
  const std::string source = SourcePath("test/testdata/shop/start-pods.json.xz");
  const std::string plain = RunCliTest({"convert", "-f", source}).out;
  EXPECT_GT(plain.size(), std::size_t{200} << 10);  // several buffers
  for (const std::string end : {"", ".gz", ".zst", ".xz"}) {
    SCOPED_TRACE(end);
    const std::string file = testing::TempDir() + "converted.jsonl" + end;
    ASSERT_EQ(RunCliTest({"convert", "-f", source, "-o", file}).exit_code, 0);
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes == plain, end.empty());
    EXPECT_EQ(RunCliTest({"convert", "-f", file}).out, plain);
    std::remove(file.c_str());
  }
}

TEST(ConvertTest, WhatWasSkippedIsNotForgotten) {
  const std::string pod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}})";
  const std::string trace = R"({"time":"2026-01-01T12:00:01Z","type":"ADDED","object":)" + pod +
                            "}\n"
                            R"({"time":"2026-01-01T12:00:02Z","type":"BOOKMARK","object":)" +
                            pod + "}\ngarbage\n";
  const CliResult result = RunCliTest({"convert", "-f", "-"}, trace);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  auto before = OpenTraceText("t", trace);
  auto after = OpenTraceText("converted", result.out);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(Events(before->get()), Events(after->get()));
  EXPECT_EQ((*after)->summary().skipped, (*before)->summary().skipped);
  EXPECT_EQ((*after)->summary().skipped.size(), 2U);
  ASSERT_EQ((*after)->summary().notes.size(), 1U);
  EXPECT_NE((*after)->summary().notes[0].find("line 3"), std::string::npos);
}

TEST(ConvertTest, BadInputLeavesNoFile) {
  const std::string file = testing::TempDir() + "bad-" + std::to_string(getpid()) + ".jsonl";
  const std::string line = R"({"time":"2026-01-01T12:00:01Z","type":"RENAMED","object":{}})";
  EXPECT_EQ(RunCliTest({"convert", "-f", "-", "-o", file}, line).exit_code, 2);
  EXPECT_FALSE(std::ifstream(file).is_open());
}

TEST(ConvertTest, BadInputIsOneLine) {
  EXPECT_EQ(RunCliTest({"convert"}).exit_code, 2);
  EXPECT_EQ(RunCliTest({"convert", "-f", "x", "-o", "trace.gz"}).exit_code, 2);
  const std::string source = SourcePath("test/testdata/shop/pods.json");
  EXPECT_EQ(RunCliTest({"convert", "-f", source, "-o", "/dev/null/trace.gz"}).exit_code, 2);
  EXPECT_EQ(RunCliTest({"convert", "-f", source, "-o", "/dev/full"}).exit_code, 2);
}

}  // namespace
}  // namespace epslice::sim

// Tables of lifetimes: the pods that are made of them, and rows that make no
// sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "apis/concat.h"
#include "sim/trace/trace.h"
#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CsvTest, LifetimesBecomePods) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "lifetimes.csv").string();
  std::ofstream(path) << "app,from,to\nweb,,\nweb,5,20\nweb,30,10\nweb,x\n";
  const ReadTrace read = ReadAll(OpenTrace({Concat("csv(created=from,deleted=to,app=app):", path)}));
  EXPECT_EQ(read.error, "");
  ASSERT_EQ(read.events.size(), 3u + 1 + 1 + 5);  // nodes, Service, a pod, the life of another
  EXPECT_THAT(read.events[3], HasSubstr("start ADDED Service csv/web"));
  EXPECT_THAT(read.events[4], HasSubstr("start ADDED Pod csv/web-0 node"));
  EXPECT_EQ(read.events[5], "ADDED Pod csv/web-1 00:00:05Z");
  EXPECT_THAT(read.events[9], HasSubstr("DELETED Pod csv/web-1"));
  EXPECT_EQ(read.summary.skipped.at("negative lifetimes"), 1);
  EXPECT_EQ(read.summary.skipped.at("rows with another number of columns"), 1);
  EXPECT_GE(read.summary.made_up.size(), 5u);
  EXPECT_EQ(ReadAll(OpenTrace({Concat("csv(created=from,deleted=to,app=app):", path)})).events, read.events);
}

// A table read under the preset csv(...) with these columns.
ReadTrace ReadTable(const std::string& text, const std::string& columns = "created=created,deleted=deleted,app=app") {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / Concat("epslice-table-", getpid(), ".csv");
  std::ofstream(path) << text;
  ReadTrace read = ReadAll(OpenTrace({Concat("csv(", columns, "):", path.string())}));
  std::filesystem::remove(path);
  return read;
}

TEST(CsvTest, WhatMakesNoSenseIsToldAndCounted) {
  const std::string header = "created,deleted,app,s\n";
  const struct {
    std::string rows, skipped, note;
  } kCases[] = {
      {"5,60,x,\n0,100,\"x\n", "rows with a quote that does not end", "line 3: a quote does not end in its line"},
      {"5,60,x,\n5,60,,\n", "rows without an application", "line 3: names no application"},
      {"10,60,x,5\n", "", "1 instance was scheduled before the creation"},
      {"-5,60,x,\n", "", "1 instance was created before the beginning"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.rows);
    const ReadTrace read = ReadTable(header + c.rows, "created=created,deleted=deleted,app=app,scheduled=s");
    EXPECT_EQ(read.error, "");
    if (!c.skipped.empty()) {
      EXPECT_EQ(read.summary.skipped.at(c.skipped), 1);
    }
    EXPECT_THAT(read.summary.notes, ElementsAre(HasSubstr(c.note)));
    for (const std::string& event : read.events) EXPECT_EQ(event.find("app-n"), std::string::npos) << event;
  }
  EXPECT_THAT(ReadTable("\xef\xbb\xbf"
                        "created,deleted,app\n5,60,x\n")
                  .error,
              "");
  EXPECT_THAT(ReadTable("created,created,deleted,app\n5,6,7,x\n").error,
              HasSubstr("line 1: there is more than one column \"created\""));
  EXPECT_THAT(ReadText("created,deleted,app\n0,100,x\n").error,
              HasSubstr("t: line 1: is a table (CSV), whose columns a preset tells: -f alibaba-dlrm:FILE"));
}

}  // namespace
}  // namespace epslice::sim

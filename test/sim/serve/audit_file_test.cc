#include "sim/serve/audit_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "apis/time_format.h"
#include "informers/clock.h"
#include "test/informers/http/pki.h"

namespace epslice::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AuditFileTest : public testing::Test {
 protected:
  std::unique_ptr<AuditFile> Open(const AuditRotation& rotation, const std::string& name = "audit.jsonl") {
    absl::StatusOr<std::unique_ptr<AuditFile>> file = AuditFile::Open(dir_.path() + "/" + name, rotation, &clock_);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempDir dir_;
  FakeClock clock_{*ParseRfc3339("2026-01-02T03:04:05.678Z")};
};

TEST_F(AuditFileTest, IsRotatedBeforeItBecomesTooLong) {
  auto file = Open({.max_bytes = 10});
  for (const char* line : {"1234\n", "5678\n", "9\n", "a\n", "longer than that\n", "b\n"}) {
    EXPECT_TRUE(file->Write(line).ok());
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_THAT(Files(), ElementsAre("audit-2026-01-02T03-04-07.678.jsonl", "audit-2026-01-02T03-04-09.678.jsonl",
                                   "audit-2026-01-02T03-04-10.678.jsonl", "audit.jsonl"));
  EXPECT_EQ(dir_.Read("audit-2026-01-02T03-04-07.678.jsonl"), "1234\n5678\n");
  EXPECT_EQ(dir_.Read("audit-2026-01-02T03-04-09.678.jsonl"), "9\na\n");
  EXPECT_EQ(dir_.Read("audit-2026-01-02T03-04-10.678.jsonl"), "longer than that\n");
  EXPECT_EQ(dir_.Read("audit.jsonl"), "b\n");
  struct stat info = {};
  ASSERT_EQ(stat((dir_.path() + "/audit.jsonl").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(AuditFileTest, WhatIsThereCounts) {
  dir_.Write("audit.jsonl", "12345678\n");
  auto file = Open({.max_bytes = 10});
  EXPECT_TRUE(file->Write("9\n").ok());
  EXPECT_EQ(dir_.Read("audit.jsonl"), "9\n");
  EXPECT_EQ(dir_.Read("audit-2026-01-02T03-04-05.678.jsonl"), "12345678\n");
}

TEST_F(AuditFileTest, WithoutABoundItGrows) {
  auto file = Open({.max_backups = 1, .max_age_days = 1});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(file->Write("line\n").ok());
  EXPECT_THAT(Files(), ElementsAre("audit.jsonl"));
}

TEST_F(AuditFileTest, FilesOfOneMillisecondAreAllKept) {
  auto file = Open({.max_bytes = 1});
  for (const char* line : {"1", "2", "3"}) EXPECT_TRUE(file->Write(line).ok());
  EXPECT_THAT(Files(),
              ElementsAre("audit-2026-01-02T03-04-05.678.jsonl", "audit-2026-01-02T03-04-05.679.jsonl", "audit.jsonl"));
}

TEST_F(AuditFileTest, AsManyStayAsAreAskedFor) {
  auto file = Open({.max_bytes = 1, .max_backups = 2}, "log");
  for (const char* line : {"1", "2", "3", "4", "5"}) {
    EXPECT_TRUE(file->Write(line).ok());
    clock_.Advance(std::chrono::hours(1));
  }
  EXPECT_THAT(Files(), ElementsAre("log", "log-2026-01-02T06-04-05.678", "log-2026-01-02T07-04-05.678"));
}

TEST_F(AuditFileTest, OldOnesGoAndNothingElse) {
  const std::vector<std::string> others = {
      "audit-2020-01-01T00-00-00.000.txt",   "audit-2020-01-01T00-00-00.jsonl",
      "audit-2020-13-01T00-00-00.000.jsonl", "other-2020-01-01T00-00-00.000.jsonl",
      "audit-2020-01-01T00:00:00.000.jsonl", "xaudit-2020-01-01T00-00-00.000.jsonl"};
  for (const std::string& name : others) dir_.Write(name, "x");
  for (const char* name : {"audit-2025-12-31T03-04-05.677.jsonl", "audit-2025-12-31T03-04-05.678.jsonl",
                           "audit-2026-01-01T00-00-00.000.jsonl"}) {
    dir_.Write(name, "x");
  }
  Open({.max_bytes = 10, .max_age_days = 2});
  std::vector<std::string> left = others;
  left.insert(left.end(),
              {"audit-2025-12-31T03-04-05.678.jsonl", "audit-2026-01-01T00-00-00.000.jsonl", "audit.jsonl"});
  EXPECT_THAT(Files(), testing::UnorderedElementsAreArray(left));
}

TEST_F(AuditFileTest, WhatIsNoFileIsNotRotated) {
  const absl::StatusOr<std::unique_ptr<AuditFile>> null = AuditFile::Open("/dev/null", {.max_bytes = 1}, &clock_);
  ASSERT_TRUE(null.ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE((*null)->Write("line").ok());
  EXPECT_THAT(std::string(AuditFile::Open("/no/such/folder/a", {}, &clock_).status().message()),
              HasSubstr("/no/such/folder/a: No such file"));
}

}  // namespace
}  // namespace epslice::sim

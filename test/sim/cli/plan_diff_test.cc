// plan and diff: golden outputs, exit codes, and that they are stable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apis/yaml.h"
#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

std::string SmallDump() { return SourcePath("test/testdata/dumps/small.yaml"); }

std::vector<std::string> ShopFiles(const std::string& moment) {
  std::vector<std::string> args;
  for (const char* kind : {"services", "pods", "nodes", "endpointslices"}) {
    args.push_back("-f");
    args.push_back(SourcePath("test/testdata/shop/" + moment + "-" + kind + ".json.xz"));
  }
  return args;
}

std::vector<std::string> Join(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct GoldenCase {
  std::string name;
  std::vector<std::string> args;
};

class GoldenTest : public testing::TestWithParam<GoldenCase> {};

TEST_P(GoldenTest, SaysWhatItSaidBefore) {
  const CliResult result = RunCliTest(Join(GetParam().args, {"-f", SmallDump()}));
  EXPECT_EQ(result.exit_code, kExitNotAllWell);
  EXPECT_THAT(result.err, IsEmpty());
  ExpectGolden("cli/" + GetParam().name, result.out);
}

INSTANTIATE_TEST_SUITE_P(Cli, GoldenTest,
                         testing::Values(GoldenCase{"plan.txt", {"plan"}},
                                         GoldenCase{"plan.json", {"plan", "-o", "json"}},
                                         GoldenCase{"plan.yaml", {"plan", "-o=yaml", "--max-endpoints-per-slice=2"}},
                                         GoldenCase{"diff.txt", {"diff", "--max-endpoints-per-slice", "2"}},
                                         GoldenCase{"diff.json", {"diff", "--output=json"}},
                                         GoldenCase{"diff.yaml", {"diff", "-o", "yaml", "--service", "drift"}}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           name.replace(name.find('.'), 1, "_");
                           return name;
                         });

TEST(PlanTest, YamlSaysTheSameAsJson) {
  for (const std::string command : {"plan", "diff"}) {
    const CliResult json = RunCliTest({command, "-f", SmallDump(), "-o", "json"});
    const CliResult yaml = RunCliTest({command, "-f", SmallDump(), "-o", "yaml"});
    const absl::StatusOr<std::string> back = YamlToJson(yaml.out);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Json::parse(*back), Json::parse(json.out)) << command;
  }
}

TEST(PlanTest, TwoRunsAreByteIdentical) {
  for (const std::string command : {"plan", "diff"}) {
    const std::vector<std::string> args = Join({command, "-o", "json"}, ShopFiles("start"));
    EXPECT_EQ(RunCliTest(args).out, RunCliTest(args).out) << command;
  }
}

TEST(PlanTest, OrderOfTheInputMakesNoDifference) {
  std::vector<std::string> files = ShopFiles("start");
  const std::string forward = RunCliTest(Join({"plan", "-o", "json"}, files)).out;
  std::vector<std::string> reversed;
  for (auto it = files.rbegin(); it != files.rend(); it += 2) {
    reversed.push_back("-f");
    reversed.push_back(*it);
  }
  EXPECT_EQ(RunCliTest(Join({"plan", "-o", "json"}, reversed)).out, forward);
}

// An update carries what the API server needs to take it; a delete only names.
TEST(PlanTest, OperationsAreWholeObjects) {
  const CliResult result = RunCliTest({"plan", "-f", SmallDump(), "-o", "json"});
  const Json plan = Json::parse(result.out);
  int seen = 0;
  for (const Json& operation : plan["operations"]) {
    const Json& slice = operation["endpointSlice"];
    EXPECT_EQ(slice["apiVersion"], "discovery.k8s.io/v1");
    EXPECT_EQ(slice["kind"], "EndpointSlice");
    if (operation["op"] == "create") {
      ++seen;
      EXPECT_FALSE(slice["metadata"].contains("name"));
      EXPECT_EQ(slice["metadata"]["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"],
                "2026-01-02T03:04:05Z");
    } else if (operation["op"] == "delete") {
      ++seen;
      EXPECT_FALSE(slice.contains("endpoints"));
      EXPECT_EQ(slice["metadata"]["namespace"], "shop");
    } else {
      ++seen;
      EXPECT_TRUE(slice["metadata"].contains("name"));
      EXPECT_FALSE(slice["metadata"].contains("annotations"));
    }
  }
  EXPECT_EQ(seen, 8);
  EXPECT_EQ(plan["summary"]["operations"], (Json{{"create", 4}, {"update", 2}, {"delete", 2}}));
  EXPECT_EQ(plan["summary"]["skippedServices"], 2);
  EXPECT_EQ(plan["summary"]["ignoredObjects"], 1);
}

TEST(PlanTest, OtherControllersSlicesAreNotOurs) {
  const CliResult result = RunCliTest({"plan", "-f", SmallDump(), "-o", "json", "--controller-name=mine.example.com"});
  const Json plan = Json::parse(result.out);
  EXPECT_EQ(plan["summary"]["operations"]["update"], 0);
  EXPECT_EQ(plan["summary"]["operations"]["delete"], 0);
  for (const Json& operation : plan["operations"]) {
    EXPECT_EQ(operation["endpointSlice"]["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"],
              "mine.example.com");
  }
}

TEST(PlanTest, AnEmptyListIsNoError) {
  const CliResult result = RunCliTest({"plan", "-f", "-"}, R"({"apiVersion":"v1","kind":"List","items":[]})");
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("0 Services"));
}

// What the plan writes leaves nothing to differ.
TEST(DiffTest, NoDifferenceAfterThePlanIsCarriedOut) {
  const absl::StatusOr<std::string> json = YamlToJson(ReadFileForTest(SmallDump()));
  ASSERT_TRUE(json.ok());
  const Json plan = Json::parse(RunCliTest({"plan", "-f", SmallDump(), "-o", "json"}).out);
  std::string after = *json;
  int made = 0;
  for (const Json& operation : plan["operations"]) {
    Json slice = operation["endpointSlice"];
    if (operation["op"] == "create") slice["metadata"]["name"] = "made-" + std::to_string(++made);
    // As a slice that is going away is no longer looked at.
    if (operation["op"] == "delete") slice["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z";
    if (operation["op"] == "delete") slice["addressType"] = "IPv4";
    after += slice.dump() + "\n";
  }
  const Json diff = Json::parse(RunCliTest({"diff", "-f", "-", "-o", "json"}, after).out);
  EXPECT_EQ(diff["summary"]["differentServices"], 0) << diff.dump(1);
  EXPECT_EQ(diff["errors"].size(), 1U);  // the pod whose node is not there
}

// The reference wrote these slices, hints and all.
TEST(DiffTest, TheReferencesSlicesDifferInNothing) {
  for (const std::string moment : {"start", "end"}) {
    const CliResult result = RunCliTest(Join({"diff", "-o", "json"}, ShopFiles(moment)));
    EXPECT_EQ(result.exit_code, kExitOk) << result.out;
    const Json diff = Json::parse(result.out);
    EXPECT_EQ(diff["summary"]["services"], 7);
    EXPECT_EQ(diff["services"].size(), 0U) << moment;
  }
}

TEST(DiffTest, OneService) {
  const auto run = [](const std::string& service) {
    return RunCliTest({"diff", "-f", SmallDump(), "--service", service});
  };
  EXPECT_EQ(run("shop/quiet").exit_code, kExitOk);
  EXPECT_EQ(run("quiet").out, "0 of 1 Service differs (0 more without selector or ExternalName).\n");
  EXPECT_EQ(run("shop/manual").out, "0 of 0 Services differ (1 more without selector or ExternalName).\n");
  EXPECT_EQ(run("shop/drift").exit_code, kExitNotAllWell);
  const CliResult none = run("other/quiet");
  EXPECT_EQ(none.exit_code, kExitBadInput);
  EXPECT_EQ(none.err, "endpointslice-sim: --service: there is no Service \"other/quiet\" in the dump\n");
}

}  // namespace
}  // namespace epslice::sim

// explain: golden outputs on a recorded cluster, exit codes, names.
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

// The end of the recorded shop.
std::vector<std::string> OnShop(std::vector<std::string> args) {
  for (const char* kind : {"services", "pods", "nodes", "endpointslices"}) {
    args.push_back("-f");
    args.push_back(SourcePath("test/testdata/shop/end-" + std::string(kind) + ".json.xz"));
  }
  return args;
}

struct ExplainCase {
  std::string name;
  std::vector<std::string> args;
  int exit_code;
};

class ExplainGoldenTest : public testing::TestWithParam<ExplainCase> {};

TEST_P(ExplainGoldenTest, SaysWhatItSaidBefore) {
  const CliResult result = RunCliTest(OnShop(GetParam().args));
  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  EXPECT_THAT(result.err, IsEmpty());
  ExpectGolden("cli/" + GetParam().name, result.out);
  EXPECT_EQ(RunCliTest(OnShop(GetParam().args)).out, result.out) << "twice the same";
}

INSTANTIATE_TEST_SUITE_P(
    Cli, ExplainGoldenTest,
    testing::Values(ExplainCase{"explain-table.txt", {"explain"}, kExitNotAllWell},
                    ExplainCase{"explain-table.json", {"explain", "-o", "json"}, kExitNotAllWell},
                    ExplainCase{"explain-redis.txt", {"explain", "redis"}, kExitNotAllWell},
                    ExplainCase{"explain-redis.json", {"explain", "shop/redis", "-o", "json"}, kExitNotAllWell},
                    ExplainCase{
                        "explain-redis-resilient.txt", {"explain", "redis", "--hints-policy=resilient"}, kExitOk},
                    ExplainCase{"explain-cart.txt", {"explain", "shop/cart"}, kExitOk},
                    ExplainCase{"explain-checkout.txt", {"explain", "checkout"}, kExitOk},
                    ExplainCase{"explain-ads.txt", {"explain", "ads"}, kExitOk}),
    [](const auto& test) {
      std::string name = test.param.name;
      for (char& c : name) c = c == '.' || c == '-' ? '_' : c;
      return name;
    });

TEST(ExplainCommandTest, YamlSaysTheSameAsJson) {
  const CliResult json = RunCliTest(OnShop({"explain", "catalog", "-o", "json"}));
  const CliResult yaml = RunCliTest(OnShop({"explain", "catalog", "-o", "yaml"}));
  const absl::StatusOr<std::string> back = YamlToJson(yaml.out);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Json::parse(*back), Json::parse(json.out));
}

// What the README shows is what is printed.
TEST(ExplainCommandTest, ReadmeShowsARealTranscript) {
  const std::string readme = ReadFileForTest(SourcePath("README.md"));
  EXPECT_THAT(readme, HasSubstr("$ endpointslice-sim explain -f dump.json\n" + RunCliTest(OnShop({"explain"})).out));
  EXPECT_THAT(readme, HasSubstr("explain -f dump.json redis\n" + RunCliTest(OnShop({"explain", "redis"})).out));
}

// The fields that docs/explain.md promises.
TEST(ExplainCommandTest, JsonHasItsShape) {
  const Json e = Json::parse(RunCliTest(OnShop({"explain", "redis", "-o", "json"})).out);
  const Json& type = e["addressTypes"][0];
  EXPECT_EQ(e["apiVersion"], "epslice.dev/v1");
  EXPECT_EQ(e["heuristic"]["askedBy"]["kind"], "annotation");
  EXPECT_EQ(e["capacity"]["zones"][1]["cpuMilli"], 88000);
  EXPECT_EQ(type["state"], "disabled");
  EXPECT_EQ(type["zones"][2]["minimum"], 1);
  EXPECT_FALSE(type["zones"][2].contains("maximum")) << "no number of endpoints would do";
  EXPECT_EQ(type["zones"][1]["traffic"]["proxies"]["fromAll"], 10);
  EXPECT_EQ(type["alternatives"].size(), 5U);
  int best = 0;
  for (const Json& fix : type["fixes"]) best += fix["best"] == true ? 1 : 0;
  EXPECT_EQ(best, 1);
  EXPECT_EQ(type["pods"][0]["name"], "redis-v1-0");
}

TEST(ExplainCommandTest, NamesThatAreNotThereAreBadInput) {
  struct Case {
    std::string name, message;
  };
  for (const Case& c :
       std::vector<Case>{{"rediss", "explain: there is no Service \"rediss\"; did you mean shop/redis?"},
                         {"other/redis", "explain: there is no Service \"other/redis\"; did you mean shop/redis?"},
                         {"zzzzzzz", "explain: there is no Service \"zzzzzzz\""}}) {
    const CliResult result = RunCliTest(OnShop({"explain", c.name}));
    EXPECT_EQ(result.exit_code, kExitBadInput);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(result.err, "endpointslice-sim: " + c.message + "\n");
  }
  const std::string twins = R"({"apiVersion":"v1","kind":"List","items":[
    {"apiVersion":"v1","kind":"Service","metadata":{"namespace":"a","name":"web"},"spec":{"selector":{"x":"y"}}},
    {"apiVersion":"v1","kind":"Service","metadata":{"namespace":"b","name":"web"},"spec":{"selector":{"x":"y"}}}]})";
  const CliResult result = RunCliTest({"explain", "-f", "-", "web"}, twins);
  EXPECT_EQ(result.exit_code, kExitBadInput);
  EXPECT_THAT(result.err, HasSubstr("more than one Service: a/web, b/web; say which"));
}

TEST(ExplainCommandTest, ServicesThatAreLeftAloneAreSaidToBe) {
  const CliResult result = RunCliTest(OnShop({"explain", "default/kubernetes"}));
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("leaves its slices alone (it has no selector)"));
}

}  // namespace
}  // namespace epslice::sim

#include "apis/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apis/yaml_scalar.h"

namespace epslice {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

Json Read(const std::string& yaml) {
  const absl::StatusOr<std::string> json = YamlToJson(yaml);
  EXPECT_TRUE(json.ok()) << json.status();
  return json.ok() ? Json::parse(*json) : Json();
}

TEST(YamlTest, PlainScalarsHaveTheTypesOfKubernetesYaml) {
  struct Case {
    const char* yaml;
    const char* json;
  };
  const Case cases[] = {
      {"true", "true"},
      {"False", "false"},
      {"yes", "true"},
      {"No", "false"},
      {"on", "true"},
      {"OFF", "false"},
      {"y", "true"},
      {"n", "false"},
      {"yEs", "\"yEs\""},
      {"null", "null"},
      {"~", "null"},
      {"", "null"},
      {"0", "0"},
      {"-7", "-7"},
      {"+7", "7"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"017", "15"},
      {"0b101", "5"},
      {"1_000", "1000"},
      {"08", "8.0"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"1e3", "1000.0"},
      {"4m", "\"4m\""},
      {"1.2.3", "\"1.2.3\""},
      {"10.0.0.1", "\"10.0.0.1\""},
      {"2026-01-02", "\"2026-01-02\""},
      {"2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05Z\""},
      {"1:30", "\"1:30\""},
      {"-", nullptr},
      {"'true'", "\"true\""},
      {"\"5\"", "\"5\""},
      {"!!str 5", "\"5\""},
      {"!!int 5", "5"},
      {"!!bool yes", "true"},
      {"9223372036854775807", "9223372036854775807"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"fd00::1", "\"fd00::1\""},
  };
  for (const Case& c : cases) {
    if (c.json == nullptr) continue;
    EXPECT_EQ(Read(std::string("a: ") + c.yaml + "\n"), Json::parse(std::string("{\"a\":") + c.json + "}")) << c.yaml;
  }
}

TEST(YamlTest, Structures) {
  EXPECT_EQ(Read("a:\n- 1\n- b: c\n  d: [e, {f: g}]\nh: {}\ni: []\n"),
            Json::parse(R"({"a":[1,{"b":"c","d":["e",{"f":"g"}]}],"h":{},"i":[]})"));
  EXPECT_EQ(Read("a: |\n  one\n  two\nb: >-\n  three\n  four\n"),
            Json::parse(R"({"a":"one\ntwo\n","b":"three four"})"));
  EXPECT_EQ(Read("1: a\ntrue: b\n1.5: c\n"), Json::parse(R"({"1":"a","true":"b","1.5":"c"})"));
  EXPECT_EQ(Read("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n"),
            Json::parse(R"({"a":{"b":[1,2]},"c":{"b":[1,2]},"d":[{"b":[1,2]},{"b":[1,2]}]})"));
}

TEST(YamlTest, ValuesStayOnTheirLines) {
  const std::string yaml = "# comment\na:\n\n  b: 1\n  c:\n  - x\n  - &k |\n    text\n    more\n  - z\n---\nd: *k\n";
  // The alias of another document is not known in this one.
  EXPECT_FALSE(YamlToJson(yaml).ok());
  const absl::StatusOr<std::string> json =
      YamlToJson("# comment\na:\n\n  b: 1\n  c:\n  - x\n  - |\n    t\n    u\n  - z\n---\nd: 5\n");
  ASSERT_TRUE(json.ok());
  const auto line_of = [&](const std::string& what) {
    const auto at = static_cast<std::ptrdiff_t>(json->find(what));
    return 1 + std::count(json->begin(), json->begin() + at, '\n');
  };
  EXPECT_EQ(line_of("\"a\""), 2);
  EXPECT_EQ(line_of("1"), 4);
  EXPECT_EQ(line_of("\"x\""), 6);
  EXPECT_EQ(line_of("\"z\""), 10);
  EXPECT_EQ(line_of("\"d\""), 12);
}

TEST(YamlTest, DocumentsFollowOneAnother) {
  const absl::StatusOr<std::string> json = YamlToJson("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n");
  ASSERT_TRUE(json.ok());
  std::string tight = *json;
  std::erase_if(tight, [](char c) { return c == '\n' || c == ' '; });
  EXPECT_EQ(tight, R"({"a":1}{"b":2})");
}

TEST(YamlTest, Refuses) {
  struct Case {
    std::string yaml;
    std::string message;
  };
  const Case cases[] = {
      {"a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" is there twice (first on line 1)"},
      {"1: x\n0x1: y\n", "line 2: the key \"1\" is there twice (first on line 1)"},
      {"a: .inf\n", "line 1: .inf is no number that JSON can hold"},
      {"a: !mine b\n", "line 1: the tag \"!mine\" is not accepted"},
      {"a: !!int x\n", "line 1: the tag !!int does not fit here"},
      {"a: !!binary aGk=\n", "line 1: the tag !!binary does not fit here"},
      {"? [a]\n: b\n", "line 1: a key is a map or a sequence; keys are strings"},
      {"~: b\n", "line 1: a key is null; keys are strings"},
      {"&a b: c\n", "anchor"},
      {"a: &x b\n*x : c\n", "line 2: an alias is used as a key; write the key out"},
      {"a: *nobody\n", "line 1: is no YAML: "},
      {"a: \"\\q\"\n", "line 1: is no YAML: "},
      {"a: b: c\n", "line 1: is no YAML: "},
      {"- a\n", "line 1: is a sequence, not an object"},
      {"text", "line 1: is the text \"text\", not an object"},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<std::string> json = YamlToJson(c.yaml);
    ASSERT_FALSE(json.ok()) << c.yaml;
    EXPECT_THAT(std::string(json.status().message()), HasSubstr(c.message)) << c.yaml;
  }
}

// What may be a secret is not told.
TEST(YamlTest, TextIsKeptOutOfErrors) {
  YamlLimits limits;
  limits.quote_text = false;
  for (const char* yaml : {"s3cret", "a: !s3cret b\n", "s3cret: 1\ns3cret: 2\n", "a: *s3cret\n", "a: s3cret: b\n",
                           "- s3cret\n", "a: !!int s3cret\n"}) {
    const absl::StatusOr<std::string> json = YamlToJson(yaml, limits);
    ASSERT_FALSE(json.ok()) << yaml;
    EXPECT_THAT(std::string(json.status().message()), HasSubstr("line ")) << yaml;
    EXPECT_THAT(std::string(json.status().message()), testing::Not(HasSubstr("s3cret"))) << yaml;
  }
}

TEST(YamlTest, AliasesOfAliasesAreBounded) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    yaml +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + ", " + before + "]\n";
  }
  const absl::StatusOr<std::string> json = YamlToJson(yaml);
  ASSERT_FALSE(json.ok());
  EXPECT_THAT(std::string(json.status().message()), HasSubstr("aliases expand to more than 1048576 bytes"));
}

// Nesting through aliases counts as nesting.
TEST(YamlTest, DepthThroughAliasesIsBounded) {
  std::string yaml = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i) {
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  const absl::StatusOr<std::string> json = YamlToJson(yaml);
  ASSERT_FALSE(json.ok());
  EXPECT_EQ(json.status().message(), "line 64: is nested more than 64 deep");
}

TEST(YamlTest, SizeAndDocumentsAreBounded) {
  YamlLimits limits;
  limits.max_bytes = 10;
  EXPECT_FALSE(YamlToJson("a: 12345678", limits).ok());
  limits = {};
  limits.max_documents = 2;
  EXPECT_TRUE(YamlToJson("a: 1\n---\nb: 2\n", limits).ok());
  EXPECT_FALSE(YamlToJson("a: 1\n---\nb: 2\n---\nc: 3\n", limits).ok());
}

TEST(YamlScalarTest, TypesAreAskedFor) {
  EXPECT_EQ(ResolveYamlScalar("str", "5")->type, YamlScalar::Type::kString);
  EXPECT_EQ(ResolveYamlScalar("", "5")->type, YamlScalar::Type::kNumber);
  EXPECT_EQ(ResolveYamlScalar("float", "5")->text, "5");
  EXPECT_FALSE(ResolveYamlScalar("bool", "5").ok());
  EXPECT_FALSE(ResolveYamlScalar("timestamp", "2026-01-02").ok());
}

}  // namespace
}  // namespace epslice

// Structured output: YAML that is written reads back as it was.
#include "sim/report/structured.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apis/yaml.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

TEST(StructuredTest, WrittenStringsReadBack) {
  const std::vector<std::string> strings = {
      "",
      "a",
      "true",
      "Yes",
      "null",
      "~",
      "5",
      "0x10",
      "1.5",
      "1e3",
      ".inf",
      "- a",
      "a: b",
      "a:",
      "a #b",
      "#a",
      "'a'",
      "\"a\"",
      "[a]",
      "{a}",
      "*a",
      "&a",
      "!a",
      "|",
      ">",
      "%a",
      "@a",
      "`a`",
      " a",
      "a ",
      "a\nb",
      "\t",
      "a\\b",
      "1:30",
      "2026-01-02",
      "2026-01-02T03:04:05Z",
      "fd00::1",
      "10.0.0.1",
      "http:8080/TCP",
      "é",
      "\x01",
      "<<",
      "=",
      "---",
      "...",
      "? a",
      ": a",
      "-",
      "?",
      ":",
      ",",
      "y",
      "n",
      "0o7",
      "_1",
      "1_0",
      "+1",
      "-1",
      "a,b",
      "a]b",
      "a\rb",
      "\xe2\x80\xa8",
  };
  Json value = Json::object();
  for (const std::string& s : strings) {
    value["list"].push_back(s);
    value["keys"][s] = 1;
  }
  value["long"][std::string(2000, 'k')] = Json::parse(R"([1, {"a": [2]}])");
  value["long"][std::string(600, '\x01')] = "x";
  value["nested"] = Json::parse(R"([[1,[2,{}],[]],{"a":{"b":[{"c":null,"d":[true]}]}}])");
  const std::string yaml = JsonToYaml(value.dump());
  const absl::StatusOr<std::string> json = YamlToJson(yaml);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(Json::parse(*json), value) << yaml;
}

}  // namespace
}  // namespace epslice::sim

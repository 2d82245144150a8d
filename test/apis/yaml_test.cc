#include "apis/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

// What YamlReader makes of the text that comes `chunk` bytes at a time.
absl::StatusOr<std::string> ReadInPieces(std::string_view text, std::size_t chunk, std::size_t piece_bytes,
                                         int* pieces) {
  const auto read = [&](char* buffer, std::size_t size) -> absl::StatusOr<std::size_t> {
    const std::size_t n = text.copy(buffer, std::min(size, chunk));
    text.remove_prefix(n);
    return n;
  };
  YamlReader reader(read, {}, piece_bytes);
  std::string json;
  for (*pieces = 0;; ++*pieces) {
    const absl::StatusOr<bool> more = reader.Next(&json);
    if (!more.ok()) return more.status();
    if (!*more) return json;
  }
}

std::string WithoutMark(std::string text) { return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text; }

// Expects the same as of the whole text; returns the most pieces that it was.
int ExpectSameInPieces(const std::string& text) {
  const absl::StatusOr<std::string> whole = YamlToJson(WithoutMark(text));
  int most = 0;
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
    if (chunk == 1 && text.size() > 3'000) continue;  // it takes long
    for (const std::size_t piece_bytes : {1, 40, 1 << 20}) {
      int pieces = 0;
      const absl::StatusOr<std::string> read = ReadInPieces(text, chunk, piece_bytes, &pieces);
      EXPECT_EQ(read.status(), whole.status()) << text;
      if (read.ok() && whole.ok()) {
        EXPECT_EQ(*read, *whole) << text;
      }
      most = std::max(most, pieces);
    }
  }
  return most;
}

// A parser reads some bytes for a mark of their order, and steps back: also from
// the end.
TEST(YamlReaderTest, TextsShorterThanTheMarkThatIsLookedFor) {
  for (const char* text : {"a", "ab", "abc", "[", "-", "\"", "\n", "#", "", "{}", "a:", "\xc3\xa9"}) {
    SCOPED_TRACE(text);
    ExpectSameInPieces(text);
  }
}

TEST(YamlReaderTest, PiecesSayWhatTheWholeSays) {
  const std::string a = "- kind: A\n  x: 1\n", b = "- kind: B\n  y: [1, 2]\n";
  const struct {
    std::string text;
    int pieces;  // where each is as short as may be
  } kCases[] = {
      {"", 1},
      {"# nothing\n", 1},
      {"a: 1\n", 1},
      // As kubectl prints a list, and with its items further in.
      {"apiVersion: v1\nitems:\n" + a + b + "kind: List\nmetadata:\n  resourceVersion: \"\"\n", 3},
      {"apiVersion: v1\nkind: List\nitems:\n  - kind: A\n    x: 1\n  - kind: B\n    x: 2\n", 3},
      {"items:\n" + a + "# between\n\n" + b + a, 4},
      {"items: # which\n" + a + b, 3},
      {"\"items\":\n" + a + b, 3},
      {"---\nitems:\n" + a + b + "---\nitems:\n" + a + b + "...\n---\na: 1\n", 7},
      {"a: 1\n---\nb: 2\n--- # c\nc: 3\n---\n---\n# none\n---\nd: 4\n", 6},
      {"\xef\xbb\xbfitems:\n" + a + b, 3},
      {"items:\r\n- a: 1\r\n  b: 2\r\n- a: 3\r\nkind: List\r\n", 3},
      // What looks like the beginning of an item or a document and is none.
      {"items:\n- a: |\n    - b: 1\n    ---\n    - c\n\n    %d\n  e: 2\n- f: >-\n   - g: 1\n  h: |2\n    - i\n" + a, 4},
      {"items:\n- a: \"b\n- c: d\"\n- e: 'f\n- g: h'\n" + a, 4},
      {"items:\n- a: {b: 1,\n- c: 2}\n", 0},
      {"items:\n- a: b\n    - c\n    d\n" + a, 3},
      {"items:\n- a:\n  - b: 1\n  - c: 2\n- d:\n    items:\n    - e: 1\n    - f: 2\n" + a, 4},
      {"a:\n- b: 1\n- b: 2\nitems:\n" + a + b + "c:\n- b: 3\n- b: 4\n", 3},
      // Items that are no maps on the line of their dash.
      {"items:\n-\n- ~\n- text\n- - x: 1\n  - x: 2\n-\n  a: 1\n- \n  # here\n  b: 1\n" + a, 2},
      {"items:\n- ? a\n  : 1\n- {b: 1}\n- !!map\n  c: 1\n- !!map {d: 1}\n" + a, 3},
      {"items:\n-   a: 1\n    b: 2\n- c: 3\n", 3},
      // Read whole: what is not as kubectl prints it.
      {"items: [{a: 1}, {b: 2}]\n", 1},
      {"{\"items\": [\n{\"a\": 1},\n{\"b\": 2}]}\n", 1},
      {" items:\n - a: 1\n - b: 2\n kind: List\n", 1},
      {"spec:\n  items:\n  - a: 1\n  - b: 2\n", 1},
      {"%YAML 1.1\n---\nitems:\n" + a + b, 1},
      {"%TAG !e! tag:yaml.org,2002:\n---\nitems:\n- a: !e!str 1\n- b: !e!str 2\n", 1},
      {"&x\nitems:\n" + a + b, 1},
      // From the first anchor on; the next document is another matter.
      {"items:\n" + a + "- &x\n  b: &y 1\n- c: *y\n- d: *x\n---\nitems:\n" + a + b, 5},
      // Errors, each on its line.
      {"items:\n" + a + b + "- a: 1\n  a: 2\n", 0},
      {"items:\n" + a + b + "items:\n" + a, 0},
      {"items:\n" + a + "- b: \"open\n" + a, 0},
      {"items:\n" + a + " - odd: 1\n" + b, 0},
      {"items:\n" + a + "odd\n" + b, 0},
      {"items:\n" + a + b + "- c: *nobody\n", 0},
      {"items:\n" + a + b + "- c: .inf\n", 0},
      {"items:\n" + a + b + "- c: [1, 2\n", 0},
      {"a: 1\n---\nb: 2\n---\n- c\n", 0},
      {"a: 1\n---\nb: 2\n---\ntext\n", 0},
  };
  for (const auto& c : kCases) {
    const int pieces = ExpectSameInPieces(c.text);
    if (c.pieces > 0) {
      EXPECT_EQ(pieces, c.pieces) << c.text;
    }
  }
}

// Lists put together from parts that are hard to tell apart.
TEST(YamlReaderTest, PiecesSayWhatTheWholeSaysOfMadeUpLists) {
  const std::vector<std::string> fields = {
      "a: 1\n",
      "b: |\n    - x\n\n    ---\n    items:\n",
      "c: >\n    - y: 1\n    z\n",
      "d: \"x\n- y\"\n",
      "e:\n  - f: 1\n  - g\n",
      "h: {i: [1,\n    2]}\n",
      "j: '- k'\n",
      "l: m\n    - n\n",
      "o: # - p\n    q\n",
      "r:\n",
      "s: |-\n    t\n  # - u\n",
      "v: \"\\\n    - w\"\n",
      "x: \"\xc3\xa4\"\n",
      "? y\n  : z\n",
      "items:\n  - aa: 1\n  - bb: 2\n",
  };
  const std::vector<std::string> between = {"",         "",     "",         "# - no: item\n", "\n",
                                            "  # in\n", "- \n", "- null\n", "- 7\n"};
  const std::vector<std::string> ends = {"",      "kind: List\n", "kind: List\nmetadata:\n  a: 1\n",
                                         "...\n", "---\n",        "x\n"};
  // A generator of our own: equal in every run.
  std::uint64_t state = 1;
  const auto below = [&state](std::size_t n) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33) % n;
  };
  int many = 0;
  for (int round = 0; round < 400; ++round) {
    std::string text = below(8) == 0 ? "\xef\xbb\xbf" : "";
    for (std::size_t documents = 1 + below(2); documents > 0; --documents) {
      text += below(2) == 0 ? "---\n" : "";
      text += "apiVersion: v1\nitems:\n";
      for (std::size_t items = 1 + below(5); items > 0; --items) {
        std::string item;
        std::vector<bool> used(fields.size());
        for (std::size_t n = 1 + below(4); n > 0; --n) {
          const std::size_t field = below(fields.size());
          if (used[field]) continue;
          used[field] = true;
          item += (item.empty() ? "- " : "  ") + fields[field];
        }
        text += item + between[below(between.size())];
      }
      text += ends[below(ends.size())];
      if (documents > 1 && !text.ends_with("---\n")) text += "---\n";
    }
    if (below(4) == 0) {
      std::string crlf;
      for (const char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
      text = crlf;
    }
    many += ExpectSameInPieces(text) > 2 ? 1 : 0;
  }
  EXPECT_GT(many, 200);
}

TEST(YamlReaderTest, PiecesSayWhatTheWholeSaysOfTheTreesFiles) {
  int files = 0;
  for (const std::string folder :
       {"manifests", "sim/scenario/bundled", "test/testdata", "test/golden", "test/fuzz/corpus"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(EPSLICE_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".yaml" && entry.path().extension() != ".yml") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      ExpectSameInPieces(std::string(std::istreambuf_iterator<char>(in), {}));
      ++files;
    }
  }
  EXPECT_GT(files, 20);
}

TEST(YamlReaderTest, ReadsAheadByAPieceAndNoMore) {
  std::size_t given = 0;
  std::string rest = "items:\n";
  int items = 0;
  const auto read = [&](char* buffer, std::size_t size) -> absl::StatusOr<std::size_t> {
    while (rest.size() < size && items < 20'000)
      rest += "- name: n" + std::to_string(items++) + "\n  x: {y: [1, 2, 3]}\n";
    const std::size_t n = rest.copy(buffer, size);
    rest.erase(0, n);
    given += n;
    return n;
  };
  YamlLimits limits;
  limits.max_bytes = 150'000;  // of 800,000
  YamlReader reader(read, limits, 1000);
  std::string json;
  std::size_t longest = 0, all = 0;
  while (true) {
    json.clear();
    const absl::StatusOr<bool> more = reader.Next(&json);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    longest = std::max(longest, json.size());
    all += json.size();
    EXPECT_LE(given, all + 150'000);
  }
  EXPECT_LT(longest, 10'000U);
  EXPECT_GT(all, 600'000U);
}

TEST(YamlReaderTest, WhatCannotBeTakenApartIsBounded) {
  std::string text = "a: 1\n---\nitems: [\n";
  while (text.size() < 100'000) text += "{b: 1},\n";
  text += "]\n";
  const auto read = [&, at = std::size_t{0}](char* buffer, std::size_t size) mutable -> absl::StatusOr<std::size_t> {
    const std::size_t n = std::string_view(text).substr(at).copy(buffer, size);
    at += n;
    return n;
  };
  YamlLimits limits;
  limits.max_bytes = 80'000;
  YamlReader reader(read, limits, 1);
  std::string json;
  EXPECT_TRUE(reader.Next(&json).ok());
  EXPECT_EQ(reader.Next(&json).status().message(),
            "line 2: from here more than 80000 bytes of YAML would have to be read at once, the most that is (JSON may "
            "be larger)");

  // Errors of the source are handed on.
  YamlReader broken([](char*, std::size_t) { return absl::DataLossError("gone"); }, {});
  EXPECT_EQ(broken.Next(&json).status(), absl::DataLossError("gone"));
}

}  // namespace
}  // namespace epslice

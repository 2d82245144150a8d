#include "sim/trace/dump_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "apis/concat.h"
#include "sim/trace/dump_reader.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Hands out `step` bytes at a time.
class Slow : public ByteSource {
 public:
  Slow(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    const std::size_t n = std::min({size, step_, text_.size() - at_});
    std::memcpy(buffer, text_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::size_t given() const { return at_; }

 private:
  const std::string text_;
  const std::size_t step_;
  std::size_t at_ = 0;
};

struct Split {
  std::vector<std::string> parts;
  std::string error;
};

Split SplitText(const std::string& text, std::size_t step, std::size_t max_bytes = 1 << 20) {
  Slow source(text, step);
  Split out;
  DumpParts parts;
  parts.document = [&] { out.parts.emplace_back("document"); };
  parts.part = [&](const DumpPart& part) {
    std::string line = Concat(part.place.line, ":", part.place.column, " ");
    if (part.is_item) {
      line += Concat("[", part.index, "] of ", part.document_line, " ");
      if (!part.kind.empty()) line += Concat(part.api_version, "/", part.kind, " ");
    }
    out.parts.push_back(line + std::string(part.text));
    return part.text.find("bad") == std::string_view::npos ? absl::OkStatus() : absl::InvalidArgumentError("bad part");
  };
  out.error = std::string(SplitDump(&source, max_bytes, parts).message());
  return out;
}

TEST(DumpStreamTest, ListsAreTakenApart) {
  const struct {
    std::string text;
    std::vector<std::string> parts;
  } kCases[] = {
      {R"({"kind":"Pod"})", {"document", R"(1:1 {"kind":"Pod"})"}},
      // As `kubectl get -o json` has it: the kind comes last.
      {"\xef\xbb\xbf{\n \"apiVersion\": \"v1\",\n \"items\": [\n  {\"kind\":\"A\",\"apiVersion\":\"v1\"},\n"
       "  {\"kind\":\"B\",\"apiVersion\":\"v1\"}\n ],\n \"kind\": \"List\"\n}\n{}",
       {"document", R"(4:3 [0] of 1 {"kind":"A","apiVersion":"v1"})", R"(5:3 [1] of 1 {"kind":"B","apiVersion":"v1"})",
        "1:1 {\n \"apiVersion\": \"v1\",\n \"items\": [],\n \"kind\": \"List\"\n}", "document", "9:1 {}"}},
      {R"({"kind":"PodList","apiVersion":"v1","items":[{"a":"]}\"{"},7,"x", [1]]})",
       {"document", R"(1:46 [0] of 1 v1/Pod {"a":"]}\"{"})", "1:60 [1] of 1 v1/Pod 7", R"(1:62 [2] of 1 v1/Pod "x")",
        "1:67 [3] of 1 v1/Pod [1]", R"(1:1 {"kind":"PodList","apiVersion":"v1","items":[]})"}},
      // Of a kind not known yet, which the items do not say either.
      {R"({"apiVersion":"v1","items":[{"owner":{"kind":"X","apiVersion":"y"}}],"kind":"PodList"})",
       {"document", R"(1:29 [0] of 1 v1/Pod {"owner":{"kind":"X","apiVersion":"y"}})",
        R"(1:1 {"apiVersion":"v1","items":[],"kind":"PodList"})"}},
      // No lists: a field of that name, of an object or deeper.
      {R"({"apiVersion":"x/v1","items":[1],"kind":"Foo"})",
       {"document", R"(1:1 {"apiVersion":"x/v1","items":[1],"kind":"Foo"})"}},
      {R"({"kind":"List","spec":{"items":[1]},"a":"items","b":["items",[2]]})",
       {"document", R"(1:1 {"kind":"List","spec":{"items":[1]},"a":"items","b":["items",[2]]})"}},
      {R"({"kind":"List","items":[]} {"kind":"List","items":null})",
       {"document", R"(1:1 {"kind":"List","items":[]})", "document", R"(1:28 {"kind":"List","items":null})"}},
  };
  for (const auto& c : kCases) {
    for (const std::size_t step : {1, 2, 7, 1000}) {
      const Split split = SplitText(c.text, step);
      EXPECT_EQ(split.error, "") << c.text;
      EXPECT_EQ(split.parts, c.parts) << step;
    }
  }
}

TEST(DumpStreamTest, ErrorsSayWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "holds no JSON"},
      {"\n 7", "line 2: expected a JSON object, found \"7\""},
      {"{\"kind\":\"List\",\"items\":[1\n 2]}", "line 2, column 2: expected ',' or ']', found '2'"},
      {R"({"kind":"List","items":[1,]})", "line 1, column 27: expected a value, found ']'"},
      {R"({"kind":"List","items":[,1]})", "line 1, column 25: expected a value, found ','"},
      {"{\"kind\":\"List\",\"items\":[1,\n", "line 2, column 1: the text ends where a value is expected"},
      {"{\"kind\":\"List\",\"items\":[1", "line 1, column 26: the text ends where ',' or ']' is expected"},
      {R"({"kind":"List","items":["bad"]})", "bad part"},
      {R"({"kind":"List","items":[1],"x":"bad"})", "bad part"},
  };
  for (const auto& [text, error] : cases) {
    for (const std::size_t step : {1, 1000}) EXPECT_EQ(SplitText(text, step).error, error) << text;
  }
  EXPECT_EQ(SplitText("{} {}", 2, 4).error, "is larger than 4 bytes, the most that is read");
  // What follows the items is shown once more in its place.
  const Split again = SplitText("{\"kind\":\"List\",\"items\":[1,\n2\n ],\"x\":\"bad\"}", 3);
  EXPECT_EQ(again.parts.back(), "1:1 {\"kind\":\"List\",\"items\":[\n\n ],\"x\":\"bad\"}");
}

std::string BigList(int items) {
  std::string text = R"({"apiVersion":"v1","items":[)";
  for (int i = 0; i < items; ++i) {
    text += Concat(i > 0 ? "," : "", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p)", i,
                   R"(","namespace":"a"},"spec":{"containers":[{"name":")", std::string(200, 'x'), "\"}]}}\n");
  }
  return text + R"(],"kind":"List"})";
}

TEST(DumpStreamTest, ReadsNoFurtherThanAChunkAhead) {
  Slow source(BigList(20'000), 1 << 20);
  std::size_t taken = 0, furthest = 0, longest = 0;
  DumpParts parts;
  parts.part = [&](const DumpPart& part) {
    furthest = std::max(furthest, source.given() - std::min(source.given(), taken));
    longest = std::max(longest, part.text.size());
    taken += part.text.size();
    return absl::OkStatus();
  };
  EXPECT_TRUE(SplitDump(&source, std::size_t{1} << 30, parts).ok());
  EXPECT_GT(taken, std::size_t{5'000'000});
  EXPECT_LE(furthest, std::size_t{400'000});
  EXPECT_LE(longest, 400U);
}

TEST(DumpStreamTest, ErrorsOfObjectsHaveTheirLines) {
  const std::string good = R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}})";
  const auto list = [&](const std::string& second) {
    return Concat("{\n\"apiVersion\": \"v1\",\n\"items\": [\n", good, ",\n   ", second,
                  "\n],\n\"kind\": \"List\"\n}\n");
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {list("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"m\"},\n\"status\":7}"),
       "d: line 6: Node m: status: "},
      {list("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\"}}"),
       "d: line 5, column 55: expected ':', found '}'"},
      {list("{\"apiVersion\":\"v1\",\n\"kind\":\"Node\",\"metadata\":{\"name\"}}"),
       "d: line 6, column 33: expected ':', found '}'"},
      {list("{\"a\":1}"), "d: line 1: items[1]: an object without kind"},
      {list("7"), "d: line 1: items[1]: "},
      {list("{\"apiVersion\":\"v1\",\"kind\":\"Node\"}"), "d: line 5: a Node without metadata.name"},
      {"{\"apiVersion\":\"v1\",\"items\":[\n],\"kind\":\"List\",}", "d: line 2, column 17: expected a key"},
  };
  for (const auto& [text, error] : cases) {
    EXPECT_THAT(std::string(ReadDumpText("d", text).status().message()), HasSubstr(error)) << text;
  }
}

// Longer than what a record of a trace may have.
TEST(DumpStreamTest, ALongListIsATraceToo) {
  TraceOptions options;
  options.max_record_bytes = 100'000;
  const auto reader = OpenTraceText("t", BigList(2000), options);
  ASSERT_TRUE(reader.ok()) << reader.status();
  int events = 0;
  for (TraceEvent event; (*reader)->Next(&event).value();) events += event.start ? 1 : 0;
  EXPECT_EQ(events, 2000);
}

}  // namespace
}  // namespace epslice::sim

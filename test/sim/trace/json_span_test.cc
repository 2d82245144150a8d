// Where the parts of JSON end, whatever lies between, and wherever the text is
// cut; and the same of records in a stream, whatever pieces they come in.
#include "sim/trace/json_span.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "informers/random.h"
#include "sim/trace/record_stream.h"

namespace epslice::sim {
namespace {

TEST(JsonSpanTest, PlainTextEndsAtTheFirstThatIsNotPlain) {
  // Neighbours of what is looked for, and bytes above 0x7f.
  const std::string plain = "a!#[]z\t\r\x0b\x01\xa2\xdc\x8a\xff";
  for (std::size_t length = 0; length < 40; ++length) {
    std::string text;
    while (text.size() < length) text += plain[text.size() % plain.size()];
    for (std::size_t at = 0; at <= length; ++at) {
      for (const char c : {'"', '\\', '\n'}) {
        std::string with = text;
        if (at < length) with[at] = c;
        if (at + 1 < length) with[length - 1] = '"';
        const char* const begin = with.data();
        const char* const end = begin + with.size();
        const char* const want = std::find_if(begin, end, [](char x) { return x == '"' || x == '\\' || x == '\n'; });
        ASSERT_EQ(EndOfPlainText(begin, end) - begin, want - begin) << length << " " << at;
      }
    }
  }
}

TEST(JsonSpanTest, ValuesEndWhereTheyEnd) {
  struct Case {
    std::string_view text;
    std::size_t end;  // npos: it does not
  };
  constexpr std::size_t kNever = std::string_view::npos;
  for (const Case& c : std::vector<Case>{
           {R"("" )", 2},
           {R"("plain, and longer than eight" )", 30},
           {R"("a\"b" )", 6},
           {R"("ends in a backslash \\" )", 24},
           {R"("\\\"" )", 6},
           {R"("open)", kNever},
           {R"("open\")", kNever},
           {R"("open\)", kNever},
           {R"(")", kNever},
           {R"({"a":"}","b":["]"]} )", 19},
           {R"({"a":"\"}"} )", 11},
           {R"([[],[[]]])", 9},
           {R"([[],[[]])", kNever},
           {R"({"a":"never closed} )", kNever},
       }) {
    EXPECT_EQ(EndOfJsonValue(c.text, 0), c.end) << c.text;
  }
}

// Gives what it has in pieces of random sizes.
class Pieces : public ByteSource {
 public:
  Pieces(std::string text, std::uint64_t seed) : text_(std::move(text)), random_(seed) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    const std::size_t most = std::min(size, text_.size() - at_);
    if (most == 0) return std::size_t{0};
    const std::size_t n = 1 + static_cast<std::size_t>(random_.Below(std::min<std::size_t>(most, 9)));
    const std::size_t given = std::min(n, most);
    std::memcpy(buffer, text_.data() + at_, given);
    at_ += given;
    return given;
  }

 private:
  const std::string text_;
  std::size_t at_ = 0;
  Random random_;
};

TEST(RecordStreamTest, RecordsAreTheSameInPiecesOfAnySize) {
  const std::vector<std::string> records = {
      R"({"name":"a string that is longer than a piece","brackets":"}]"})",
      R"({"escaped":"\"\\","next":["\\\"",{"x":"\\\\"}]})",
      R"({"empty":"","n":[1,2,{"a":null}]})",
      R"({"cut off":"in a string)",
      R"({"cut off":"behind a backslash\)",
      R"({"whole":"again"})",
  };
  std::string text;
  for (const std::string& record : records) text += record + "\n";
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    RecordStream stream("t", std::make_unique<Pieces>(text, seed), 1 << 20);
    for (std::size_t i = 0; i < records.size(); ++i) {
      TextRecord record;
      const auto more = stream.NextJson(&record);
      ASSERT_TRUE(more.ok() && *more) << more.status() << " record " << i << " seed " << seed;
      EXPECT_EQ(record.text, records[i]);
      EXPECT_EQ(record.line, i + 1);
      EXPECT_EQ(record.broken, records[i].find("cut off") != std::string::npos) << record.text;
    }
    TextRecord none;
    EXPECT_FALSE(stream.NextJson(&none).value_or(true));
  }
}

}  // namespace
}  // namespace epslice::sim

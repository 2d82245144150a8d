#include "informers/http/line_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "informers/random.h"

namespace epslice {
namespace {

using LineResult = LineSplitter::Result;

TEST(LineSplitter, FindsLinesHoweverTheStreamIsCut) {
  const std::string stream = "{\"a\":1}\n\n{\"b\":22}\r\n   \n{\"c\":333}\n{\"d\"";
  const std::vector<std::string> want = {"{\"a\":1}", "{\"b\":22}", "{\"c\":333}"};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    LineSplitter splitter(100);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t n = 1 + random.Below(seed % 12 + 1);
      ASSERT_EQ(splitter.Feed(std::string_view(stream).substr(at, n),
                              [&lines](std::string_view line) {
                                lines.emplace_back(line);
                                return true;
                              }),
                LineResult::kMore);
      at += n;
    }
    EXPECT_EQ(lines, want) << "seed " << seed;
    EXPECT_TRUE(splitter.has_partial());
  }
}

TEST(LineSplitter, StopsWhenTold) {
  LineSplitter splitter(100);
  int seen = 0;
  EXPECT_EQ(splitter.Feed("a\nb\nc\n", [&seen](std::string_view) { return ++seen < 2; }), LineResult::kStopped);
  EXPECT_EQ(seen, 2);
}

TEST(LineSplitter, RefusesALineThatIsTooLong) {
  const struct {
    std::vector<std::string> pieces;
    LineResult want;
  } kCases[] = {
      {{"12345678\n"}, LineResult::kMore},           {{"123456789\n"}, LineResult::kTooLong},
      {{"123456789"}, LineResult::kTooLong},         {{"1234", "5678", "\n1234"}, LineResult::kMore},
      {{"1234", "5678", "9"}, LineResult::kTooLong},
  };
  for (const auto& c : kCases) {
    LineSplitter splitter(8);
    LineResult result = LineResult::kMore;
    for (const std::string& piece : c.pieces) result = splitter.Feed(piece, [](std::string_view) { return true; });
    EXPECT_EQ(result, c.want) << c.pieces.back();
  }
}

TEST(LineSplitter, BlanksAreNoPartialLine) {
  LineSplitter splitter(100);
  splitter.Feed("a\n \r", [](std::string_view) { return true; });
  EXPECT_FALSE(splitter.has_partial());
}

}  // namespace
}  // namespace epslice

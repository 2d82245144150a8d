#include "informers/http/frame_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/protobuf.h"
#include "informers/random.h"

namespace epslice {
namespace {

using Result = FrameSplitter::Result;

TEST(FrameSplitter, FindsFramesHoweverTheStreamIsCut) {
  const std::vector<std::string> want = {"a", "", "bb\n", std::string(300, 'c'), std::string("\0\0\0\5", 4)};
  std::string stream;
  for (const std::string& frame : want) AppendWatchFrame(frame, &stream);
  const std::size_t whole = stream.size();
  AppendWatchFrame("more", &stream);
  stream.pop_back();
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    FrameSplitter splitter(300);
    std::vector<std::string> frames;
    bool partial = false;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random.Below(seed * 2 + 1), stream.size() - at);
      ASSERT_EQ(splitter.Feed(std::string_view(stream).substr(at, n),
                              [&frames](std::string_view frame) {
                                frames.emplace_back(frame);
                                return true;
                              }),
                Result::kMore);
      at += n;
      if (at == whole) {
        EXPECT_FALSE(splitter.has_partial());
      }
      partial = splitter.has_partial();
    }
    EXPECT_EQ(frames, want) << "seed " << seed;
    EXPECT_TRUE(partial);
  }
}

TEST(FrameSplitter, StopsWhenTold) {
  std::string stream;
  for (const char* frame : {"a", "b", "c"}) AppendWatchFrame(frame, &stream);
  for (const std::size_t first : {std::size_t{2}, stream.size()}) {
    FrameSplitter splitter(100);
    int seen = 0;
    const auto on_frame = [&seen](std::string_view) { return ++seen < 2; };
    Result result = splitter.Feed(std::string_view(stream).substr(0, first), on_frame);
    if (result == Result::kMore) result = splitter.Feed(std::string_view(stream).substr(first), on_frame);
    EXPECT_EQ(result, Result::kStopped);
    EXPECT_EQ(seen, 2);
  }
}

TEST(FrameSplitter, RefusesAFrameThatIsTooLongByItsLength) {
  const struct {
    std::vector<std::string> pieces;
    Result want;
  } kCases[] = {
      {{std::string("\0\0\0\10", 4)}, Result::kMore},
      {{std::string("\0\0\0\11", 4)}, Result::kTooLong},
      {{std::string("\0\0", 2), std::string("\0\11", 2)}, Result::kTooLong},
      {{std::string("\xff\xff\xff\xff", 4)}, Result::kTooLong},
      {{std::string("\0\0\0\1x\0\0\1\0", 9)}, Result::kTooLong},
  };
  for (const auto& c : kCases) {
    FrameSplitter splitter(8);
    Result result = Result::kMore;
    for (const std::string& piece : c.pieces) result = splitter.Feed(piece, [](std::string_view) { return true; });
    EXPECT_EQ(result, c.want);
  }
}

}  // namespace
}  // namespace epslice

#include "informers/http/answer_body.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "gzip.h"

namespace epslice {
namespace {

// Feeds the bytes in pieces; what was wrong, or "".
std::string Read(std::string_view encoding, std::string_view bytes, std::size_t piece, std::size_t max,
                 std::string* out) {
  AnswerBody body(max, out);
  std::string why = body.Begin(encoding);
  for (; why.empty() && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    why = body.Append(bytes.substr(0, piece));
  }
  return why.empty() ? body.End() : why;
}

std::string Letters(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * i) + " ";
  text.resize(size);
  return text;
}

TEST(AnswerBody, ReadsInPiecesOfAnySize) {
  const std::string text = Letters(200'000);
  const std::string zipped = Gzip(text);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
    std::string out;
    EXPECT_EQ(Read("gzip", zipped, piece, text.size(), &out), "");
    EXPECT_EQ(out, text);
    out.clear();
    EXPECT_EQ(Read("", text, piece, text.size(), &out), "");
    EXPECT_EQ(out, text);
  }
}

TEST(AnswerBody, IsBoundedAfterDecompression) {
  std::string out;
  EXPECT_EQ(Read("", Letters(11), 100, 10, &out), "an answer of more than 10 bytes");
  // A bomb: a thousand times its size.
  const std::string bomb = Gzip(std::string(64 << 20, ' '));
  out.clear();
  EXPECT_EQ(Read("gzip", bomb, bomb.size(), 1 << 20, &out), "an answer of more than 1048576 bytes");
  EXPECT_LT(out.size(), std::size_t{2} << 20);
}

TEST(AnswerBody, SaysWhatIsWrong) {
  const std::string good = Gzip(Letters(1000));
  std::string damaged = good;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  damaged[damaged.size() - 5] = static_cast<char>(damaged[damaged.size() - 5] ^ 0x55);
  const struct {
    const char* encoding;
    std::string bytes;
    const char* why;
  } kCases[] = {
      {"identity", "x", ""},
      {"br", "x", "an answer compressed in a way that was not asked for"},
      {"gzip, gzip", "x", "an answer compressed in a way that was not asked for"},
      {"gzip", "not gzip at all", "an answer whose compression is damaged"},
      {"gzip", damaged, "an answer whose compression is damaged"},
      {"gzip", good + "x", "an answer whose compression is damaged"},
      {"gzip", good.substr(0, good.size() - 1), "a compressed answer that is cut short"},
      {"gzip", "", "a compressed answer that is cut short"},
  };
  for (const auto& c : kCases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{10'000}}) {
      std::string out;
      EXPECT_EQ(Read(c.encoding, c.bytes, piece, 10'000, &out), c.why) << c.encoding;
    }
  }
}

}  // namespace
}  // namespace epslice

#include "sim/trace/decompress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <functional>
#include <vector>

namespace epslice::sim {
namespace {

using testing::HasSubstr;

std::string Gzip(const std::string& text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// With a checksum, as the zstd program writes it.
std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string Xz(const std::string& text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                          reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

struct Codec {
  std::string name;
  Compression compression;
  std::function<std::string(const std::string&)> compress;
};

class DecompressTest : public testing::TestWithParam<Codec> {
 protected:
  static std::string Pack(const std::string& text) { return GetParam().compress(text); }
  static absl::StatusOr<std::string> Unpack(const std::string& bytes, const DecompressLimits& limits = {}) {
    return Decompress(DetectCompression(bytes), bytes, limits);
  }
};

std::string SomeText(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

TEST_P(DecompressTest, GivesTheTextBack) {
  for (const int lines : {0, 1, 100, 100'000}) {
    const std::string text = SomeText(lines);
    const std::string bytes = Pack(text);
    EXPECT_EQ(DetectCompression(bytes), GetParam().compression);
    const absl::StatusOr<std::string> back = Unpack(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(*back == text);
  }
}

TEST_P(DecompressTest, MembersOneAfterAnotherAreOneText) {
  const absl::StatusOr<std::string> back = Unpack(Pack("one ") + Pack("") + Pack("two"));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, "one two");
}

TEST_P(DecompressTest, EveryCutIsNoticed) {
  const std::string bytes = Pack(SomeText(50));
  for (std::size_t size = 6; size < bytes.size(); ++size) {
    const absl::StatusOr<std::string> back = Unpack(bytes.substr(0, size));
    ASSERT_FALSE(back.ok()) << size;
    EXPECT_THAT(std::string(back.status().message()), HasSubstr("end too early")) << size;
  }
}

TEST_P(DecompressTest, DamageIsNoticed) {
  std::string bytes = Pack(SomeText(2000));
  for (std::size_t at = bytes.size() / 3; at < bytes.size() / 3 + 8; ++at) bytes[at] = static_cast<char>(~bytes[at]);
  const absl::StatusOr<std::string> back = Unpack(bytes);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(DecompressTest, WhatFollowsTheDataIsAnError) {
  const absl::StatusOr<std::string> back = Unpack(Pack("text") + "more, that is not compressed");
  ASSERT_FALSE(back.ok());
  EXPECT_THAT(std::string(back.status().message()), HasSubstr("comes something else"));
}

TEST_P(DecompressTest, ZerosAfterTheDataArePadding) {
  const absl::StatusOr<std::string> back = Unpack(Pack("text") + std::string(512, '\0'));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, "text");
}

TEST_P(DecompressTest, SizeIsBounded) {
  DecompressLimits limits;
  limits.max_bytes = 1000;
  EXPECT_TRUE(Unpack(Pack(std::string(1000, 'x')), limits).ok());
  const absl::StatusOr<std::string> back = Unpack(Pack(std::string(1001, 'x')), limits);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.status().message(), "is larger than 1000 bytes when decompressed, the most that is read");
}

TEST_P(DecompressTest, ABombIsRefused) {
  DecompressLimits limits;
  limits.max_ratio = 50;
  limits.ratio_free_bytes = 1 << 20;
  EXPECT_TRUE(Unpack(Pack(std::string(1 << 20, 'x')), limits).ok());
  const absl::StatusOr<std::string> back = Unpack(Pack(std::string(4 << 20, 'x')), limits);
  ASSERT_FALSE(back.ok());
  EXPECT_THAT(std::string(back.status().message()), HasSubstr("more than 50 times its size"));
}

INSTANTIATE_TEST_SUITE_P(Codecs, DecompressTest,
                         testing::Values(Codec{"gzip", Compression::kGzip, Gzip},
                                         Codec{"zstd", Compression::kZstd, Zstd}, Codec{"xz", Compression::kXz, Xz}),
                         [](const auto& test) { return test.param.name; });

TEST(DetectCompressionTest, ByMagic) {
  EXPECT_EQ(DetectCompression(""), Compression::kNone);
  EXPECT_EQ(DetectCompression("{}"), Compression::kNone);
  EXPECT_EQ(DetectCompression("\x1f"), Compression::kNone);
  EXPECT_EQ(DetectCompression("PK\x03\x04"), Compression::kNone);
  EXPECT_EQ(DetectCompression("\x5a\x2a\x4d\x18"), Compression::kZstd);  // a skippable frame
}

}  // namespace
}  // namespace epslice::sim

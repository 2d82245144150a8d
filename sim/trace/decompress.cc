#include "sim/trace/decompress.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

absl::Status Cut(std::string_view format) {
  return absl::InvalidArgumentError(Concat("the ", format, " data end too early (is the file complete?)"));
}

bool OnlyZeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// Collects the output and watches the limits.
class Output {
 public:
  Output(std::size_t input_size, const DecompressLimits& limits) : input_size_(input_size), limits_(limits) {}

  absl::Status Append(const char* data, std::size_t size) {
    const std::size_t total = text_.size() + size;
    if (total > limits_.max_bytes) {
      return absl::InvalidArgumentError(
          Concat("is larger than ", limits_.max_bytes, " bytes when decompressed, the most that is read"));
    }
    if (total > limits_.ratio_free_bytes && total / limits_.max_ratio > input_size_) {
      return absl::InvalidArgumentError(Concat("decompresses to more than ", limits_.max_ratio,
                                               " times its size, which no dump does; it is not read"));
    }
    text_.append(data, size);
    return absl::OkStatus();
  }
  std::string Take() { return std::move(text_); }

 private:
  const std::size_t input_size_;
  const DecompressLimits& limits_;
  std::string text_;
};

absl::StatusOr<std::string> Gunzip(std::string_view bytes, const DecompressLimits& limits) {
  Output output(bytes.size(), limits);
  std::vector<char> chunk(kChunk);
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return absl::ResourceExhaustedError("no memory to read gzip");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::size_t at = 0;
  // zlib counts in 32 bits, so the input is handed over in parts.
  while (true) {
    const std::size_t part = std::min(bytes.size() - at, std::size_t{1} << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
    stream.avail_in = static_cast<uInt>(part);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int rc = inflate(&stream, Z_NO_FLUSH);
    at += part - stream.avail_in;
    const std::size_t made = chunk.size() - stream.avail_out;
    if (absl::Status s = output.Append(chunk.data(), made); !s.ok()) return s;
    if (rc == Z_STREAM_END) {
      const std::string_view rest = bytes.substr(at);
      if (OnlyZeros(rest)) return output.Take();
      if (DetectCompression(rest) != Compression::kGzip) {
        return absl::InvalidArgumentError("after the gzip data comes something else");
      }
      inflateReset(&stream);
      continue;
    }
    if (rc == Z_BUF_ERROR || (rc == Z_OK && at == bytes.size() && made < chunk.size())) return Cut("gzip");
    if (rc != Z_OK) return Damaged("gzip");
  }
}

absl::StatusOr<std::string> Unzstd(std::string_view bytes, const DecompressLimits& limits) {
  Output output(bytes.size(), limits);
  std::vector<char> chunk(kChunk);
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (context == nullptr) return absl::ResourceExhaustedError("no memory to read zstd");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (true) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    const std::size_t before = in.pos;
    const std::size_t rc = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(rc) != 0) return Damaged("zstd");
    if (absl::Status s = output.Append(chunk.data(), out.pos); !s.ok()) return s;
    if (rc == 0) {  // a frame ended
      const std::string_view rest = bytes.substr(in.pos);
      if (OnlyZeros(rest)) return output.Take();
      if (DetectCompression(rest) != Compression::kZstd) {
        return absl::InvalidArgumentError("after the zstd data comes something else");
      }
      continue;
    }
    if (in.pos == bytes.size() && in.pos == before && out.pos == 0) return Cut("zstd");
  }
}

absl::StatusOr<std::string> Unxz(std::string_view bytes, const DecompressLimits& limits) {
  Output output(bytes.size(), limits);
  std::vector<char> chunk(kChunk);
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> end(&stream, lzma_end);
  const auto begin_stream = [&] { return lzma_stream_decoder(&stream, kWindowMemory, 0) == LZMA_OK; };
  if (!begin_stream()) return absl::ResourceExhaustedError("no memory to read xz");
  stream.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  stream.avail_in = bytes.size();
  while (true) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(chunk.data());
    stream.avail_out = chunk.size();
    const lzma_ret rc = lzma_code(&stream, LZMA_RUN);
    if (absl::Status s = output.Append(chunk.data(), chunk.size() - stream.avail_out); !s.ok()) return s;
    switch (rc) {
      case LZMA_OK: break;
      case LZMA_STREAM_END: {
        const std::string_view rest = bytes.substr(bytes.size() - stream.avail_in);
        if (OnlyZeros(rest)) return output.Take();
        if (DetectCompression(rest) != Compression::kXz) {
          return absl::InvalidArgumentError("after the xz data comes something else");
        }
        if (!begin_stream()) return absl::ResourceExhaustedError("no memory to read xz");
        break;
      }
      case LZMA_BUF_ERROR: return Cut("xz");
      case LZMA_MEMLIMIT_ERROR:
        return absl::InvalidArgumentError("needs more than 256 MiB of memory to decompress; it is not read");
      default: return Damaged("xz");
    }
  }
}

}  // namespace

absl::Status Damaged(std::string_view format) {
  return absl::InvalidArgumentError(Concat("the ", format, " data are damaged"));
}

Compression DetectCompression(std::string_view bytes) {
  const auto starts = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  if (starts("\x1f\x8b")) return Compression::kGzip;
  if (starts(std::string_view("\xfd"
                              "7zXZ\0",
                              6))) {
    return Compression::kXz;
  }
  if (starts("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  // Skippable frames, 0x184D2A50..5F little-endian: pzstd writes them first.
  if (bytes.size() >= 4 && (bytes[0] & '\xf0') == '\x50' && bytes.substr(1, 3) == "\x2a\x4d\x18") {
    return Compression::kZstd;
  }
  return Compression::kNone;
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone: return "";
    case Compression::kGzip: return "gzip";
    case Compression::kZstd: return "zstd";
    case Compression::kXz: return "xz";
  }
  return "";
}

absl::StatusOr<std::string> Decompress(Compression compression, std::string_view bytes,
                                       const DecompressLimits& limits) {
  switch (compression) {
    case Compression::kNone: return std::string(bytes);
    case Compression::kGzip: return Gunzip(bytes, limits);
    case Compression::kZstd: return Unzstd(bytes, limits);
    case Compression::kXz: return Unxz(bytes, limits);
  }
  return absl::InternalError("no such compression");
}

}  // namespace epslice::sim

// The decoders behind Decompressing(): gzip, zstd and xz, several members or
// frames one after another, as one text.
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/trace/byte_source.h"
#include "sim/trace/decompress.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kInputChunk = std::size_t{128} << 10;
constexpr std::size_t kMagicBytes = 8;
constexpr std::uint64_t kMaxRatio = 1000;
constexpr std::uint64_t kRatioFreeBytes = std::uint64_t{64} << 20;

// What a decoder did with some bytes.
struct Step {
  std::size_t used = 0;
  std::size_t made = 0;
  bool ended = false;  // a member or frame is complete
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual absl::StatusOr<Step> Run(std::string_view in, char* out, std::size_t size) = 0;
  // Ready for the next member.
  virtual absl::Status Restart() = 0;
};

absl::Status NoMemory(std::string_view format) {
  return absl::ResourceExhaustedError(Concat("no memory to read ", format));
}

class GzipDecoder : public Decoder {
 public:
  GzipDecoder() = default;
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;
  absl::Status Restart() override {
    if (started_) return inflateReset(&stream_) == Z_OK ? absl::OkStatus() : Damaged("gzip");
    started_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
    return started_ ? absl::OkStatus() : NoMemory("gzip");
  }
  absl::StatusOr<Step> Run(std::string_view in, char* out, std::size_t size) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    const int rc = inflate(&stream_, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) return Damaged("gzip");
    return Step{in.size() - stream_.avail_in, size - stream_.avail_out, rc == Z_STREAM_END};
  }

 private:
  z_stream stream_{};
  bool started_ = false;
};

class ZstdDecoder : public Decoder {
 public:
  absl::Status Restart() override {
    if (context_ == nullptr) context_.reset(ZSTD_createDCtx());
    if (context_ == nullptr) return NoMemory("zstd");
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
    return absl::OkStatus();
  }
  absl::StatusOr<Step> Run(std::string_view in, char* out, std::size_t size) override {
    ZSTD_inBuffer source{in.data(), in.size(), 0};
    ZSTD_outBuffer target{out, size, 0};
    const std::size_t rc = ZSTD_decompressStream(context_.get(), &target, &source);
    if (ZSTD_isError(rc) != 0) return Damaged("zstd");
    return Step{source.pos, target.pos, rc == 0};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};

class XzDecoder : public Decoder {
 public:
  XzDecoder() = default;
  ~XzDecoder() override { lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;
  absl::Status Restart() override {
    return lzma_stream_decoder(&stream_, kWindowMemory, 0) == LZMA_OK ? absl::OkStatus() : NoMemory("xz");
  }
  absl::StatusOr<Step> Run(std::string_view in, char* out, std::size_t size) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out);
    stream_.avail_out = size;
    const lzma_ret rc = lzma_code(&stream_, LZMA_RUN);
    if (rc == LZMA_MEMLIMIT_ERROR) {
      return absl::InvalidArgumentError("needs more than 256 MiB of memory to decompress; it is not read");
    }
    if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR) return Damaged("xz");
    return Step{in.size() - stream_.avail_in, size - stream_.avail_out, rc == LZMA_STREAM_END};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

// Bytes read ahead, and what follows them.
class Ahead {
 public:
  explicit Ahead(std::unique_ptr<ByteSource> source) : source_(std::move(source)), buffer_(kInputChunk) {}

  std::string_view bytes() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void Drop(std::size_t n) { begin_ += n; }
  // Reads more behind what is there; false at the end.
  absl::StatusOr<bool> More() {
    if (ended_) return false;
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const absl::StatusOr<std::size_t> n = source_->Read(buffer_.data() + end_, buffer_.size() - end_);
    if (!n.ok()) return n.status();
    end_ += *n;
    ended_ = *n == 0;
    return !ended_;
  }
  // At least `n` bytes, unless the source has fewer.
  absl::Status Want(std::size_t n) {
    while (bytes().size() < n && !ended_) {
      if (const absl::StatusOr<bool> more = More(); !more.ok()) return more.status();
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
};

class PlainSource : public ByteSource {
 public:
  PlainSource(std::unique_ptr<ByteSource> source, std::string_view head) : source_(std::move(source)), head_(head) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    if (head_.empty()) return source_->Read(buffer, size);
    const std::size_t n = std::min(size, head_.size());
    std::memcpy(buffer, head_.data(), n);
    head_.erase(0, n);
    return n;
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  std::string head_;
};

class DecompressingSource : public ByteSource {
 public:
  DecompressingSource(Compression compression, std::unique_ptr<Decoder> decoder, std::unique_ptr<ByteSource> source)
      : compression_(compression), decoder_(std::move(decoder)), in_(std::move(source)) {}

  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    while (true) {
      if (between_) {
        const absl::StatusOr<bool> more = BeginMember();
        if (!more.ok()) return more.status();
        if (!*more) return 0;
      }
      const absl::StatusOr<Step> step = decoder_->Run(in_.bytes(), buffer, size);
      if (!step.ok()) return step.status();
      in_.Drop(step->used);
      read_ += step->used;
      made_ += step->made;
      between_ = step->ended;
      if (made_ > kRatioFreeBytes && made_ / kMaxRatio > read_) {
        return absl::InvalidArgumentError(
            Concat("decompresses to more than ", kMaxRatio, " times its size, which no trace does; it is not read"));
      }
      if (step->made > 0) return step->made;
      if (between_ || step->used > 0) continue;
      const absl::StatusOr<bool> more = in_.More();
      if (!more.ok()) return more.status();
      if (!*more) {
        return absl::InvalidArgumentError(
            Concat("the ", CompressionName(compression_), " data end too early (is the file complete?)"));
      }
    }
  }

 private:
  // False: nothing follows but padding.
  absl::StatusOr<bool> BeginMember() {
    while (true) {
      if (absl::Status s = in_.Want(kMagicBytes); !s.ok()) return s;
      const std::string_view bytes = in_.bytes();
      const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
      if (bytes.empty()) return false;
      // Padding comes after a member only, and a gzip or zstd one may not begin
      // with a zero.
      if (zeros == 0) break;
      in_.Drop(zeros);
    }
    if (DetectCompression(in_.bytes()) != compression_) {
      return absl::InvalidArgumentError(
          Concat("after the ", CompressionName(compression_), " data comes something else"));
    }
    between_ = false;
    if (absl::Status s = decoder_->Restart(); !s.ok()) return s;
    return true;
  }

  const Compression compression_;
  const std::unique_ptr<Decoder> decoder_;
  Ahead in_;
  bool between_ = true;
  std::uint64_t read_ = 0, made_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> Decompressing(std::unique_ptr<ByteSource> source) {
  std::string head;
  while (head.size() < kMagicBytes) {
    char bytes[kMagicBytes];
    const absl::StatusOr<std::size_t> n = source->Read(bytes, kMagicBytes - head.size());
    if (!n.ok()) return n.status();
    if (*n == 0) break;
    head.append(bytes, *n);
  }
  const Compression compression = DetectCompression(head);
  auto plain = std::make_unique<PlainSource>(std::move(source), head);
  std::unique_ptr<Decoder> decoder;
  switch (compression) {
    case Compression::kNone: return plain;
    case Compression::kGzip: decoder = std::make_unique<GzipDecoder>(); break;
    case Compression::kZstd: decoder = std::make_unique<ZstdDecoder>(); break;
    case Compression::kXz: decoder = std::make_unique<XzDecoder>(); break;
  }
  return std::make_unique<DecompressingSource>(compression, std::move(decoder), std::move(plain));
}

}  // namespace epslice::sim

#include "sim/trace/compressed_file.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <streambuf>
#include <string_view>
#include <vector>

namespace epslice::sim {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} << 10;

// What follows.
enum class Then { kMore, kPause, kEnd };

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends the compressed form of `in` to `out`; all of it unless there is more
  // to come.
  virtual bool Run(std::string_view in, Then then, std::string* out) = 0;
};

class GzipEncoder : public Encoder {
 public:
  GzipEncoder() { ready_ = deflateInit2(&stream_, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
  ~GzipEncoder() override { deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;
  bool Run(std::string_view in, Then then, std::string* out) override {
    if (!ready_) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    std::vector<char> chunk(kBuffer);
    int rc = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream_.avail_out = static_cast<uInt>(chunk.size());
      rc = deflate(&stream_, then == Then::kEnd ? Z_FINISH : then == Then::kPause ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      if (rc == Z_STREAM_ERROR) return false;
      out->append(chunk.data(), chunk.size() - stream_.avail_out);
    } while (stream_.avail_out == 0 || (then == Then::kEnd && rc != Z_STREAM_END));
    return true;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class ZstdEncoder : public Encoder {
 public:
  bool Run(std::string_view in, Then then, std::string* out) override {
    if (context_ == nullptr) return false;
    ZSTD_inBuffer source{in.data(), in.size(), 0};
    const ZSTD_EndDirective how = then == Then::kEnd     ? ZSTD_e_end
                                  : then == Then::kPause ? ZSTD_e_flush
                                                         : ZSTD_e_continue;
    std::vector<char> chunk(kBuffer);
    while (true) {
      ZSTD_outBuffer target{chunk.data(), chunk.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_.get(), &target, &source, how);
      if (ZSTD_isError(left) != 0) return false;
      out->append(chunk.data(), target.pos);
      if (then == Then::kMore ? source.pos == source.size : left == 0) return true;
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_{ZSTD_createCCtx()};
};

class XzEncoder : public Encoder {
 public:
  XzEncoder() { ready_ = lzma_easy_encoder(&stream_, 3, LZMA_CHECK_CRC64) == LZMA_OK; }
  ~XzEncoder() override { lzma_end(&stream_); }
  XzEncoder(const XzEncoder&) = delete;
  XzEncoder& operator=(const XzEncoder&) = delete;
  bool Run(std::string_view in, Then then, std::string* out) override {
    if (!ready_) return false;
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    const lzma_action action = then == Then::kEnd ? LZMA_FINISH : then == Then::kPause ? LZMA_SYNC_FLUSH : LZMA_RUN;
    std::vector<char> chunk(kBuffer);
    lzma_ret rc = LZMA_OK;
    do {
      stream_.next_out = reinterpret_cast<std::uint8_t*>(chunk.data());
      stream_.avail_out = chunk.size();
      rc = lzma_code(&stream_, action);
      if (rc != LZMA_OK && rc != LZMA_STREAM_END) return false;
      out->append(chunk.data(), chunk.size() - stream_.avail_out);
    } while (action != LZMA_RUN ? rc != LZMA_STREAM_END : stream_.avail_in > 0 || stream_.avail_out == 0);
    return true;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};

// Null: as it is.
std::unique_ptr<Encoder> EncoderFor(std::string_view name) {
  const std::string_view end = name.substr(std::min(name.rfind('.'), name.size()));
  if (end == ".gz") return std::make_unique<GzipEncoder>();
  if (end == ".zst") return std::make_unique<ZstdEncoder>();
  if (end == ".xz") return std::make_unique<XzEncoder>();
  return nullptr;
}

class File : public OutputFile, private std::streambuf {
 public:
  explicit File(const std::string& name)
      : file_(name, std::ios::binary | std::ios::trunc), encoder_(EncoderFor(name)), buffer_(kBuffer), stream_(this) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }

  bool opened() const { return file_.is_open(); }
  std::ostream& stream() override { return stream_; }
  absl::Status Close() override {
    const bool written = Send(Then::kEnd);
    file_.close();
    return written && stream_ && file_ ? absl::OkStatus() : absl::InvalidArgumentError("could not be written");
  }

 private:
  int_type overflow(int_type c) override {
    if (!Send(Then::kMore)) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }

  // What was written so far can be read from now on.
  int sync() override {
    if (pptr() == pbase() && !unpacked_) return 0;
    return Send(Then::kPause) && file_.flush() ? 0 : -1;
  }

  bool Send(Then then) {
    const std::string_view text(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    unpacked_ = then == Then::kMore;
    if (encoder_ == nullptr) {
      file_.write(text.data(), static_cast<std::streamsize>(text.size()));
    } else {
      packed_.clear();
      if (!encoder_->Run(text, then, &packed_)) return false;
      file_.write(packed_.data(), static_cast<std::streamsize>(packed_.size()));
    }
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return static_cast<bool>(file_);
  }

  std::ofstream file_;
  const std::unique_ptr<Encoder> encoder_;
  std::vector<char> buffer_;
  std::string packed_;
  bool unpacked_ = false;  // the encoder may hold something back
  std::ostream stream_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OpenOutputFile(const std::string& file) {
  auto output = std::make_unique<File>(file);
  if (!output->opened()) return absl::InvalidArgumentError("cannot be written");
  return output;
}

}  // namespace epslice::sim

#include "informers/http/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace epslice {

struct Gunzip::Impl {
  z_stream stream{};
  bool ended = false;
};

Gunzip::Gunzip() : impl_(std::make_unique<Impl>()) {
  // 16: gzip's header and checksum, no other form.
  if (inflateInit2(&impl_->stream, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(&impl_->stream); }

bool Gunzip::ended() const { return impl_->ended; }

Gunzip::Result Gunzip::Feed(std::string_view bytes, std::size_t max_bytes, std::string* out) {
  constexpr std::size_t kChunk = std::size_t{64} << 10;
  z_stream& stream = impl_->stream;
  while (!bytes.empty()) {
    // One member, and nothing after it: no API server sends more.
    if (impl_->ended) return Result::kDamaged;
    const std::size_t part = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(part);
    for (bool full = true; full && !impl_->ended;) {
      const std::size_t before = out->size();
      out->resize(before + kChunk);
      stream.next_out = reinterpret_cast<Bytef*>(out->data() + before);
      stream.avail_out = static_cast<uInt>(kChunk);
      const int rc = inflate(&stream, Z_NO_FLUSH);
      full = stream.avail_out == 0;
      out->resize(before + kChunk - stream.avail_out);
      if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) return Result::kDamaged;
      if (out->size() > max_bytes) return Result::kTooLong;
      impl_->ended = rc == Z_STREAM_END;
    }
    bytes.remove_prefix(part - stream.avail_in);
  }
  return Result::kMore;
}

}  // namespace epslice

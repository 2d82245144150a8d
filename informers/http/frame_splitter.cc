#include "informers/http/frame_splitter.h"

#include <algorithm>

namespace epslice {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::size_t Length(std::string_view bytes) {
  std::size_t length = 0;
  for (const char c : bytes.substr(0, kLengthBytes)) length = length << 8 | static_cast<unsigned char>(c);
  return length;
}

}  // namespace

FrameSplitter::Result FrameSplitter::Feed(std::string_view bytes,
                                          const std::function<bool(std::string_view)>& on_frame) {
  // Moves what is missing to `size` bytes over to partial_; false: not there.
  const auto complete = [&](std::size_t size) {
    const std::size_t n = std::min(bytes.size(), size - std::min(size, partial_.size()));
    partial_.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    return partial_.size() >= size;
  };
  while (!bytes.empty()) {
    // A frame that lies whole in `bytes` is not copied.
    if (partial_.empty() && bytes.size() >= kLengthBytes) {
      const std::size_t length = Length(bytes);
      if (length > max_frame_bytes_) return Result::kTooLong;
      if (bytes.size() - kLengthBytes >= length) {
        if (!on_frame(bytes.substr(kLengthBytes, length))) return Result::kStopped;
        bytes.remove_prefix(kLengthBytes + length);
        continue;
      }
    }
    if (!complete(kLengthBytes)) break;
    const std::size_t length = Length(partial_);
    if (length > max_frame_bytes_) return Result::kTooLong;
    if (!complete(kLengthBytes + length)) break;
    const bool go_on = on_frame(std::string_view(partial_).substr(kLengthBytes));
    partial_.clear();
    if (!go_on) return Result::kStopped;
  }
  return Result::kMore;
}

}  // namespace epslice

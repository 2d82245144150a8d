#include "informers/http/line_splitter.h"

namespace epslice {

LineSplitter::Result LineSplitter::Feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (partial_.size() + piece.size() > max_line_bytes_) return Result::kTooLong;
    if (end == std::string_view::npos) {
      partial_ += piece;
      return Result::kMore;
    }
    bytes.remove_prefix(end + 1);
    // Only a line that came in pieces is copied.
    std::string_view line = piece;
    if (!partial_.empty()) {
      partial_ += piece;
      line = partial_;
    }
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool blank = line.find_first_not_of(" \t\r") == std::string_view::npos;
    const bool go_on = blank || on_line(line);
    partial_.clear();
    if (!go_on) return Result::kStopped;
  }
  return Result::kMore;
}

}  // namespace epslice

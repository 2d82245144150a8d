// LineSplitter: the frames of a JSON watch, one to a line, out of a stream
// that comes in pieces of any size.
#ifndef EPSLICE_INFORMERS_HTTP_LINE_SPLITTER_H_
#define EPSLICE_INFORMERS_HTTP_LINE_SPLITTER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace epslice {

// Not thread-safe.
class LineSplitter {
 public:
  enum class Result {
    kMore,     // all lines so far were taken
    kStopped,  // `on_line` said so
    kTooLong,  // a line longer than allowed: the stream is of no use any more
  };

  explicit LineSplitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Calls `on_line` for each complete line, without its end ("\n" or "\r\n"),
  // blank lines left out, until it returns false. The text is valid during the
  // call only. After anything but kMore do not feed again.
  Result Feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);

  // A line was begun and not ended.
  bool has_partial() const { return partial_.find_first_not_of(" \t\r") != std::string::npos; }

 private:
  const std::size_t max_line_bytes_;
  std::string partial_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_LINE_SPLITTER_H_

// FrameSplitter: the frames of a protobuf watch, each after its length in four
// bytes (most significant first), out of a stream that comes in pieces of any
// size.
#ifndef EPSLICE_INFORMERS_HTTP_FRAME_SPLITTER_H_
#define EPSLICE_INFORMERS_HTTP_FRAME_SPLITTER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace epslice {

// Not thread-safe.
class FrameSplitter {
 public:
  enum class Result {
    kMore,     // all frames so far were taken
    kStopped,  // `on_frame` said so
    kTooLong,  // a frame longer than allowed: the stream is of no use any more
  };

  explicit FrameSplitter(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Calls `on_frame` for each complete frame, without its length, until it
  // returns false. The bytes are valid during the call only. After anything
  // but kMore do not feed again.
  Result Feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_frame);

  // A frame was begun and not ended.
  bool has_partial() const { return !partial_.empty(); }

 private:
  const std::size_t max_frame_bytes_;
  std::string partial_;  // length and beginning of a frame that is not complete
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_FRAME_SPLITTER_H_

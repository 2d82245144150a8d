// WatchDecoder: the bytes of a watch's answer as events, in JSON (one to a
// line) or protobuf (frames with lengths), as its Content-Type says.
#ifndef EPSLICE_INFORMERS_HTTP_WATCH_DECODER_H_
#define EPSLICE_INFORMERS_HTTP_WATCH_DECODER_H_

#include <cstddef>
#include <functional>
#include <string_view>

#include "apis/request.h"
#include "apis/written_slices.h"
#include "informers/http/frame_splitter.h"
#include "informers/http/line_splitter.h"

namespace epslice {

// Not thread-safe.
class WatchDecoder {
 public:
  // `written`: whose echoes may come, in protobuf (null: nobody's); must outlive
  // this.
  WatchDecoder(Kind kind, std::size_t max_event_bytes, bool keep_json, WrittenSlices* written = nullptr);

  // What the head said; JSON until then.
  void set_content_type(std::string_view content_type);
  // Calls `on_event` for each complete event until it returns false. False:
  // stop reading, for the reason in stopped() or failure().
  bool Feed(std::string_view bytes, const std::function<bool(const WatchEvent&)>& on_event);

  // `on_event` wanted no more.
  bool stopped() const { return stopped_; }
  // Not ok: the stream is of no use. Never code 0, after which a watcher would
  // resume and meet the same event again.
  const Status& failure() const { return failure_; }
  // The stream may not end here: an event was begun.
  bool has_partial() const { return protobuf_ ? frames_.has_partial() : lines_.has_partial(); }

 private:
  void Fail(std::string_view why);

  const Kind kind_;
  const std::size_t max_event_bytes_;
  const bool keep_json_;
  WrittenSlices* const written_;
  bool protobuf_ = false;
  bool stopped_ = false;
  Status failure_;
  LineSplitter lines_;
  FrameSplitter frames_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_WATCH_DECODER_H_

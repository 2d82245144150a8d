#include "informers/http/watch_decoder.h"

#include <string>

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/protobuf.h"
#include "apis/status_text.h"
#include "apis/written_slices.h"
#include "informers/http/http_routes.h"

namespace epslice {

WatchDecoder::WatchDecoder(Kind kind, std::size_t max_event_bytes, bool keep_json, WrittenSlices* written)
    : kind_(kind),
      max_event_bytes_(max_event_bytes),
      keep_json_(keep_json),
      written_(written),
      lines_(max_event_bytes),
      frames_(max_event_bytes) {}

void WatchDecoder::set_content_type(std::string_view content_type) {
  protobuf_ = FormatOf(content_type) == WireFormat::kProtobuf;
}

void WatchDecoder::Fail(std::string_view why) {
  failure_ = StatusUnreachable(why);
  failure_.reason = "InvalidResponse";
  failure_.code = 502;
}

bool WatchDecoder::Feed(std::string_view bytes, const std::function<bool(const WatchEvent&)>& on_event) {
  const auto on_bytes = [&](std::string_view event_bytes) {
    const absl::StatusOr<WatchEvent> event = protobuf_ ? DecodeWatchEventProtobuf(kind_, event_bytes, {}, written_)
                                                       : DecodeWatchEventJson(kind_, event_bytes, keep_json_);
    if (!event.ok()) {
      Fail(MessageOf(event.status()));
      return false;
    }
    stopped_ = !on_event(*event);
    return !stopped_;
  };
  bool more = false;
  bool too_long = false;
  if (protobuf_) {
    const FrameSplitter::Result result = frames_.Feed(bytes, on_bytes);
    more = result == FrameSplitter::Result::kMore;
    too_long = result == FrameSplitter::Result::kTooLong;
  } else {
    const LineSplitter::Result result = lines_.Feed(bytes, on_bytes);
    more = result == LineSplitter::Result::kMore;
    too_long = result == LineSplitter::Result::kTooLong;
  }
  if (too_long) Fail(Cat({"a watch event of more than ", std::to_string(max_event_bytes_), " bytes"}));
  return more;
}

}  // namespace epslice

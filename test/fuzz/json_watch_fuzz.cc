// One frame of a watch as JSON: the first byte says of which kind its objects
// are. What can be read is written and read again, and written the same. The
// Status in an ERROR frame is read on its own as well.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apis/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const epslice::Kind kind = epslice::kAllKinds[data[0] % epslice::kAllKinds.size()];
  const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  const absl::StatusOr<epslice::WatchEvent> event = epslice::DecodeWatchEventJson(kind, json, false);
  if (event.ok()) {
    const std::string text = epslice::EncodeWatchEventJson(kind, *event);
    const absl::StatusOr<epslice::WatchEvent> again = epslice::DecodeWatchEventJson(kind, text, false);
    if (!again.ok() || again->type != event->type) abort();
    if (epslice::EncodeWatchEventJson(kind, *again) != text) abort();
    if (event->type == epslice::WatchEventType::kError && event->status.ok() != again->status.ok()) abort();
  }
  const absl::StatusOr<epslice::Status> status = epslice::DecodeStatusJson(json);
  if (status.ok()) {
    const absl::StatusOr<epslice::Status> again = epslice::DecodeStatusJson(epslice::EncodeJson(*status));
    if (!again.ok() || epslice::EncodeJson(*again) != epslice::EncodeJson(*status)) abort();
  }
  return 0;
}

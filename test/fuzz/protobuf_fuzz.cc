// Protobuf from anywhere: the first byte says which kind, the second which
// door (object, list, watch frame, Status). What can be read is written and
// read again, and written the same; errors are one line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "test/fuzz/check.h"

namespace epslice {
namespace {

using fuzz::Check;

// Bounds that an input of a few KB can reach.
constexpr ProtobufLimits kLimits = {.max_bytes = std::size_t{1} << 20, .max_elements = 1000};

void CheckError(const absl::Status& status) {
  Check(status.code() == absl::StatusCode::kInvalidArgument, "errors are InvalidArgument");
  Check(!status.message().empty(), "errors say something");
  Check(status.message().find('\n') == absl::string_view::npos, "errors are one line");
}

void TryObject(Kind kind, std::string_view bytes) {
  const absl::StatusOr<AnyObject> object = DecodeObjectProtobuf(kind, bytes, kLimits);
  if (!object.ok()) return CheckError(object.status());
  const std::string written = EncodeProtobuf(*object);
  const absl::StatusOr<AnyObject> again = DecodeObjectProtobuf(kind, written);
  Check(again.ok(), "what was written can be read");
  Check(EncodeProtobuf(*again) == written, "it is written the same again");
  // The JSON of the object, read, is the same object.
  std::string json;
  AppendJson(*object, &json);
  const absl::StatusOr<AnyObject> twin = DecodeObjectJson(kind, json, false);
  Check(twin.ok(), "its JSON can be read");
  std::string json_again;
  AppendJson(*twin, &json_again);
  Check(json == json_again, "its JSON says the same");
}

void TryList(Kind kind, std::string_view bytes) {
  const absl::StatusOr<ObjectList> list = DecodeListProtobuf(kind, bytes, kLimits);
  if (!list.ok()) return CheckError(list.status());
  const std::string written = EncodeListProtobuf(kind, *list);
  const absl::StatusOr<ObjectList> again = DecodeListProtobuf(kind, written);
  Check(again.ok(), "a list that was written can be read");
  Check(again->items.size() == list->items.size(), "with as many items");
  Check(EncodeListProtobuf(kind, *again) == written, "a list is written the same again");
}

void TryFrame(Kind kind, std::string_view bytes) {
  const absl::StatusOr<WatchEvent> event = DecodeWatchEventProtobuf(kind, bytes, kLimits);
  if (!event.ok()) return CheckError(event.status());
  const std::string written = EncodeWatchEventProtobuf(kind, *event);
  const absl::StatusOr<WatchEvent> again = DecodeWatchEventProtobuf(kind, written);
  Check(again.ok() && again->type == event->type, "a frame that was written can be read");
  Check(EncodeWatchEventProtobuf(kind, *again) == written, "a frame is written the same again");
}

void TryStatus(std::string_view bytes) {
  const absl::StatusOr<Status> status = DecodeStatusProtobuf(bytes, kLimits);
  if (!status.ok()) return CheckError(status.status());
  const absl::StatusOr<Status> again = DecodeStatusProtobuf(EncodeProtobuf(*status));
  Check(again.ok() && *again == *status, "a Status that was written reads back equal");
}

}  // namespace
}  // namespace epslice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const epslice::Kind kind = epslice::kAllKinds[data[0] % epslice::kAllKinds.size()];
  const std::string_view bytes = epslice::fuzz::Input(data + 2, size - 2);
  switch (data[1] % 4) {
    case 0: epslice::TryObject(kind, bytes); break;
    case 1: epslice::TryList(kind, bytes); break;
    case 2: epslice::TryFrame(kind, bytes); break;
    default: epslice::TryStatus(bytes); break;
  }
  return 0;
}

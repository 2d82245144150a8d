// Objects <-> the API's protobuf form (application/vnd.kubernetes.protobuf).
//
// An object or a list is the four bytes "k8s\0" and a runtime.Unknown, which
// names apiVersion and kind and holds the message. The structs come out equal
// to those of the JSON decoder (apis/json.h), and share as much memory.
// Decoding checks what it reads: bounds, wire types, UTF-8, ranges; depth is
// that of the messages we know, since others are skipped without looking in.
// Errors are InvalidArgument with one line that names the object and the field
// ("Pod shop/a: spec.nodeName: is a number, not text"). Nothing throws.
// Empty fields that are no pointers in Go are absent in JSON, and are here.
// One thing protobuf cannot say: a Service selector that is empty but present
// reads back absent (an API server does not keep it either).
// Reference: k8s.io/apimachinery/pkg/runtime/serializer/protobuf, and
// generated.proto of each API group.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_APIS_PROTOBUF_H_
#define EPSLICE_APIS_PROTOBUF_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "apis/object.h"
#include "apis/request.h"

namespace epslice {

class WrittenSlices;  // written_slices.h

inline constexpr std::string_view kProtobufMediaType = "application/vnd.kubernetes.protobuf";
// Of a watch: frames, each after its length in four bytes, most significant
// first.
inline constexpr std::string_view kProtobufWatchMediaType = "application/vnd.kubernetes.protobuf;stream=watch";

// What stands for an object of which only the metadata was asked for
// (meta/v1 PartialObjectMetadata).
inline constexpr std::string_view kPartialMetadataApiVersion = "meta.k8s.io/v1";
inline constexpr std::string_view kPartialMetadataKind = "PartialObjectMetadata";

struct ProtobufLimits {
  std::size_t max_bytes = std::size_t{1} << 30;  // no more than 2^31 - 1
  // List items, map entries and other repeated elements of one call, together:
  // an element of two bytes may become a struct of some hundred.
  std::size_t max_elements = std::size_t{1} << 23;
};

// Whether the bytes begin as an object in protobuf does.
bool IsProtobuf(std::string_view bytes);

// One object of the given kind. The AnyObject keeps no JSON.
absl::StatusOr<AnyObject> DecodeObjectProtobuf(Kind kind, std::string_view bytes, const ProtobufLimits& limits = {});
// The same, but of an EndpointSlice no more than its metadata: the endpoints of
// an answer to a write are known to who wrote them. What an API server makes of
// an object that was asked for "as=PartialObjectMetadata" is read, too.
absl::StatusOr<AnyObject> DecodeObjectMetadataProtobuf(Kind kind, std::string_view bytes,
                                                       const ProtobufLimits& limits = {});
// One object of type T: Namespace, Node, Pod, Service, EndpointSlice, Event
// (of core/v1 or events.k8s.io/v1), Lease.
template <typename T>
absl::StatusOr<T> DecodeProtobuf(std::string_view bytes, const ProtobufLimits& limits = {}) {
  absl::StatusOr<AnyObject> object = DecodeObjectProtobuf(T::kKind, bytes, limits);
  if (!object.ok()) return object.status();
  return *object->template As<T>();
}
// A list answer ("PodList") whose items are of the given kind.
absl::StatusOr<ObjectList> DecodeListProtobuf(Kind kind, std::string_view bytes, const ProtobufLimits& limits = {});
// One frame of a watch, without its length. Echoes of what is in `written` (null:
// there are none) share its endpoints' texts.
absl::StatusOr<WatchEvent> DecodeWatchEventProtobuf(Kind kind, std::string_view frame,
                                                    const ProtobufLimits& limits = {},
                                                    WrittenSlices* written = nullptr);
// meta/v1 Status.
absl::StatusOr<Status> DecodeStatusProtobuf(std::string_view bytes, const ProtobufLimits& limits = {});

// Appends the object to `out`: the fields that the struct holds, whatever JSON
// may be kept beside it. Equal objects give equal bytes.
void AppendProtobuf(const Namespace& object, std::string* out);
void AppendProtobuf(const Node& object, std::string* out);
void AppendProtobuf(const Pod& object, std::string* out);
void AppendProtobuf(const Service& object, std::string* out);
void AppendProtobuf(const EndpointSlice& object, std::string* out);
void AppendProtobuf(const Event& object, std::string* out);
void AppendProtobuf(const Lease& object, std::string* out);
void AppendProtobuf(const Status& object, std::string* out);
void AppendProtobuf(const DeleteOptions& options, std::string* out);
void AppendProtobuf(const AnyObject& object, std::string* out);  // must hold one
// The same object as a PartialObjectMetadata.
void AppendMetadataProtobuf(const AnyObject& object, std::string* out);

template <typename T>
std::string EncodeProtobuf(const T& object) {
  std::string out;
  AppendProtobuf(object, &out);
  return out;
}

// How Events are spelt; of no account for other kinds.
enum class EventSpelling { kCore, kEventsV1 };
// An Event as events.k8s.io/v1 has it.
std::string EncodeEventsV1Protobuf(const Event& event);
// A list answer with its items; `kind` names the items.
std::string EncodeListProtobuf(Kind kind, const ObjectList& list, EventSpelling spelling = EventSpelling::kCore);
// One frame of a watch, without its length. `kind` is needed for bookmarks.
std::string EncodeWatchEventProtobuf(Kind kind, const WatchEvent& event, EventSpelling spelling = EventSpelling::kCore);
// Appends the frame after its length.
void AppendWatchFrame(std::string_view frame, std::string* out);

}  // namespace epslice

#endif  // EPSLICE_APIS_PROTOBUF_H_

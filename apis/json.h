// Objects <-> JSON.
//
// Decoding checks what it reads: the size and depth of the text, UTF-8, the
// type of every field we know. Errors are InvalidArgument with one line that
// names the object and the field ("Pod shop/a: spec.nodeName: is a number,
// not a string"), or the place where the text is no JSON ("line 3, column 7:
// expected ':', found '}'"). Fields we do not know are skipped; null counts as
// absent; of equal keys in one object the last one counts. Times are cut to
// what the API keeps: seconds, and microseconds in Leases and Event.eventTime.
// Encoding writes fields in a fixed order and maps sorted by key: equal
// objects give equal bytes. Absent optional fields are left out.
// Thread-safety: functions without shared state (parsers are per thread).
#ifndef EPSLICE_APIS_JSON_H_
#define EPSLICE_APIS_JSON_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apis/object.h"
#include "apis/request.h"

namespace epslice {

struct JsonLimits {
  std::size_t max_bytes = std::size_t{1} << 30;  // no more than 2^31 - 1
  // Nesting of objects and arrays; an empty one is no level. No more than 1000.
  std::size_t max_depth = 64;
};

// One object of type T: Namespace, Node, Pod, Service, EndpointSlice, Event,
// Lease. kind and apiVersion may be absent (list items have none) but must
// not name another kind.
template <typename T>
absl::StatusOr<T> DecodeJson(std::string_view json, const JsonLimits& limits = {});

// One object of the given kind. `keep_json`: also keep the text (minified).
absl::StatusOr<AnyObject> DecodeObjectJson(Kind kind, std::string_view json, bool keep_json,
                                           const JsonLimits& limits = {});

// A list answer ("PodList") whose items are of the given kind.
absl::StatusOr<ObjectList> DecodeListJson(Kind kind, std::string_view json, bool keep_json,
                                          const JsonLimits& limits = {});

// One frame of a watch: {"type": ..., "object": ...}.
absl::StatusOr<WatchEvent> DecodeWatchEventJson(Kind kind, std::string_view json, bool keep_json,
                                                const JsonLimits& limits = {});

// meta/v1 Status.
absl::StatusOr<Status> DecodeStatusJson(std::string_view json, const JsonLimits& limits = {});

// What a dump holds: visits every object in a JSON text that may be a single
// object, a List of mixed kinds, a typed list ("PodList"), or several of these
// one after another (concatenated or newline-delimited).
struct DumpVisitor {
  // A document (a single object or a list) begins. Optional.
  std::function<void()> document;
  // An object of a kind we speak. A non-ok return stops and is returned.
  std::function<absl::Status(AnyObject object)> object;
  // An object of another kind.
  std::function<void(std::string_view api_version, std::string_view kind)> other;
  // Instead of that, of a kind that `wants_text` says yes to: the object as it
  // is (minified); of a typed list it may lack apiVersion and kind. Optional.
  std::function<bool(std::string_view api_version, std::string_view kind)> wants_text;
  std::function<absl::Status(std::string_view api_version, std::string_view kind, std::string json)> text;
  bool keep_json = false;
};
absl::Status VisitDumpJson(std::string_view json, const DumpVisitor& visitor, const JsonLimits& limits = {});

// Appends the object, with apiVersion and kind, to `out`.
void AppendJson(const Namespace& object, std::string* out);
void AppendJson(const Node& object, std::string* out);
void AppendJson(const Pod& object, std::string* out);
void AppendJson(const Service& object, std::string* out);
void AppendJson(const EndpointSlice& object, std::string* out);
void AppendJson(const Event& object, std::string* out);
void AppendJson(const Lease& object, std::string* out);
void AppendJson(const Status& object, std::string* out);
// The kept JSON if there is one, else the struct.
void AppendJson(const AnyObject& object, std::string* out);

template <typename T>
std::string EncodeJson(const T& object) {
  std::string out;
  AppendJson(object, &out);
  return out;
}

// A list answer with its items; `kind` names the items.
std::string EncodeListJson(Kind kind, const ObjectList& list);
// One watch frame, without a line end. `kind` is needed for bookmarks.
std::string EncodeWatchEventJson(Kind kind, const WatchEvent& event);
// events.k8s.io/v1 spelling of an event.
std::string EncodeEventsV1Json(const Event& event);

}  // namespace epslice

#endif  // EPSLICE_APIS_JSON_H_

// Pods and Nodes whole, in protobuf: from the JSON that is kept beside them,
// field by field, as a kube-apiserver sends them. So what a controller gets
// from `serve` is as long as what it gets from a cluster, and of the same
// shape. Other kinds are sent as their structs have them (apis/protobuf.h),
// which know nearly all their fields.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_SIM_SERVE_PROTOBUF_WHOLE_H_
#define EPSLICE_SIM_SERVE_PROTOBUF_WHOLE_H_

#include <string>

#include "apis/object.h"
#include "apis/protobuf.h"
#include "apis/request.h"
#include "sim/serve/protobuf_schema.h"

namespace epslice::sim {

// As those of apis/protobuf.h. An object without JSON, or with JSON that does
// not fit its kind, is written from its struct.
void AppendWholeProtobuf(const AnyObject& object, std::string* out);
std::string EncodeWholeListProtobuf(Kind kind, const ObjectList& list, EventSpelling spelling);
std::string EncodeWholeWatchEventProtobuf(Kind kind, const WatchEvent& event, EventSpelling spelling);

namespace protobuf {

// The fields of a Pod or Node; null for other kinds. It lives as long as the
// program.
const Message* WholeMessageOf(Kind kind);
// Appends the message of a JSON object. False where the JSON is none, or a
// field is of another type.
bool AppendMessage(const Message& message, const std::string& json, std::string* out);

}  // namespace protobuf
}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_PROTOBUF_WHOLE_H_

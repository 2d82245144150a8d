// Request bodies in the API's protobuf form, as kubectl's create commands and
// Go controllers send them, into JSON. Pure.
//
// The envelope is the four bytes "k8s\0" and a runtime.Unknown. Read are
// Namespace, Service, EndpointSlice, Event (both spellings), Lease, Binding,
// Eviction, DeleteOptions, ServiceAccount, TokenRequest, roles, their bindings, and reviews;
// and Pods and Nodes, unless they have one of the rare fields that are not in the
// tables (protobuf_whole.h): those are refused, and not stored without it.
// (apis/protobuf.h reads every kind, but only the fields we use: what is stored
// here must be all that came.)
// Empty values of fields that are no pointers in Go are left out.
#ifndef EPSLICE_SIM_SERVE_PROTOBUF_BODY_H_
#define EPSLICE_SIM_SERVE_PROTOBUF_BODY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice::sim {

// The object as JSON text, with apiVersion and kind. InvalidArgument where the
// bytes are malformed; Unimplemented for a kind, or a field of a Pod or Node,
// that is not read.
absl::StatusOr<std::string> ProtobufToJson(std::string_view body);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_PROTOBUF_BODY_H_

// Requests as HTTP, and HTTP answers as Responses. Pure: no socket, no clock.
//
// Paths and queries are those of the Kubernetes API conventions:
// /api/v1/... and /apis/<group>/<version>/..., "namespaces/<ns>/" for what
// lives in one, then resource, name and subresource. Everything that comes
// from a Request is percent-encoded; a name that would change the path ("..")
// is refused.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_HTTP_ROUTES_H_
#define EPSLICE_INFORMERS_HTTP_HTTP_ROUTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "apis/request.h"

namespace epslice {

// How objects are written: application/json, or protobuf (apis/protobuf.h).
enum class WireFormat : std::uint8_t { kJson, kProtobuf };
// What a Content-Type says; what it does not know counts as JSON.
WireFormat FormatOf(std::string_view content_type);

struct HttpRequest {
  std::string method;        // "GET", ...
  std::string target;        // path and query, encoded
  std::string content_type;  // of the body; empty without one
  std::string body;
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::string retry_after;        // the header, as it came
  std::string content_type = {};  // the same; says how `body` is read
};

// A server's address, taken apart.
struct HttpEndpoint {
  std::string host;  // without the brackets of an IPv6 address; with its zone: "fe80::1%eth0"
  int port = 80;
  std::string prefix;  // "" or "/path", put before every target
  bool tls = false;    // https
};

// "http://host[:port][/path]", or https. The zone of an IPv6 address is written as in
// "https://[fe80::1%25eth0]:6443". InvalidArgument for anything else; the message
// does not hold what may be a password.
absl::StatusOr<HttpEndpoint> ParseHttpUrl(std::string_view url);

// InvalidArgument when the request lacks what its path needs (a name, a
// namespace, an object), or has what has no place in one.
// `format`: of the body, if that can be. Always JSON are patches, subresources,
// objects that keep their JSON, and Pods and Nodes, of which a struct holds too
// little to be written over anything.
absl::StatusOr<HttpRequest> ToHttpRequest(const Request& request, std::string_view prefix = "",
                                          WireFormat format = WireFormat::kJson);
// The Accept header of a request whose answer should come in `format`. JSON is
// taken, too, where a server has no other. `metadata_suffices`: of an object
// that is written in protobuf, its metadata alone is asked for (an API server
// gives it as PartialObjectMetadata, as it does to client-go's metadata client;
// the whole object is taken where it does not).
std::string_view AcceptHeader(Verb verb, WireFormat format, bool metadata_suffices = false);

// What the server said. A body that cannot be read gives status.code 0 for
// 2xx (reason "InvalidResponse"): for a write the outcome is then unknown. An
// error without a readable Status in its body gets one made from the code.
// `keep_json`: objects also keep their text, if they came as JSON.
// `metadata_suffices`: of an EndpointSlice that was written no more need be read.
Response FromHttpReply(const Request& request, const HttpReply& reply, bool keep_json = false,
                       bool metadata_suffices = false);

// The Status of an answer that is no success, for watches.
Status StatusFromHttpError(const HttpReply& reply);

// Bytes outside RFC 3986's unreserved characters as %XX.
std::string PercentEncode(std::string_view s);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_ROUTES_H_

// From an HTTP method and target to a Request: which path means what.
//
// Pure: no socket, no server. Paths and query parameters are those of the
// Kubernetes API (reference: API concepts, "Resource URIs"); of the resources
// only the kinds of apis/kind.h are served. Targets come from anybody: length
// and escapes are checked here.
#ifndef EPSLICE_SIM_SERVE_ROUTES_H_
#define EPSLICE_SIM_SERVE_ROUTES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/request.h"

namespace epslice::sim {

// Bytes of a request target (path and query) that are looked at; longer ones
// are answered 414.
inline constexpr std::size_t kMaxTargetBytes = 8192;

// What goes along with the objects in the rows of a Table (includeObject).
enum class IncludeObject { kMetadata, kObject, kNone };

struct Route {
  enum class Target {
    kUnknown,  // no such path: 404 in plain text
    // A document of the server itself (discovery, version, health), or a kind
    // that it keeps as documents (kept_documents.h).
    kDocument,
    kResource,  // `request` says the rest
    kRefused,   // `status` says why: wrong method, wrong parameter
  };
  Target target = Target::kUnknown;
  std::string path;  // percent-decoded, without a trailing slash
  std::vector<std::pair<std::string, std::string>> query;
  // kResource. Object, patch and the body's part of DeleteOptions are still to
  // be filled in from the body.
  Request request;
  bool delete_collection = false;  // verb is kDelete then, without a name; answers a list
  bool events_v1 = false;          // events.k8s.io/v1 spelling of an Event
  IncludeObject include_object = IncludeObject::kMetadata;
  Status status;  // kRefused

  // The first value of a query parameter; "" when absent.
  std::string_view Query(std::string_view key) const;
  bool HasQuery(std::string_view key) const;
  // "?watch", "?watch=true".
  bool WantsWatch() const;
};

// `method` in capitals, `target` as in the request line ("/api/v1/pods?limit=5").
Route ParseRoute(std::string_view method, std::string_view target);

// The parameters of the query into `route`, as of a resource of ours: those of
// lists, watches, deletes and Tables. An error (400) where one is no good.
Status ReadParameters(Route* route);

// Decodes %XX (and "+" as a space, in queries). False on a broken escape or a
// NUL byte.
bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out);

// What the API server answers to a method a resource does not have (405).
Status StatusNoSuchMethod();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_ROUTES_H_

// The seam to an API server: requests and responses as values.
//
// Everything that talks to an API server makes a Request and reads a Response
// or WatchEvents. Who carries them: informers/http (blocking, over sockets),
// sim/cluster MemoryApiServer (at once, in memory), a fault injector over
// either. Nothing in here has a thread, a clock or a socket.
#ifndef EPSLICE_APIS_REQUEST_H_
#define EPSLICE_APIS_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apis/kind.h"
#include "apis/object.h"

namespace epslice {

enum class Verb : std::uint8_t { kGet, kList, kWatch, kCreate, kUpdate, kPatch, kDelete };
std::string_view VerbName(Verb verb);  // "get", "list", ...

enum class PatchType : std::uint8_t { kMerge, kStrategicMerge, kJson };

struct ListOptions {
  // List: "" is "most recent", "0" is "any". Watch: start after this version.
  std::string resourceVersion;
  std::string resourceVersionMatch;  // "", "Exact", "NotOlderThan"
  std::string labelSelector;
  std::string fieldSelector;
  std::int64_t limit = 0;  // 0: no paging
  std::string continueToken;
  // Watch only.
  bool allowWatchBookmarks = false;
  std::optional<bool> sendInitialEvents;
  std::int64_t timeoutSeconds = 0;  // 0: the server's choice
  friend bool operator==(const ListOptions&, const ListOptions&) = default;
};

struct DeleteOptions {
  std::optional<std::int64_t> gracePeriodSeconds;
  std::string preconditionUid;
  std::string preconditionResourceVersion;
  std::string propagationPolicy;  // "", "Background", "Foreground", "Orphan"
  friend bool operator==(const DeleteOptions&, const DeleteOptions&) = default;
};

struct Request {
  Verb verb = Verb::kGet;
  Kind kind = Kind::kService;
  std::string namespace_;  // empty: cluster-scoped, or all namespaces for list and watch
  std::string name;
  // "", "status", "binding" (create: `object` is a Pod with the nodeName to
  // bind to), "eviction" (create: `deletion` says how, there is no `object`).
  std::string subresource;
  // Create, update: the object. An update whose metadata.resourceVersion is
  // empty is unconditional.
  AnyObject object;
  ListOptions list;
  DeleteOptions deletion;
  PatchType patchType = PatchType::kMerge;
  std::string patch;
  // Create, update, patch, delete: checked and answered as ever, but nothing is
  // stored (dryRun=All).
  bool dryRun = false;
  // Of kind Event: by the API group events.k8s.io/v1, not core v1. A transport
  // that knows one group only may ignore it.
  bool eventsV1 = false;
  // Who asks, for the server's log and its managedFields.
  std::string userAgent;
};

// meta/v1 StatusCause.
struct StatusCause {
  std::string reason;  // JSON "reason": "FieldValueInvalid", "NamespaceTerminating"
  std::string message;
  std::string field;
  friend bool operator==(const StatusCause&, const StatusCause&) = default;
};

// meta/v1 Status, and what of HTTP matters beside it. The default is success.
struct Status {
  // HTTP status: 200, 201, 404, ... 0: no answer came, so the outcome of a
  // write is unknown (connection lost, time-out, cancelled).
  int code = 200;
  std::string reason;  // "NotFound", "Conflict", "Expired", ...
  std::string message;
  std::string detailsName;
  std::string detailsGroup;
  std::string detailsKind;  // the resource, as the API server fills it: "pods"
  std::string detailsUid;
  std::vector<StatusCause> causes;
  std::int64_t retryAfterSeconds = 0;

  bool ok() const { return code >= 200 && code < 300; }
  bool HasCause(std::string_view cause_reason) const;
  // One line for logs: "409 Conflict: the object has been modified".
  std::string ToString() const;
  friend bool operator==(const Status&, const Status&) = default;
};

inline constexpr std::string_view kCauseNamespaceTerminating = "NamespaceTerminating";

// Statuses an API server answers with; `resource` is the plural name.
Status StatusNotFound(Kind kind, std::string_view name);
Status StatusAlreadyExists(Kind kind, std::string_view name);
Status StatusConflict(Kind kind, std::string_view name, std::string_view why);
Status StatusExpired(std::string_view why);                                               // 410, reason Expired
Status StatusBadRequest(std::string_view why);                                            // 400
Status StatusInvalid(Kind kind, std::string_view name, std::vector<StatusCause> causes);  // 422
Status StatusUnreachable(std::string_view why);                                           // code 0

struct Response {
  Status status;
  AnyObject object;  // get, create, update, patch; delete: the object, if it still exists or existed
  ObjectList list;   // list
};

enum class WatchEventType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
std::string_view WatchEventTypeName(WatchEventType type);  // "ADDED", ...

struct WatchEvent {
  WatchEventType type = WatchEventType::kAdded;
  AnyObject object;               // added, modified, deleted
  std::string resourceVersion;    // bookmark
  bool initialEventsEnd = false;  // bookmark annotated k8s.io/initial-events-end
  Status status;                  // error
};

// One line naming the request, for logs and errors: "PUT endpointslices shop/a-x7k2p".
std::string DescribeRequest(const Request& request);

}  // namespace epslice

#endif  // EPSLICE_APIS_REQUEST_H_

// ApiHandler: one HTTP request to the API, as values: what to answer.
//
// Everything between the bytes of HTTP and the MemoryApiServer: routing,
// negotiation, bodies, errors as Statuses. No sockets, so that tests can ask
// it directly; http_server.h puts it on the network.
#ifndef EPSLICE_SIM_SERVE_API_HANDLER_H_
#define EPSLICE_SIM_SERVE_API_HANDLER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/cluster/rbac.h"
#include "sim/serve/access_control.h"
#include "sim/serve/issued_tokens.h"
#include "sim/serve/negotiate.h"
#include "sim/serve/routes.h"
#include "sim/serve/token_request.h"
#include "sim/serve/watch_stream.h"

namespace epslice::sim {

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/api/v1/pods?limit=500"
  std::string accept;
  std::string content_type;
  std::string user_agent;
  std::string body;
  UserInfo user;  // whom it comes from
};

// What a body says, before it was encoded: one object, a list, or else a Status.
struct Answered {
  Status status = {};
  AnyObject object = {};
  bool metadata_only = false;  // of the object
  std::optional<Kind> list_of = {};
  ObjectList list = {};
};

struct HttpAnswer {
  int code = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // A watch to start, whose frames are the body. The rest is empty then.
  std::optional<WatchPlan> watch;
  // For the audit log. None: the body alone says it, or nothing was decided.
  std::optional<Answered> said;
  std::optional<AccessDecision> decision;
};

// How service accounts get tokens; without `tokens` not at all.
struct TokenIssuing {
  IssuedTokens* tokens = nullptr;
  TokenRequestLimits limits = {};
};

// Thread-safe.
class ApiHandler {
 public:
  // All must outlive the handler. `clock` tells what ages are counted to.
  // `access` decides what the request's user may do, `documents` has the kinds
  // that are kept as documents.
  // `protobuf`: answer in protobuf who asks for it. Such answers carry what the
  // structs of apis/ hold, not the whole object, which JSON does.
  ApiHandler(const Clock* clock, MemoryApiServer* server, DocumentStore* documents, const AccessControl* access,
             bool protobuf = true, TokenIssuing issuing = {})
      : clock_(clock),
        server_(server),
        documents_(documents),
        access_(access),
        protobuf_(protobuf),
        issuing_(issuing) {}

  HttpAnswer Handle(const HttpRequest& request);

 private:
  HttpAnswer HandleRoute(const HttpRequest& http, Route route, ObjectFormat format);
  HttpAnswer HandleResource(const HttpRequest& http, Route route, ObjectFormat format);
  HttpAnswer Encode(const Route& route, Response response, ObjectFormat format) const;

  const Clock* const clock_;
  MemoryApiServer* const server_;
  DocumentStore* const documents_;
  const AccessControl* const access_;
  const bool protobuf_;
  const TokenIssuing issuing_;
};

// A Status as an answer, with the HTTP code and headers it asks for.
HttpAnswer AnswerStatus(const Status& status, ObjectFormat format = ObjectFormat::kJson);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_API_HANDLER_H_

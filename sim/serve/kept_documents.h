// Requests for kinds that are kept as documents (sim/cluster/document_store.h),
// for reviews (reviews.h) and for tokens of service accounts (token_request.h):
// from HTTP, and to it. No sockets.
#ifndef EPSLICE_SIM_SERVE_KEPT_DOCUMENTS_H_
#define EPSLICE_SIM_SERVE_KEPT_DOCUMENTS_H_

#include <optional>

#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/access_control.h"
#include "sim/serve/api_handler.h"
#include "sim/serve/routes.h"

namespace epslice::sim {

// nullopt where the path is of no such kind. `server` knows which namespaces
// there are; `now` is what ages are counted to. Answers are JSON or, to who asks
// for them, Tables.
std::optional<HttpAnswer> AnswerKept(const HttpRequest& http, Route route, const AccessControl& access, Timestamp now,
                                     MemoryApiServer* server, DocumentStore* documents, const TokenIssuing& issuing);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_KEPT_DOCUMENTS_H_

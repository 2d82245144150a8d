// Requests for kinds that are kept as documents (sim/cluster/document_store.h)
// and for reviews (reviews.h): from HTTP, and to it. No sockets.
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
// there are. Answers are JSON, whatever is asked for.
std::optional<HttpAnswer> AnswerKept(const HttpRequest& http, const Route& route, const AccessControl& access,
                                     MemoryApiServer* server, DocumentStore* documents);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_KEPT_DOCUMENTS_H_

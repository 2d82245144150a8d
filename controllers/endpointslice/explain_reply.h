// What the live controller answers to "why are my hints off?": a snapshot of
// its stores, taken under the lock, and the answer, worked out without it.
//
//   query = MakeExplainQuery({{"service", "shop/redis"}, {"output", "json"}});
//   { lock; snapshot = TakeExplainSnapshot(controller, query.service); }
//   reply = ExplainReply(query, snapshot);   // takes as long as it takes
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_EXPLAIN_REPLY_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_EXPLAIN_REPLY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apis/core.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice {

class ServiceController;

struct ExplainQuery {
  std::string service;  // "name" or "namespace/name"; empty: a table of all
  bool json = false;    // output=json; else text
};
// Of a URL's query, decoded: service and output, each at most once.
// InvalidArgument names what is accepted.
absl::StatusOr<ExplainQuery> MakeExplainQuery(const std::vector<std::pair<std::string, std::string>>& parameters);

// Everything shared and immutable.
struct ExplainSnapshot {
  absl::Status status;                 // not ok: there is no such Service, or several
  std::vector<ReconcileInput> inputs;  // one, or all that are managed; in key order
  std::int64_t skipped_services = 0;   // without selector or ExternalName
  std::vector<std::shared_ptr<const Node>> nodes;
  ReconcileConfig config;
};
// For one Service O(its pods + all nodes); for all the same for each. It copies
// pointers only. Under the lock of `controller`.
ExplainSnapshot TakeExplainSnapshot(const ServiceController& controller, std::string_view service);

struct ExplainAnswer {
  int status = 200;  // HTTP: 200, 404 no such Service, 400 a name of several
  std::string content_type;
  std::string body;
};
// An answer that says why there is none: one line of text, or {"error": "..."}.
ExplainAnswer ExplainFailure(int status, std::string_view message, bool json);
// Whether such an answer is to be JSON: for parameters that make no query.
bool WantsJson(const std::vector<std::pair<std::string, std::string>>& parameters);
// Pure. An error is one line of text, or {"error": "..."} in JSON.
ExplainAnswer ExplainReply(const ExplainQuery& query, const ExplainSnapshot& snapshot);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_EXPLAIN_REPLY_H_

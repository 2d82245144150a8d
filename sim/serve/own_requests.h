// A change of the served cluster as the requests that would have made it in a
// real one: by whom, which verb, which body.
//
//   pods        created by the replicaset-controller, bound by kube-scheduler, their
//               status by system:node:NODE, which also ends them
//   nodes       created, and their status written, by themselves; not Ready, and
//               deleted, by the node-controller; all else by kubernetes-admin
//   services    by kubernetes-admin, as are namespaces until they end
//   slices      those at the start by the endpointslice-controller, later ones by
//               kubernetes-admin; deleted by the garbage collector
#ifndef EPSLICE_SIM_SERVE_OWN_REQUESTS_H_
#define EPSLICE_SIM_SERVE_OWN_REQUESTS_H_

#include <string>
#include <vector>

#include "apis/request.h"
#include "sim/cluster/rbac.h"
#include "sim/serve/api_handler.h"

namespace epslice::sim {

struct OwnRequest {
  enum class Body { kObject, kDeleteOptions, kBinding } body = Body::kObject;
  AccessAttributes attributes;
  UserInfo user;
  std::string user_agent;  // "endpointslice-sim/serve/kubelet"
  AnyObject object;        // as the request leaves it; of a delete that ends it, as it was
  std::int64_t grace = 0;  // of a delete, seconds
  bool gone = false;       // a delete after which nothing is left
};

// What the event tells, `before` being the object as it was (empty: not there).
// `for_client`: it comes with the request of a client: what it deletes counts
// alone.
std::vector<OwnRequest> OwnRequestsOf(const WatchEvent& event, const AnyObject& before, Timestamp now, bool for_client);
// As if the object had been created as it is, at the start.
OwnRequest CreateRequestOf(const AnyObject& object);

// "/api/v1/namespaces/shop/pods/a/status"
std::string TargetOf(const AccessAttributes& attributes);
// What is sent, and what is answered.
std::string BodyOf(const OwnRequest& request);
HttpAnswer AnswerOf(const OwnRequest& request);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_OWN_REQUESTS_H_

// Health checks, answered as Kubernetes components answer them.
//
//   /livez            "ok", or 500 and the list of checks
//   /livez?verbose    "[+]ping ok" ... "livez check passed"
//   /livez?exclude=x  leaves a check out
//   /livez/ping       one check: "ok", or 500 and why
// The list withholds reasons, as it is open to everybody; they go to the log.
#ifndef EPSLICE_CONTROLLERS_MANAGER_HEALTH_H_
#define EPSLICE_CONTROLLERS_MANAGER_HEALTH_H_

#include <functional>
#include <string>
#include <vector>

#include "controllers/manager/log.h"
#include "controllers/manager/serving.h"

namespace epslice {

struct HealthCheck {
  std::string name;  // a path segment
  // Empty: healthy; else why not. Called from several threads at once.
  std::function<std::string()> check;
};

// Answers `query` for the endpoint "/livez", "/readyz" or whatever `endpoint`
// is. `log` gets the reasons of failures, at level 2; it may be null.
ServingReply AnswerHealth(const std::string& endpoint, const std::vector<HealthCheck>& checks, const HttpQuery& query,
                          Logger* log);

// Adds `endpoint` and the paths of its checks to `serving`, open to all.
void AddHealthEndpoint(Serving* serving, const std::string& endpoint, std::vector<HealthCheck> checks, Logger* log);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_HEALTH_H_

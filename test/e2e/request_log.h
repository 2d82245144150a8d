// What an API server's log says of the requests it had: the access log of
// endpointslice-sim serve, the audit log of kube-apiserver. Pure.
#ifndef EPSLICE_TEST_E2E_REQUEST_LOG_H_
#define EPSLICE_TEST_E2E_REQUEST_LOG_H_

#include <string>
#include <string_view>
#include <vector>

namespace epslice::e2e {

// One request, in the terms of RBAC.
struct LoggedRequest {
  std::string user;  // "" where the log does not say
  std::string user_agent;
  std::string verb;   // "list", "deletecollection", ...
  std::string group;  // "": core
  std::string resource;
  std::string subresource;
  std::string namespace_;
  std::string name;
  int code = 0;
  bool writes() const { return verb != "get" && verb != "list" && verb != "watch"; }
};

// Lines that are no requests for resources are passed over.
std::vector<LoggedRequest> ReadAccessLog(std::string_view text);
// One event in JSON a line, of level Metadata or above.
std::vector<LoggedRequest> ReadAuditLog(std::string_view text);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_REQUEST_LOG_H_

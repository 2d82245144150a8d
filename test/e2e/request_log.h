// What an API server's log says of the requests it had: the access log of
// endpointslice-sim serve, the audit log of kube-apiserver. Pure.
#ifndef EPSLICE_TEST_E2E_REQUEST_LOG_H_
#define EPSLICE_TEST_E2E_REQUEST_LOG_H_

#include <cstddef>
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
  int code = 0;         // 0: none is known
  std::string message;  // of the answer, where the log has it
  bool writes() const { return verb != "get" && verb != "list" && verb != "watch"; }
};

// Lines that are no requests for resources are passed over.
std::vector<LoggedRequest> ReadAccessLog(std::string_view text);
// One event in JSON a line, of level Metadata or above.
std::vector<LoggedRequest> ReadAuditLog(std::string_view text);

// How many of some writes were done, as far as their codes tell. What a client
// was doing when it was killed may have been done whatever the log says.
struct WriteCount {
  std::ptrdiff_t answered = 0;  // with success
  // Of these: a kube-apiserver says 200, "Connection closed early", of one that
  // ended with its connection before there was an answer.
  std::ptrdiff_t faked = 0;
  // 504 and the like, 499, none: the storage may have had it.
  std::ptrdiff_t unknown = 0;
  std::ptrdiff_t least() const { return answered - faked; }
  std::ptrdiff_t most() const { return answered + unknown; }
};
WriteCount CountWrites(const std::vector<LoggedRequest>& writes);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_REQUEST_LOG_H_

// `serve`: the in-memory API server over HTTP, for kubectl and controllers.
#ifndef EPSLICE_SIM_CLI_SERVE_COMMAND_H_
#define EPSLICE_SIM_CLI_SERVE_COMMAND_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/cli/command.h"

namespace epslice::sim {

// Loads a dump (or nothing) and serves it until SIGINT or SIGTERM.
std::unique_ptr<Command> MakeServeCommand();

// HOST:PORT of --listen; an IPv6 address stands in brackets, port 0 is any free
// one. InvalidArgument: what is wrong and what is accepted.
struct ListenAddress {
  std::string host;
  int port = 0;
  // Of this machine only: 127.0.0.0/8, ::1, localhost.
  bool IsLoopback() const;
  // "http://127.0.0.1:8001", or https.
  std::string Url(bool tls = false) const;
  // An address by which a client on this machine reaches it.
  ListenAddress ForClients() const;
};
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SERVE_COMMAND_H_

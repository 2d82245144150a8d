// HostLookups: addresses of host names, for those who will not wait for ever.
//
// getaddrinfo() cannot be interrupted, and with name servers that are away it takes
// half a minute. So a thread of its own makes the call, and who asked waits for that
// thread for as long as he wants to. A thread that nobody waits for any more goes on
// until the system gives up; who asks for the same host meanwhile waits for the same
// thread. So there is at most one for each host, and kMostLookups of all.
//
// A process may end while such a thread is at work: the thread has nothing but what it
// shares with those who wait.
//
// Thread-safe.
#ifndef EPSLICE_INFORMERS_HTTP_HOST_LOOKUP_H_
#define EPSLICE_INFORMERS_HTTP_HOST_LOOKUP_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"

namespace epslice {

// An address to connect to, as connect(2) takes it.
struct HostAddress {
  int family = 0;     // AF_INET, AF_INET6
  std::string bytes;  // a sockaddr of that family
};

class HostLookups {
 public:
  static constexpr std::size_t kMostLookups = 16;

  // Blocks. The addresses have port 0. In the best order to try them, and not none.
  using LookUp = std::function<absl::StatusOr<std::vector<HostAddress>>(const std::string& host)>;

  // `look_up` is called from threads of this, several at a time, and may be in a call
  // after this has gone. Default: the system's.
  HostLookups();
  explicit HostLookups(LookUp look_up);
  ~HostLookups();
  HostLookups(const HostLookups&) = delete;
  HostLookups& operator=(const HostLookups&) = delete;

  // The addresses of `host`, with this port. Waits for no longer than `timeout`, and
  // ends soon after `cancelled` says so. What is an address already is not looked up,
  // and needs no thread. Errors are of one line: NotFound or Unavailable as the system
  // has it, DeadlineExceeded, Cancelled, ResourceExhausted (no more threads).
  absl::StatusOr<std::vector<HostAddress>> Find(const std::string& host, int port, Duration timeout,
                                                const std::function<bool()>& cancelled);

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

// For all connections of this process; there as long as it.
HostLookups& SystemHostLookups();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HOST_LOOKUP_H_

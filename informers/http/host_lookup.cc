#include "informers/http/host_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"

namespace epslice {
namespace {

using Addresses = std::vector<HostAddress>;

absl::StatusOr<Addresses> AskSystem(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int e = getaddrinfo(host.c_str(), nullptr, &hints, &found); e != 0) {
    if (e == EAI_NONAME) return absl::NotFoundError(gai_strerror(e));
    return absl::UnavailableError(gai_strerror(e));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  Addresses out;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    out.push_back({a->ai_family, std::string(reinterpret_cast<const char*>(a->ai_addr), a->ai_addrlen)});
  }
  return out;
}

template <typename Sockaddr>
void SetPort(in_port_t Sockaddr::*field, int port, std::string* bytes) {
  Sockaddr address{};
  if (bytes->size() < sizeof address) return;
  std::memcpy(&address, bytes->data(), sizeof address);
  address.*field = htons(static_cast<in_port_t>(port));
  std::memcpy(bytes->data(), &address, sizeof address);
}

Addresses WithPort(Addresses addresses, int port) {
  for (HostAddress& address : addresses) {
    if (address.family == AF_INET) SetPort(&sockaddr_in::sin_port, port, &address.bytes);
    if (address.family == AF_INET6) SetPort(&sockaddr_in6::sin6_port, port, &address.bytes);
  }
  return addresses;
}

}  // namespace

struct HostLookups::State {
  struct Call {
    std::optional<absl::StatusOr<Addresses>> result;
  };

  const LookUp look_up;

  std::mutex mu;
  std::condition_variable changed;
  // Below, and what it points to: guarded by mu. Those under way, by host.
  std::map<std::string, std::shared_ptr<Call>> calls;

  // The one under way, or a new one; mu is held.
  static absl::StatusOr<std::shared_ptr<Call>> Begin(const std::shared_ptr<State>& state, const std::string& host);
};

absl::StatusOr<std::shared_ptr<HostLookups::State::Call>> HostLookups::State::Begin(const std::shared_ptr<State>& state,
                                                                                    const std::string& host) {
  if (const auto under_way = state->calls.find(host); under_way != state->calls.end()) return under_way->second;
  if (state->calls.size() >= kMostLookups) return absl::ResourceExhaustedError("too many host names are looked up");
  auto call = std::make_shared<Call>();
  try {
    std::thread([state, host, call] {
      absl::StatusOr<Addresses> result = state->look_up(host);
      std::lock_guard<std::mutex> lock(state->mu);
      call->result = std::move(result);
      state->calls.erase(host);
      state->changed.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return absl::ResourceExhaustedError("no thread to look up the host name with");
  }
  state->calls.emplace(host, call);
  return call;
}

HostLookups::HostLookups() : HostLookups([](const std::string& host) { return AskSystem(host, 0); }) {}
HostLookups::HostLookups(LookUp look_up) : state_(new State{std::move(look_up), {}, {}, {}}) {}
HostLookups::~HostLookups() = default;

absl::StatusOr<Addresses> HostLookups::Find(const std::string& host, int port, Duration timeout,
                                            const std::function<bool()>& cancelled) {
  if (absl::StatusOr<Addresses> literal = AskSystem(host, AI_NUMERICHOST); literal.ok()) {
    return WithPort(*std::move(literal), port);
  }
  constexpr Duration kSlice = std::chrono::milliseconds(50);
  std::int64_t slices = timeout / kSlice;
  std::unique_lock<std::mutex> lock(state_->mu);
  const absl::StatusOr<std::shared_ptr<State::Call>> call = State::Begin(state_, host);
  if (!call.ok()) return call.status();
  const auto done = [&call] { return (*call)->result.has_value(); };
  while (!done()) {
    if (cancelled()) return absl::CancelledError("cancelled");
    if (slices-- <= 0) return absl::DeadlineExceededError("looking up the host name takes too long");
    state_->changed.wait_for(lock, kSlice, done);
  }
  const absl::StatusOr<Addresses>& result = *(*call)->result;
  if (!result.ok()) return result.status();
  return WithPort(*result, port);
}

HostLookups& SystemHostLookups() {
  static HostLookups* const lookups = new HostLookups;  // never destroyed
  return *lookups;
}

}  // namespace epslice

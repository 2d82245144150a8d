#include "informers/http/server_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace epslice {
namespace {

// How long a poll() lasts before Cut() is looked for again. (Cut() wakes it
// anyway, but for a write that waits for room.)
constexpr int kPollMillis = 200;

}  // namespace

ServerConnection::ServerConnection(int fd, const Clock* clock, const ServerConnectionLimits& limits,
                                   const TlsContext* tls)
    : fd_(fd), clock_(clock), limits_(limits) {
  const int on = 1;
  // Small answers go out at once; without it a PATCH takes 40 ms more.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (tls == nullptr) return;
  tls_ = TlsSession::Server(*tls, fd_);
  unusable_ = tls_ == nullptr || ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL, 0) | O_NONBLOCK) < 0;
}

ServerConnection::~ServerConnection() {
  if (tls_ != nullptr) tls_->Close();
  ::shutdown(fd_, SHUT_RDWR);
  ::close(fd_);
}

bool ServerConnection::Wait(short events, Instant deadline) const {
  while (true) {
    const Instant end = std::min(deadline, Instant(cut_at_.load(std::memory_order_acquire)));
    const Duration left = end - clock_->Now();
    if (left <= Duration(0)) return false;
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1;
    pollfd waiting{fd_, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(millis, kPollMillis)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool ServerConnection::WaitFor(TlsSession::Io io, Instant deadline) const {
  if (io == TlsSession::Io::kWantRead) return Wait(POLLIN, deadline);
  return io == TlsSession::Io::kWantWrite && Wait(POLLOUT, deadline);
}

bool ServerConnection::Handshake() {
  const Instant deadline = clock_->Now() + limits_.request_timeout;
  TlsSession::Io io = TlsSession::Io::kFailed;
  while ((io = tls_->Handshake()) != TlsSession::Io::kDone) {
    if (!WaitFor(io, deadline)) return false;
  }
  handshake_done_ = true;
  peer_certificates_ = tls_->PeerCertificates();
  return true;
}

bool ServerConnection::AwaitRequest() {
  head_done_ = false;
  head_bytes_ = 0;
  head_.clear();
  if (unusable_ || (tls_ != nullptr && !handshake_done_ && !Handshake())) return false;
  if (!buffered() && !Wait(POLLIN, clock_->Now() + limits_.idle_timeout)) return false;
  request_deadline_ = clock_->Now() + limits_.request_timeout;
  return true;
}

ssize_t ServerConnection::Receive() {
  if (tls_ != nullptr) {
    for (;;) {
      std::size_t n = 0;
      const TlsSession::Io io = tls_->Read(buffer_.data(), buffer_.size(), &n);
      if (io == TlsSession::Io::kDone) return static_cast<ssize_t>(n);
      if (io == TlsSession::Io::kClosed) return 0;
      if (!WaitFor(io, request_deadline_)) return -1;
    }
  }
  ssize_t n = 0;
  do {
    if (!Wait(POLLIN, request_deadline_)) return -1;
    n = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  } while (n < 0 && (errno == EINTR || errno == EAGAIN));
  return n;
}

ssize_t ServerConnection::Read(char* to, std::size_t size) {
  if (begin_ == end_) {
    const ssize_t n = Receive();
    if (n <= 0) return n;
    begin_ = 0;
    end_ = static_cast<std::size_t>(n);
  }
  std::size_t n = std::min(size, end_ - begin_);
  if (!head_done_) {
    if (head_bytes_ >= limits_.max_head_bytes) return -1;
    n = std::min(n, limits_.max_head_bytes - head_bytes_);
    head_bytes_ += n;
    head_.append(buffer_.data() + begin_, n);
  }
  std::memcpy(to, buffer_.data() + begin_, n);
  begin_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t ServerConnection::Write(const char* from, std::size_t size) {
  const Instant deadline = clock_->Now() + limits_.write_timeout;
  while (tls_ != nullptr) {
    std::size_t written = 0;
    const TlsSession::Io io = tls_->Write(from, size, &written);
    if (io == TlsSession::Io::kDone) return static_cast<ssize_t>(written);
    if (!WaitFor(io, deadline)) return -1;
  }
  while (true) {
    const ssize_t n = ::send(fd_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!Wait(POLLOUT, deadline)) return -1;
  }
}

bool ServerConnection::PeerAlive() const {
  pollfd state{fd_, POLLRDHUP, 0};
  if (::poll(&state, 1, 0) < 0) return errno == EINTR;
  return (state.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) == 0;
}

void ServerConnection::Cut() {
  // Before all times of a clock, and no number that differences overflow with.
  cut_at_.store(-1, std::memory_order_release);
  ::shutdown(fd_, SHUT_RD);
}

void ServerConnection::Address(bool remote, std::string* ip, int* port) const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if ((remote ? ::getpeername(fd_, address, &length) : ::getsockname(fd_, address, &length)) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    *port = ntohs(v4->sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    *port = ntohs(v6->sin6_port);
  }
  *ip = text.data();
}

}  // namespace epslice

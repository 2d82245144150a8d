#include "informers/http/http_connection.h"

#include <fcntl.h>
#include <httplib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "apis/cat.h"

namespace epslice {
namespace {

// The socket of a connection, for the thread that may want to end it.
//
// A duplicate of the descriptor is kept: the library closes its own whenever
// it likes, and the number could then belong to somebody else. Shutting the
// duplicate down ends every read and write on the connection, whichever comes
// first: a socket that was shut down stays so.
class SocketGuard {
 public:
  SocketGuard() = default;
  SocketGuard(const SocketGuard&) = delete;
  SocketGuard& operator=(const SocketGuard&) = delete;
  ~SocketGuard() { Close(); }

  // False when already aborted, or out of descriptors.
  bool Watch(int fd) {
    std::lock_guard<std::mutex> lock(mu_);
    if (aborted_) return false;
    Close();
    duplicate_ = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return duplicate_ >= 0;
  }
  void Abort() {
    std::lock_guard<std::mutex> lock(mu_);
    aborted_ = true;
    if (duplicate_ >= 0) shutdown(duplicate_, SHUT_RDWR);
  }
  bool aborted() const {
    std::lock_guard<std::mutex> lock(mu_);
    return aborted_;
  }

 private:
  void Close() {
    if (duplicate_ >= 0) close(duplicate_);
    duplicate_ = -1;
  }

  mutable std::mutex mu_;
  bool aborted_ = false;
  int duplicate_ = -1;
};

void SetTimeout(int fd, int option, Duration d) {
  const auto micros = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  timeval tv{};
  tv.tv_sec = static_cast<time_t>(micros / 1'000'000);
  tv.tv_usec = static_cast<suseconds_t>(micros % 1'000'000);
  setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

// Waits for a connect under way, looking up now and then whether it is still
// wanted. 0 or errno.
int AwaitConnect(int fd, Duration timeout, const SocketGuard& guard) {
  constexpr int kSliceMs = 50;
  const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  std::int64_t slices = std::max<std::int64_t>(1, timeout_ms / kSliceMs);
  while (!guard.aborted()) {
    pollfd p{fd, POLLOUT, 0};
    const int n = poll(&p, 1, kSliceMs);
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) {
      int error = 0;
      socklen_t size = sizeof(error);
      if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
      return error;
    }
    if (n == 0 && --slices == 0) return ETIMEDOUT;
  }
  return ECANCELED;
}

// A connected, blocking socket, or -1 and `error`.
int Connect(const addrinfo& address, Duration timeout, const SocketGuard& guard, int* error) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (fd < 0) {
    *error = errno;
    return -1;
  }
  *error = 0;
  if (connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    *error = errno == EINPROGRESS || errno == EINTR ? AwaitConnect(fd, timeout, guard) : errno;
  }
  if (*error == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK) < 0) *error = errno;
  if (*error != 0) {
    close(fd);
    return -1;
  }
  const int yes = 1;
  // A small PUT would wait for the answer to the packet before it.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  // So that a peer that vanished without a word is noticed in a long watch.
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
  return fd;
}

// httplib's client with a connect of our own, which can be interrupted; the
// library's holds its lock for as long as the connect takes.
class Client : public httplib::ClientImpl {
 public:
  Client(const std::string& host, int port, Duration connect_timeout, SocketGuard* guard)
      : httplib::ClientImpl(host, port), connect_timeout_(connect_timeout), guard_(guard) {}

  const std::string& connect_error() const { return connect_error_; }
  bool connected() const { return connect_error_.empty(); }
  void ForgetConnectError() { connect_error_.clear(); }

 protected:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    connect_error_.clear();
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int e = getaddrinfo(host_.c_str(), std::to_string(port_).c_str(), &hints, &found); e != 0) {
      return Failed(gai_strerror(e), &error);
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
    int last = ECONNREFUSED;
    for (const addrinfo* a = found; a != nullptr && !guard_->aborted(); a = a->ai_next) {
      const int fd = Connect(*a, connect_timeout_, *guard_, &last);
      if (fd < 0) continue;
      SetTimeout(fd, SO_RCVTIMEO, Seconds(read_timeout_sec_, read_timeout_usec_));
      SetTimeout(fd, SO_SNDTIMEO, Seconds(write_timeout_sec_, write_timeout_usec_));
      if (!guard_->Watch(fd)) {
        close(fd);
        break;
      }
      socket.sock = fd;
      return true;
    }
    return Failed(guard_->aborted() ? "cancelled" : std::strerror(last), &error);
  }

 private:
  static Duration Seconds(time_t s, time_t us) { return std::chrono::seconds(s) + std::chrono::microseconds(us); }
  bool Failed(std::string_view why, httplib::Error* error) {
    connect_error_ = Cat({"connect to ", host_and_port_, ": ", why});
    *error = httplib::Error::Connection;
    return false;
  }

  const Duration connect_timeout_;
  SocketGuard* const guard_;
  std::string connect_error_;
};

class PlainConnection : public HttpConnection {
 public:
  PlainConnection(const std::string& host, int port, Duration connect_timeout)
      : client_(host, port, connect_timeout, &guard_) {
    client_.set_keep_alive(true);
    client_.set_follow_location(false);  // a redirect elsewhere is not the API server's answer
    client_.set_url_encode(false);       // the target is encoded
    client_.set_decompress(false);       // we do not ask for compression: nothing may unfold here
    client_.set_write_timeout(std::chrono::seconds(30));
  }

  Outcome Run(const HttpExchange& exchange, std::string* error) override {
    httplib::Request request;
    request.method = exchange.method;
    request.path = exchange.target;
    for (const auto& [key, value] : exchange.headers) request.headers.emplace(key, value);
    request.body = exchange.body;
    bool stopped = false;
    request.response_handler = [&](const httplib::Response& head) {
      stopped = !exchange.on_head(head.status, head.get_header_value("Retry-After"));
      return !stopped;
    };
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      stopped = guard_.aborted() || !exchange.on_data({data, size});
      return !stopped;
    };
    client_.set_read_timeout(exchange.read_timeout);
    client_.ForgetConnectError();
    if (guard_.aborted()) {
      *error = "cancelled";
      return Outcome::kNotReached;
    }
    httplib::Response response;
    httplib::Error failure = httplib::Error::Success;
    if (client_.send(request, response, failure)) {
      // Answers without a body have no place where the head would be told.
      if (response.status == 204 && !exchange.on_head(204, "")) return Outcome::kStopped;
      return Outcome::kDone;
    }
    if (!client_.connected()) {
      *error = client_.connect_error();
      return Outcome::kNotReached;
    }
    *error = guard_.aborted() ? "cancelled" : Explain(failure);
    return stopped ? Outcome::kStopped : Outcome::kBroken;
  }

  void Abort() override { guard_.Abort(); }
  bool open() const override { return client_.is_socket_open() != 0; }

 private:
  static std::string Explain(httplib::Error e) {
    switch (e) {
      case httplib::Error::Read:
        return "the connection was lost, or silent for too long, before the answer was complete";
      case httplib::Error::Write: return "the connection was lost while the request was sent";
      default: return Cat({"http: ", httplib::to_string(e)});
    }
  }

  SocketGuard guard_;
  Client client_;
};

}  // namespace

std::unique_ptr<HttpConnection> NewHttpConnection(const std::string& host, int port, Duration connect_timeout) {
  return std::make_unique<PlainConnection>(host, port, connect_timeout);
}

}  // namespace epslice

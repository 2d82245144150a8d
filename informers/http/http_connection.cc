#include "informers/http/http_connection.h"

#include <fcntl.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/host_lookup.h"
#include "informers/http/httplib_statics.h"
#include "informers/http/proxy.h"
#include "informers/http/proxy_tunnel.h"

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

// So that a peer that vanished without a word is noticed within 30 s, in a
// silent watch (probes) as well as with bytes under way (the user timeout).
void SetKeepAlive(int fd) {
  const auto set = [fd](int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 25'000);
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
int Connect(const HostAddress& address, Duration timeout, const SocketGuard& guard, int* error) {
  const int fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    *error = errno;
    return -1;
  }
  *error = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(address.bytes.data()),
              static_cast<socklen_t>(address.bytes.size())) != 0) {
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
  SetKeepAlive(fd);
  return fd;
}

// A zone ("%eth0" of fe80::1%eth0) is this machine's way to the server: who is
// asked for, and whom a certificate is for, is the address alone.
std::string WithoutZone(const std::string& host) {
  return host.find(':') == std::string::npos ? host : host.substr(0, host.find('%'));
}

std::string HostField(const HttpServerAddress& address) {
  const std::string host = WithoutZone(address.host);
  const bool v6 = host.find(':') != std::string::npos;
  const bool usual = address.tls == nullptr && address.port == 80;
  return Cat({v6 ? "[" : "", host, v6 ? "]" : "", usual ? "" : ":", usual ? "" : std::to_string(address.port)});
}

// httplib's client with a connect of our own, which can be interrupted; the
// library's holds its lock for as long as the connect takes.
class Client : public httplib::ClientImpl {
 public:
  Client(const HttpServerAddress& address, Duration connect_timeout, SocketGuard* guard)
      : httplib::ClientImpl(address.host, address.port),
        connect_timeout_(connect_timeout),
        guard_(guard),
        proxy_(address.proxy) {}

  const std::string& connect_error() const { return connect_error_; }
  bool connected() const { return connect_error_.empty(); }
  // Before a request: a kept connection that is of no use any more is closed.
  virtual void Prepare() { connect_error_.clear(); }
  // Why the connection broke, where that is known.
  virtual const std::string& stream_error() const { return connect_error_; }

 protected:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    connect_error_.clear();
    const HttpProxy* const proxy = proxy_.get();
    const absl::StatusOr<std::vector<HostAddress>> addresses =
        SystemHostLookups().Find(proxy == nullptr ? host_ : proxy->host, proxy == nullptr ? port_ : proxy->port,
                                 connect_timeout_, [this] { return guard_->aborted(); });
    if (!addresses.ok()) {
      return Failed(guard_->aborted() ? "cancelled" : Cat({ToProxy(), MessageOf(addresses.status())}), &error);
    }
    int last = ECONNREFUSED;
    for (const HostAddress& address : *addresses) {
      if (guard_->aborted()) break;
      const int fd = Connect(address, connect_timeout_, *guard_, &last);
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
    return Failed(guard_->aborted() ? "cancelled" : Cat({ToProxy(), std::strerror(last)}), &error);
  }
  std::string ToProxy() const { return proxy_ == nullptr ? "" : proxy_->ErrorPrefix(); }

  static Duration Seconds(time_t s, time_t us) { return std::chrono::seconds(s) + std::chrono::microseconds(us); }
  bool Failed(std::string_view why, httplib::Error* error) {
    connect_error_ = Cat({"connect to ", host_and_port_, ": ", why});
    *error = httplib::Error::Connection;
    return false;
  }

  const Duration connect_timeout_;
  SocketGuard* const guard_;
  const std::shared_ptr<const HttpProxy> proxy_;

 private:
  std::string connect_error_;
};

using Io = TlsSession::Io;

// A TLS session as httplib reads and writes it. `buffer` outlives requests: an
// answer may bring more than was asked for.
struct TlsBuffer {
  std::array<char, 16384> bytes;
  std::size_t begin = 0;
  std::size_t end = 0;
  // The last read gave less than it might have: what comes next is likely not
  // there yet.
  bool drained = false;
};

class TlsStream : public httplib::Stream {
 public:
  TlsStream(int fd, TlsSession* session, TlsBuffer* buffer, Duration read_timeout, Duration write_timeout)
      : fd_(fd), session_(session), buffer_(*buffer), read_timeout_(read_timeout), write_timeout_(write_timeout) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    if (!Flush()) return -1;
    while (buffer_.begin == buffer_.end) {
      std::size_t n = 0;
      if (std::exchange(buffer_.drained, false) && !session_->begun() && !Wait(Io::kWantRead, read_timeout_)) {
        return -1;
      }
      const Io io = session_->Read(buffer_.bytes.data(), buffer_.bytes.size(), &n);
      buffer_.begin = 0;
      buffer_.end = n;
      buffer_.drained = io == Io::kDone && n < buffer_.bytes.size();
      if (io == Io::kClosed) return 0;
      if (io != Io::kDone && !Wait(io, read_timeout_)) return -1;
    }
    const std::size_t n = std::min(size, buffer_.end - buffer_.begin);
    std::memcpy(to, buffer_.bytes.data() + buffer_.begin, n);
    buffer_.begin += n;
    return static_cast<ssize_t>(n);
  }
  // Small pieces, such as a request's head, wait for what follows, so that they
  // go out as one record; the first read sends them on.
  ssize_t write(const char* from, std::size_t size) override {
    if (unsent_.size() + size > buffer_.bytes.size() && !Flush()) return -1;
    if (size > buffer_.bytes.size()) return Send(from, size);
    unsent_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return fd_; }

 private:
  bool Flush() {
    for (std::size_t sent = 0; sent < unsent_.size();) {
      const ssize_t n = Send(unsent_.data() + sent, unsent_.size() - sent);
      if (n < 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    unsent_.clear();
    return true;
  }
  ssize_t Send(const char* from, std::size_t size) {
    for (;;) {
      std::size_t n = 0;
      const Io io = session_->Write(from, size, &n);
      if (io == Io::kDone) return static_cast<ssize_t>(n);
      if (!Wait(io, write_timeout_)) return -1;
    }
  }
  bool Wait(Io io, Duration timeout) const {
    if (io != Io::kWantRead && io != Io::kWantWrite) return false;
    pollfd p{fd_, static_cast<short>(io == Io::kWantRead ? POLLIN : POLLOUT), 0};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    int n = 0;
    do {
      n = poll(&p, 1, static_cast<int>(std::clamp<std::int64_t>(ms, 1, std::numeric_limits<int>::max())));
    } while (n < 0 && errno == EINTR);
    return n > 0;
  }

  const int fd_;
  TlsSession* const session_;
  TlsBuffer& buffer_;
  const Duration read_timeout_;
  const Duration write_timeout_;
  std::string unsent_;
};

// The library's own TLS client waits in ways that cannot be interrupted, knows
// one certificate without its chain, and trusts the system beside what it is
// told to trust.
class TlsClient : public Client {
 public:
  TlsClient(const HttpServerAddress& address, Duration connect_timeout, SocketGuard* guard)
      : Client(address, connect_timeout, guard),
        context_(address.tls),
        name_(address.tls_server_name.empty() ? WithoutZone(address.host) : address.tls_server_name) {}

  void Prepare() override {
    Client::Prepare();
    error_.clear();
    if (session_ != nullptr && (buffer_.begin < buffer_.end || session_->ClosedByPeer())) stop();
  }
  const std::string& stream_error() const override { return error_; }

 protected:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    if (!Client::create_and_connect_socket(socket, error)) return false;
    buffer_.begin = buffer_.end = 0;
    buffer_.drained = false;
    const int fd = socket.sock;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    std::string why;
    if (proxy_ != nullptr) {
      why = OpenTunnel(fd, *proxy_, host_, port_, connect_timeout_, [this] { return guard_->aborted(); });
    }
    if (why.empty()) {
      session_ = TlsSession::Client(*context_, fd, name_);
      why = session_ == nullptr ? "the server's name cannot be one of a certificate" : Handshake(fd);
    }
    if (why.empty()) return true;
    session_.reset();
    close(fd);
    socket.sock = INVALID_SOCKET;
    return Failed(guard_->aborted() ? "cancelled" : why, &error);
  }
  void shutdown_ssl(Socket&, bool gracefully) override {
    if (session_ == nullptr) return;
    if (gracefully) session_->Close();
    session_.reset();
  }

 private:
  bool process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> callback) override {
    if (session_ == nullptr) return false;
    TlsStream stream(socket.sock, session_.get(), &buffer_, Seconds(read_timeout_sec_, read_timeout_usec_),
                     Seconds(write_timeout_sec_, write_timeout_usec_));
    const bool good = callback(stream);
    if (!good) error_ = session_->error();
    return good;
  }

  // "" or what went wrong. Takes no longer than a connect may; a server that
  // sends a byte at a time is given up too.
  std::string Handshake(int fd) {
    constexpr int kSliceMs = 50;
    constexpr int kMostSteps = 1000;
    auto slices = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout_).count() / kSliceMs + 1;
    for (int step = 0; step < kMostSteps && !guard_->aborted(); ++step) {
      const Io io = session_->Handshake();
      if (io == Io::kDone) return "";
      if (io == Io::kClosed) return "TLS: the connection was closed";
      if (io == Io::kFailed) return Cat({"TLS: ", session_->error()});
      pollfd p{fd, static_cast<short>(io == Io::kWantRead ? POLLIN : POLLOUT), 0};
      while (poll(&p, 1, kSliceMs) == 0 && !guard_->aborted()) {
        if (--slices == 0) return "TLS: the handshake took too long";
      }
    }
    return "TLS: the handshake took too long";
  }

  const std::shared_ptr<const TlsContext> context_;
  const std::string name_;
  std::unique_ptr<TlsSession> session_;
  TlsBuffer buffer_;
  std::string error_;
};

class SocketConnection : public HttpConnection {
 public:
  SocketConnection(const HttpServerAddress& address, Duration connect_timeout)
      : client_holder_(address.tls == nullptr ? std::make_unique<Client>(address, connect_timeout, &guard_)
                                              : std::make_unique<TlsClient>(address, connect_timeout, &guard_)),
        client_(*client_holder_),
        host_(HostField(address)) {
    if (address.tls == nullptr && address.proxy != nullptr) {
      to_proxy_ = Cat({"http://", host_});
      proxy_authorization_ = address.proxy->authorization;
    }
    client_.set_keep_alive(true);
    client_.set_follow_location(false);  // a redirect elsewhere is not the API server's answer
    client_.set_url_encode(false);       // the target is encoded
    client_.set_decompress(false);       // who asks for compression unfolds it, within bounds
    client_.set_write_timeout(std::chrono::seconds(30));
  }

  Outcome Run(const HttpExchange& exchange, std::string* error) override {
    httplib::Request request;
    request.method = exchange.method;
    request.path = to_proxy_ + exchange.target;
    request.headers.emplace("Host", host_);
    if (!proxy_authorization_.empty()) request.headers.emplace("Proxy-Authorization", proxy_authorization_);
    for (const auto& [key, value] : exchange.headers) request.headers.emplace(key, value);
    request.body = exchange.body;
    bool stopped = false;
    request.response_handler = [&](const httplib::Response& head) {
      stopped = !exchange.on_head({head.status, head.get_header_value("Retry-After"),
                                   head.get_header_value("Content-Type"), head.get_header_value("Content-Encoding")});
      return !stopped;
    };
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      stopped = guard_.aborted() || !exchange.on_data({data, size});
      return !stopped;
    };
    client_.set_read_timeout(exchange.read_timeout);
    client_.Prepare();
    if (guard_.aborted()) {
      *error = "cancelled";
      return Outcome::kNotReached;
    }
    httplib::Response response;
    httplib::Error failure = httplib::Error::Success;
    if (client_.send(request, response, failure)) {
      // Answers without a body have no place where the head would be told.
      if (response.status == 204 && !exchange.on_head({204, "", "", ""})) return Outcome::kStopped;
      return Outcome::kDone;
    }
    if (!client_.connected()) {
      *error = client_.connect_error();
      return Outcome::kNotReached;
    }
    *error = guard_.aborted() ? "cancelled" : Explain(failure);
    if (!guard_.aborted() && !client_.stream_error().empty()) *error += Cat({" (TLS: ", client_.stream_error(), ")"});
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
  const std::unique_ptr<Client> client_holder_;
  Client& client_;
  const std::string host_;  // the Host field
  // Without TLS there is no tunnel: a proxy is asked for whole URLs. "" without one.
  std::string to_proxy_;
  std::string proxy_authorization_;
};

}  // namespace

std::unique_ptr<HttpConnection> NewHttpConnection(const HttpServerAddress& address, Duration connect_timeout) {
  MakeHttplibStatics();
  return std::make_unique<SocketConnection>(address, connect_timeout);
}

}  // namespace epslice

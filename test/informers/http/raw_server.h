// A TCP server for tests that says exactly what it is told, good HTTP or not.
#ifndef EPSLICE_TEST_INFORMERS_HTTP_RAW_SERVER_H_
#define EPSLICE_TEST_INFORMERS_HTTP_RAW_SERVER_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "informers/http/tls.h"

namespace epslice {

// One connection, the server's end. Closed when the handler returns.
class RawConnection {
 public:
  // `tls`: null for plain TCP.
  RawConnection(int fd, const TlsContext* tls) : fd_(fd) {
    if (tls == nullptr) return;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    tls_ = TlsSession::Server(*tls, fd);
    secure_ = Await([this] { return tls_->Handshake(); });
  }
  int fd() const { return fd_; }
  // The handshake was completed.
  bool secure() const { return secure_; }

  // The next request, head and body; "" when the client has gone.
  std::string ReadRequest() {
    for (;;) {
      const std::size_t head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        std::size_t length = 0;
        const std::size_t field = buffer_.find("Content-Length: ");
        if (field < head) length = std::stoul(buffer_.substr(field + 16, 20));
        if (buffer_.size() >= head + 4 + length) {
          std::string request = buffer_.substr(0, head + 4 + length);
          buffer_.erase(0, request.size());
          return request;
        }
      }
      char bytes[4096];
      const ssize_t n = Receive(bytes, sizeof(bytes));
      if (n <= 0) return "";
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = Transmit(bytes);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void SendAnswer(int code, std::string_view body, std::string_view headers = "") {
    Send("HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
  }
  // The head of an answer in chunks, and one chunk ("": the last).
  void SendChunkedHead() { Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }
  void SendChunk(std::string_view bytes) {
    char size[32];
    std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
    Send(size + std::string(bytes) + "\r\n");
  }
  // Until the client closes.
  void WaitForClose() {
    char bytes[4096];
    while (Receive(bytes, sizeof(bytes)) > 0) {
    }
  }
  // Says that this is the end, in TLS only, and waits until that has arrived.
  void CloseTls() {
    tls_->Close();
    int on_the_way = 0;
    while (ioctl(fd_, SIOCOUTQ, &on_the_way) == 0 && on_the_way > 0) std::this_thread::yield();
  }

 private:
  template <typename Fn>
  bool Await(Fn step) {
    for (;;) {
      const TlsSession::Io io = step();
      if (io == TlsSession::Io::kDone) return true;
      if (io == TlsSession::Io::kClosed || io == TlsSession::Io::kFailed) return false;
      pollfd p{fd_, static_cast<short>(io == TlsSession::Io::kWantRead ? POLLIN : POLLOUT), 0};
      poll(&p, 1, -1);
    }
  }
  ssize_t Receive(char* to, std::size_t size) {
    if (tls_ == nullptr) return recv(fd_, to, size, 0);
    std::size_t n = 0;
    return secure_ && Await([&] { return tls_->Read(to, size, &n); }) ? static_cast<ssize_t>(n) : -1;
  }
  ssize_t Transmit(std::string_view bytes) {
    if (tls_ == nullptr) return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::size_t n = 0;
    return secure_ && Await([&] { return tls_->Write(bytes.data(), bytes.size(), &n); }) ? static_cast<ssize_t>(n) : -1;
  }

  const int fd_;
  std::unique_ptr<TlsSession> tls_;
  bool secure_ = false;
  std::string buffer_;
};

class RawServer {
 public:
  // `handle` runs in a thread for each connection; `n` counts them from 0.
  explicit RawServer(std::function<void(RawConnection& connection, int n)> handle,
                     std::shared_ptr<const TlsContext> tls = nullptr)
      : handle_(std::move(handle)), tls_(std::move(tls)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~RawServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      std::lock_guard<std::mutex> lock(mu_);
      for (const Served& s : served_) shutdown(s.fd, SHUT_RDWR);
    }
    for (Served& s : served_) {
      s.thread.join();
      close(s.fd);
    }
  }

  std::string url() const { return (tls_ ? "https" : "http") + ("://127.0.0.1:" + std::to_string(port_)); }
  int connections() const { return connections_; }

 private:
  struct Served {
    int fd;
    std::thread thread;
  };
  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int n = connections_++;
      std::lock_guard<std::mutex> lock(mu_);
      served_.push_back(Served{fd, std::thread([this, fd, n] {
                                 RawConnection connection(fd, tls_.get());
                                 handle_(connection, n);
                                 // Closed for the client; the number stays ours until the end.
                                 shutdown(fd, SHUT_RDWR);
                               })});
    }
  }

  const std::function<void(RawConnection&, int)> handle_;
  const std::shared_ptr<const TlsContext> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mu_;
  std::list<Served> served_;
  std::thread acceptor_;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_HTTP_RAW_SERVER_H_

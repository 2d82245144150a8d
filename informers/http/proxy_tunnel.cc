#include "informers/http/proxy_tunnel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "apis/cat.h"

namespace epslice {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kTooLong = "took too long to answer";

// Waits for a socket in slices, of all waits together no longer than it may.
class Patience {
 public:
  Patience(int fd, Duration timeout, const std::function<bool()>& aborted) : fd_(fd), aborted_(aborted) {
    slices_ = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count() / kSliceMs + 1;
  }
  // "" when it is ready.
  std::string Await(short events) {
    // An answer has few pieces; one that comes byte by byte is given up.
    if (--waits_ == 0) return std::string(kTooLong);
    while (!aborted_()) {
      pollfd p{fd_, events, 0};
      const int n = poll(&p, 1, kSliceMs);
      if (n > 0) return "";
      if (n < 0 && errno != EINTR) return std::strerror(errno);
      if (n == 0 && --slices_ <= 0) return std::string(kTooLong);
    }
    return "cancelled";
  }

 private:
  static constexpr int kSliceMs = 50;
  const int fd_;
  const std::function<bool()>& aborted_;
  std::int64_t slices_ = 0;
  int waits_ = 64;
};

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

std::string SendAll(int fd, std::string_view bytes, Patience* patience) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (!WouldBlock()) {
      return std::strerror(errno);
    } else if (std::string why = patience->Await(POLLOUT); !why.empty()) {
      return why;
    }
  }
  return "";
}

std::string ReadHead(int fd, std::string* head, Patience* patience) {
  std::array<char, 1024> bytes{};
  for (;;) {
    const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
    if (n == 0) return "closed the connection";
    if (n < 0 && !WouldBlock()) return std::strerror(errno);
    if (n < 0) {
      if (std::string why = patience->Await(POLLIN); !why.empty()) return why;
      continue;
    }
    const std::size_t before = head->size() < 3 ? 0 : head->size() - 3;
    head->append(bytes.data(), static_cast<std::size_t>(n));
    const std::size_t end = head->find(kEndOfHead, before);
    // An answer that refuses may have a body, which is of no interest.
    if (end != std::string::npos) {
      const bool more = head->size() > end + kEndOfHead.size();
      head->resize(end);
      return more && TunnelError(*head).empty() ? "said more than it was asked for" : "";
    }
    if (head->size() > kMaxTunnelAnswerBytes) return "answered with too many bytes";
  }
}

}  // namespace

std::string TunnelError(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const bool is_http = line.size() >= 12 && (line.substr(0, 9) == "HTTP/1.1 " || line.substr(0, 9) == "HTTP/1.0 ") &&
                       IsDigit(line[9]) && IsDigit(line[10]) && IsDigit(line[11]) &&
                       (line.size() == 12 || line[12] == ' ');
  if (!is_http) return "answered something that is not HTTP";
  if (line[9] == '2') return "";
  const std::string_view reason = line.size() > 13 ? line.substr(13) : "";
  return Cat({"answered ", line.substr(9, 3), reason.empty() ? "" : " ", reason.empty() ? "" : QuoteForError(reason)});
}

std::string OpenTunnel(int fd, const HttpProxy& proxy, std::string_view host, int port, Duration timeout,
                       const std::function<bool()>& aborted) {
  const bool v6 = host.find(':') != std::string_view::npos;
  const std::string target = Cat({v6 ? "[" : "", host, v6 ? "]" : "", ":", std::to_string(port)});
  std::string request = Cat({"CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n"});
  if (!proxy.authorization.empty()) request += Cat({"Proxy-Authorization: ", proxy.authorization, "\r\n"});
  request += "\r\n";
  Patience patience(fd, timeout, aborted);
  std::string head;
  std::string why = SendAll(fd, request, &patience);
  if (why.empty()) why = ReadHead(fd, &head, &patience);
  if (why.empty()) why = TunnelError(head);
  if (why.empty() || why == "cancelled") return why;
  return Cat({proxy.ErrorPrefix(), why});
}

}  // namespace epslice

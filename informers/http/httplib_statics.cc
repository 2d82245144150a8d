#include "informers/http/httplib_statics.h"

#include <fcntl.h>
#include <httplib.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace epslice {
namespace {

// What the other side says, in memory; what it is told goes nowhere.
class MemoryStream : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view said) : left_(said) {}
  bool is_readable() const override { return !left_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t n = std::min(size, left_.size());
    std::copy_n(left_.data(), n, to);
    left_.remove_prefix(n);
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, std::size_t size) override {
    static_cast<void>(from);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip = "127.0.0.1", port = 1; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip = "127.0.0.1", port = 1; }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view left_;
};

class ServerRehearsal : public httplib::Server {
 public:
  void Serve() {
    Get("/", [](const httplib::Request&, httplib::Response& response) { response.set_content("ok", "text/plain"); });
    for (const std::string_view request :
         {std::string_view("GET /?a=b HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n"),
          std::string_view("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")}) {
      MemoryStream stream(request);
      bool closed = false;
      process_request(stream, true, closed, [](httplib::Request&) {});
    }
  }
};

class ClientRehearsal : public httplib::ClientImpl {
 public:
  ClientRehearsal() : ClientImpl("127.0.0.1", 1) {}
  void Ask() {
    for (const std::string_view answer :
         {std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
          std::string_view("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                           "2\r\nok\r\n0\r\n\r\n")}) {
      answer_ = answer;
      Get("/?a=b");
    }
  }

 private:
  // The library wants a descriptor that it can close.
  bool create_and_connect_socket(Socket& socket, httplib::Error&) override {
    socket.sock = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return socket.sock != INVALID_SOCKET;
  }
  bool process_socket(const Socket&, std::function<bool(httplib::Stream&)> callback) override {
    MemoryStream stream(answer_);
    return callback(stream);
  }

  std::string_view answer_;
};

}  // namespace

void MakeHttplibStatics() {
  static std::once_flag once;
  std::call_once(once, [] {
    ServerRehearsal().Serve();
    ClientRehearsal().Ask();
  });
}

}  // namespace epslice

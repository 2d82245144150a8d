#include "informers/http/httplib_server.h"

#include <httplib.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "informers/http/request_target.h"
#include "informers/http/server_connection.h"

namespace epslice {
namespace {

class ConnectionStream : public httplib::Stream {
 public:
  explicit ConnectionStream(ServerConnection* connection) : connection_(connection) {}
  bool is_readable() const override { return connection_->buffered() || connection_->PeerAlive(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override { return connection_->Read(to, size); }
  ssize_t write(const char* from, std::size_t size) override { return connection_->Write(from, size); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { connection_->Address(true, &ip, &port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { connection_->Address(false, &ip, &port); }
  socket_t socket() const override { return connection_->fd(); }

 private:
  ServerConnection* const connection_;
};

}  // namespace

std::unique_ptr<httplib::Stream> MakeConnectionStream(ServerConnection* connection) {
  return std::make_unique<ConnectionStream>(connection);
}

bool HasBody(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

void NormalizeHead(httplib::Request* request) {
  if (std::optional<std::string> target = OriginForm(request->target)) {
    request->target = *std::move(target);
  } else {
    request->target.clear();
  }
  request->headers.erase("Accept-Encoding");
  request->headers.erase("Range");
  request->ranges.clear();
}

std::string HeadProblem(const httplib::Request& request, std::string_view head) {
  const std::vector<std::string_view> hosts = HostFields(head);
  if (hosts.size() > 1) return "too many Host headers";
  if (hosts.empty() && request.version != "HTTP/1.0" && request.method != "CONNECT")
    return "missing required Host header";
  if (!hosts.empty() && !IsHostField(hosts.front())) return "malformed Host header";
  return request.target.empty() ? "bad request target" : "";
}

}  // namespace epslice

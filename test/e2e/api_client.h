// ApiClient: an API server asked in plain JSON, as an administrator would with
// kubectl: any path, any object, nothing of the library's typed objects, so
// that what the suite compares with does not come from the code it tests.
#ifndef EPSLICE_TEST_E2E_API_CLIENT_H_
#define EPSLICE_TEST_E2E_API_CLIENT_H_

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "informers/http/credentials.h"
#include "informers/http/http_connection.h"
#include "informers/http/http_routes.h"

namespace epslice::e2e {

using Json = nlohmann::json;

struct Answer {
  int code = 0;  // of HTTP; 0: none came
  Json body;     // null where it is no JSON
  std::string text;
  bool ok() const { return code >= 200 && code < 300; }
  // "403: pods is forbidden: ...", for messages.
  std::string ToString() const;
};

// Whether the same may go well when it is asked again: nobody answered, or the
// server is busy, broken for a moment, or has just started. In its first seconds
// a kube-apiserver forbids what its admission cannot judge yet (403, "not yet
// ready to handle request"), and has no cluster IPs to give (500, "range is full").
bool IsPassing(const Answer& answer);
// Asks again until the answer is none of those, or patience is at its end: the last one.
Answer Patiently(const std::function<Answer()>& call);

inline constexpr std::string_view kMergePatch = "application/merge-patch+json";

// Thread-safe.
class ApiClient {
 public:
  // `clock` must outlive the client.
  static absl::StatusOr<std::unique_ptr<ApiClient>> Create(const ClientConfig& config, const Clock* clock);

  // A request that could not be sent because a kept connection was dead is sent
  // once more.
  Answer Do(std::string_view method, const std::string& path, const Json& body = nullptr,
            std::string_view content_type = "application/json");
  Answer Get(const std::string& path) { return Do("GET", path); }
  Answer Post(const std::string& path, const Json& body) { return Do("POST", path, body); }
  Answer Put(const std::string& path, const Json& body) { return Do("PUT", path, body); }
  Answer Patch(const std::string& path, const Json& body) { return Do("PATCH", path, body, kMergePatch); }
  Answer Delete(const std::string& path, const Json& options = nullptr) { return Do("DELETE", path, options); }

  // Creates an object, patiently. One that is there since a try that seemed to
  // fail is read.
  Answer PostPatiently(const std::string& path, const Json& object);

  // A GET whose answer comes line by line, until it ends or `connection` is
  // aborted. Returns the HTTP code, 0 where none came.
  int Stream(const std::string& path, HttpConnection* connection, const std::function<void(const Json&)>& on_line);
  std::unique_ptr<HttpConnection> NewConnection() const;

 private:
  ApiClient(HttpEndpoint endpoint, std::string tls_server_name, std::shared_ptr<const TlsContext> tls,
            std::shared_ptr<Credentials> credentials);
  HttpExchange Exchange(std::string_view method, const std::string& path);
  Answer DoOn(HttpConnection* connection, HttpExchange exchange, HttpConnection::Outcome* outcome);

  const HttpEndpoint endpoint_;
  const std::string tls_server_name_;
  const std::shared_ptr<const TlsContext> tls_;
  const std::shared_ptr<Credentials> credentials_;
  std::mutex mu_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;  // guarded by mu_
};

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_API_CLIENT_H_

#include "test/e2e/api_client.h"

#include <utility>

#include "test/e2e/process.h"

namespace epslice::e2e {
namespace {

using Outcome = HttpConnection::Outcome;

// Streams may be silent as long as a server's bookmarks are apart, and more.
constexpr Duration kStreamSilence = std::chrono::minutes(5);

}  // namespace

std::string Answer::ToString() const {
  std::string why = text;
  if (body.is_object() && body.contains("message")) why = body["message"].get<std::string>();
  return std::to_string(code) + ": " + why.substr(0, 1000);
}

bool IsPassing(const Answer& answer) {
  if (answer.code == 403) return answer.text.find("not yet ready") != std::string::npos;
  return answer.code == 0 || answer.code == 429 || answer.code >= 500;
}

Answer Patiently(const std::function<Answer()>& call) {
  Answer answer;
  Poll(kPatience, [&] {
    answer = call();
    return !IsPassing(answer);
  });
  return answer;
}

absl::StatusOr<std::unique_ptr<ApiClient>> ApiClient::Create(const ClientConfig& config, const Clock* clock) {
  absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(config.server);
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<std::shared_ptr<Credentials>> credentials = NewCredentials(config.credentials, clock);
  if (!credentials.ok()) return credentials.status();
  std::shared_ptr<const TlsContext> tls;
  if (endpoint->tls) {
    TlsClientOptions options;
    options.ca_pem = config.ca_pem;
    options.insecure_skip_verify = config.insecure_skip_tls_verify;
    if (*credentials != nullptr) {
      absl::StatusOr<Credentials::Value> value = (*credentials)->Get(nullptr);
      if (!value.ok()) return value.status();
      if (value->identity != nullptr) options.identity = *value->identity;
    }
    absl::StatusOr<std::shared_ptr<const TlsContext>> context = TlsContext::Client(options);
    if (!context.ok()) return context.status();
    tls = *std::move(context);
  }
  return std::unique_ptr<ApiClient>(
      new ApiClient(*std::move(endpoint), config.tls_server_name, std::move(tls), *std::move(credentials)));
}

ApiClient::ApiClient(HttpEndpoint endpoint, std::string tls_server_name, std::shared_ptr<const TlsContext> tls,
                     std::shared_ptr<Credentials> credentials)
    : endpoint_(std::move(endpoint)),
      tls_server_name_(std::move(tls_server_name)),
      tls_(std::move(tls)),
      credentials_(std::move(credentials)) {}

std::unique_ptr<HttpConnection> ApiClient::NewConnection() const {
  return NewHttpConnection({endpoint_.host, endpoint_.port, tls_, tls_server_name_}, std::chrono::seconds(5));
}

HttpExchange ApiClient::Exchange(std::string_view method, const std::string& path) {
  HttpExchange exchange;
  exchange.method = method;
  exchange.target = endpoint_.prefix + path;
  exchange.headers = {{"Accept", "application/json"}, {"User-Agent", "epslice-e2e/1"}};
  if (credentials_ != nullptr) {
    const absl::StatusOr<Credentials::Value> value = credentials_->Get(nullptr);
    if (value.ok() && !value->authorization.empty()) {
      exchange.headers.emplace_back("Authorization", value->authorization);
    }
  }
  return exchange;
}

Answer ApiClient::DoOn(HttpConnection* connection, HttpExchange exchange, Outcome* outcome) {
  Answer answer;
  exchange.on_head = [&answer](const HttpHead& head) {
    answer.code = head.status;
    return true;
  };
  exchange.on_data = [&answer](std::string_view bytes) {
    answer.text += bytes;
    return true;
  };
  std::string error;
  *outcome = connection->Run(exchange, &error);
  if (*outcome != Outcome::kDone) return {.code = 0, .body = nullptr, .text = error};
  answer.body = Json::parse(answer.text, nullptr, /*allow_exceptions=*/false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  return answer;
}

Answer ApiClient::Do(std::string_view method, const std::string& path, const Json& body,
                     std::string_view content_type) {
  HttpExchange exchange = Exchange(method, path);
  if (!body.is_null()) {
    exchange.headers.emplace_back("Content-Type", content_type);
    exchange.body = body.dump();
  }
  std::unique_ptr<HttpConnection> connection;
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  Outcome outcome = Outcome::kNotReached;
  Answer answer;
  if (connection != nullptr) answer = DoOn(connection.get(), exchange, &outcome);
  if (outcome == Outcome::kNotReached) {
    connection = NewConnection();
    answer = DoOn(connection.get(), exchange, &outcome);
  }
  if (outcome == Outcome::kDone) {
    std::lock_guard<std::mutex> lock(mu_);
    idle_.push_back(std::move(connection));
  }
  return answer;
}

Answer ApiClient::PostPatiently(const std::string& path, const Json& object) {
  int tries = 0;
  const Answer answer = Patiently([&] {
    ++tries;
    return Post(path, object);
  });
  const std::string name = object.value("/metadata/name"_json_pointer, "");
  if (answer.code != 409 || tries == 1 || name.empty()) return answer;
  return Patiently([&] { return Get(path + "/" + name); });
}

int ApiClient::Stream(const std::string& path, HttpConnection* connection,
                      const std::function<void(const Json&)>& on_line) {
  HttpExchange exchange = Exchange("GET", path);
  exchange.read_timeout = kStreamSilence;
  int code = 0;
  std::string pending;
  exchange.on_head = [&code](const HttpHead& head) {
    code = head.status;
    return code == 200;
  };
  exchange.on_data = [&](std::string_view bytes) {
    pending += bytes;
    for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      const Json line =
          Json::parse(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      if (!line.is_discarded()) on_line(line);
    }
    return true;
  };
  std::string error;
  connection->Run(exchange, &error);
  return code;
}

}  // namespace epslice::e2e

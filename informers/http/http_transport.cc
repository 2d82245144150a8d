#include "informers/http/http_transport.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/json.h"
#include "informers/http/http_connection.h"
#include "informers/http/http_pool.h"
#include "informers/http/http_routes.h"
#include "informers/http/line_splitter.h"
#include "informers/rate_limiter.h"

namespace epslice {
namespace {

using Outcome = HttpConnection::Outcome;

Status Unusable(std::string_view reason, std::string_view message) {
  Status s = StatusUnreachable(message);
  s.reason = reason;
  return s;
}

std::string_view View(const absl::Status& s) { return {s.message().data(), s.message().size()}; }

// One call, and how another thread ends it.
class Call {
 public:
  explicit Call(CancelToken* token) : token_(token) {
    if (token_ != nullptr) id_ = token_->Register([this] { Cancel(); });
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (token_ != nullptr) token_->Unregister(id_);
  }

  // From now on cancelling aborts this connection (null: none). False when it
  // was cancelled before.
  bool Use(HttpConnection* connection) {
    std::lock_guard<std::mutex> lock(mu_);
    connection_ = connection;
    return !cancelled_;
  }
  bool cancelled() {
    std::lock_guard<std::mutex> lock(mu_);
    return cancelled_;
  }
  // Waits until `clock` says `time`; false when cancelled before. Looks at the
  // clock now and then, since it need not run as fast as ours.
  bool WaitUntil(const Clock& clock, Instant time) {
    std::unique_lock<std::mutex> lock(mu_);
    while (!cancelled_) {
      const Duration left = time - clock.Now();
      if (left <= Duration::zero()) return true;
      changed_.wait_for(lock, std::min<Duration>(left, std::chrono::milliseconds(50)));
    }
    return false;
  }

 private:
  void Cancel() {
    std::lock_guard<std::mutex> lock(mu_);
    cancelled_ = true;
    if (connection_ != nullptr) connection_->Abort();
    changed_.notify_all();
  }

  CancelToken* const token_;
  int id_ = -1;
  std::mutex mu_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  HttpConnection* connection_ = nullptr;
};

// What a watch's stream came to.
struct WatchStream {
  int code = 0;  // of the head; 0: none came
  HttpReply error;
  LineSplitter lines;
  bool stopped = false;  // on_event wanted no more
  Status failure;        // what made the stream useless
};

}  // namespace

struct HttpTransport::Impl {
  Impl(HttpTransportOptions o, std::string target_prefix, std::unique_ptr<HttpPool> p, const Clock* c)
      : options(std::move(o)),
        clock(c),
        prefix(std::move(target_prefix)),
        pool(std::move(p)),
        bucket(options.qps, options.burst) {}

  Response Do(const Request& request, CancelToken* cancel);
  Status Watch(const Request& request, CancelToken* cancel, const std::function<bool(const WatchEvent&)>& on_event);
  Response DoOnce(const Request& request, const Credentials::Value& who, HttpExchange* exchange, Call* call);
  Status WatchOnce(const Request& request, const Credentials::Value& who, HttpExchange* exchange, Call* call,
                   const std::function<bool(const WatchEvent&)>& on_event);
  HttpExchange Exchange(const Request& request, HttpRequest http) const;
  Status Prepare(CancelToken* cancel, Call* call, Credentials::Value* who, HttpExchange* exchange);
  bool WaitForToken(Call* call);
  bool WaitAsTold(const Request& request, const Status& status, Duration* waited, Call* call) const;
  bool HasFresher(const Status& status, const Credentials::Value& who, CancelToken* cancel) const;
  Outcome Run(const Request& request, const Credentials::Value& who, const HttpExchange& exchange,
              const bool& head_seen, Call* call, std::string* error);
  bool OnWatchData(const Request& request, std::string_view bytes,
                   const std::function<bool(const WatchEvent&)>& on_event, WatchStream* stream) const;
  void Observe(const Request& request, int code, Instant start) const {
    if (options.observe) options.observe(request, code, clock->Now() - start);
  }

  const HttpTransportOptions options;
  const Clock* const clock;
  const std::string prefix;
  const std::unique_ptr<HttpPool> pool;
  std::mutex bucket_mu;
  TokenBucket bucket;
};

HttpExchange HttpTransport::Impl::Exchange(const Request& request, HttpRequest http) const {
  HttpExchange exchange;
  exchange.method = std::move(http.method);
  exchange.target = std::move(http.target);
  exchange.body = std::move(http.body);
  exchange.headers.emplace_back("Accept", "application/json");
  std::string agent = request.userAgent.empty() ? options.user_agent : request.userAgent;
  // No line of its own may begin in a header.
  std::erase_if(agent, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  exchange.headers.emplace_back("User-Agent", std::move(agent));
  if (!http.content_type.empty()) exchange.headers.emplace_back("Content-Type", std::move(http.content_type));
  exchange.read_timeout = options.read_timeout;
  return exchange;
}

bool HttpTransport::Impl::WaitForToken(Call* call) {
  Instant ready = clock->Now();
  {
    std::lock_guard<std::mutex> lock(bucket_mu);
    ready += bucket.Reserve(ready);
  }
  return call->WaitUntil(*clock, ready);
}

// Before each attempt: leave of the rate limiter, and the credentials of now.
Status HttpTransport::Impl::Prepare(CancelToken* cancel, Call* call, Credentials::Value* who, HttpExchange* exchange) {
  if (!WaitForToken(call)) return StatusUnreachable("cancelled before it was sent");
  constexpr std::string_view kHeader = "Authorization";
  std::erase_if(exchange->headers, [=](const auto& header) { return header.first == kHeader; });
  if (options.credentials == nullptr) return Status();
  absl::StatusOr<Credentials::Value> value = options.credentials->Get(cancel);
  if (!value.ok()) return StatusUnreachable(Cat({"no credentials: ", View(value.status())}));
  *who = *std::move(value);
  if (!who->authorization.empty()) exchange->headers.emplace_back(kHeader, who->authorization);
  return Status();
}

// A request that was refused as unauthorized was not executed.
bool HttpTransport::Impl::HasFresher(const Status& status, const Credentials::Value& who, CancelToken* cancel) const {
  return status.code == 401 && options.credentials != nullptr && options.credentials->Refresh(who.generation, cancel);
}

// Nor was one that the server wants to see again later. True after that time,
// where it is not too long.
bool HttpTransport::Impl::WaitAsTold(const Request& request, const Status& status, Duration* waited, Call* call) const {
  const bool put_off = (status.code == 429 || status.code == 503) && status.retryAfterSeconds > 0;
  if (!put_off || request.verb == Verb::kList) return false;
  const std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(options.max_retry_after).count();
  if (status.retryAfterSeconds > most) return false;
  *waited += std::chrono::seconds(status.retryAfterSeconds);
  if (*waited > options.max_retry_after) return false;
  return call->WaitUntil(*clock, clock->Now() + std::chrono::seconds(status.retryAfterSeconds));
}

// Runs the exchange on a connection of the pool, and once more on a new one
// when a kept connection turned out dead before the first byte of an answer.
Outcome HttpTransport::Impl::Run(const Request& request, const Credentials::Value& who, const HttpExchange& exchange,
                                 const bool& head_seen, Call* call, std::string* error) {
  const bool read = request.verb == Verb::kGet || request.verb == Verb::kList || request.verb == Verb::kWatch;
  const Instant start = clock->Now();
  HttpPool::Lease lease = pool->Take(start, who.identity);
  for (;;) {
    const bool kept = lease.connection->open();
    if (!call->Use(lease.connection.get())) {
      call->Use(nullptr);
      *error = "cancelled";
      return Outcome::kNotReached;
    }
    Outcome outcome = Outcome::kBroken;
    try {
      outcome = lease.connection->Run(exchange, error);
    } catch (...) {
      call->Use(nullptr);
      throw;
    }
    const bool cancelled = !call->Use(nullptr);
    if (outcome == Outcome::kDone) {
      if (!cancelled) pool->Return(std::move(lease), clock->Now());
      return outcome;
    }
    // A server that was silent for long is slow, not gone: asking twice would
    // make it slower.
    const bool at_once = clock->Now() - start < exchange.read_timeout / 2;
    if (outcome != Outcome::kBroken || head_seen || !kept || !read || cancelled || !at_once) return outcome;
    lease = pool->Fresh(lease);
  }
}

Response HttpTransport::Impl::Do(const Request& request, CancelToken* cancel) {
  Response response;
  absl::StatusOr<HttpRequest> http = ToHttpRequest(request, prefix);
  if (!http.ok() || request.verb == Verb::kWatch) {
    response.status = StatusBadRequest(http.ok() ? "a watch is no single call" : View(http.status()));
    return response;
  }
  Call call(cancel);
  HttpExchange exchange = Exchange(request, *std::move(http));
  Duration waited{0};
  for (bool refreshed = false;;) {
    Credentials::Value who;
    if (Status status = Prepare(cancel, &call, &who, &exchange); !status.ok()) {
      response.status = std::move(status);
      return response;
    }
    response = DoOnce(request, who, &exchange, &call);
    if (!refreshed && HasFresher(response.status, who, cancel)) {
      refreshed = true;
    } else if (!WaitAsTold(request, response.status, &waited, &call)) {
      return response;
    }
  }
}

Response HttpTransport::Impl::DoOnce(const Request& request, const Credentials::Value& who, HttpExchange* exchange,
                                     Call* call) {
  Response response;
  const Instant start = clock->Now();
  HttpReply reply;
  bool head_seen = false;
  std::string why;  // we stopped
  exchange->on_head = [&](int status, const std::string& retry_after) {
    head_seen = true;
    reply.status = status;
    reply.retry_after = retry_after;
    return true;
  };
  exchange->on_data = [&](std::string_view bytes) {
    if (bytes.size() > options.max_response_bytes - reply.body.size()) {
      why = Cat({"an answer of more than ", std::to_string(options.max_response_bytes), " bytes"});
    } else if (clock->Now() - start > options.call_timeout) {
      why = "an answer that takes too long";
    } else {
      reply.body.append(bytes);
    }
    return why.empty();
  };
  std::string error;
  const Outcome outcome = Run(request, who, *exchange, head_seen, call, &error);
  Observe(request, outcome == Outcome::kDone ? reply.status : 0, start);
  if (options.observe_bytes) options.observe_bytes(request, reply.body.size());
  if (outcome == Outcome::kDone) return FromHttpReply(request, reply, options.keep_json);
  if (!why.empty()) {
    response.status = Unusable("InvalidResponse", why);
  } else {
    response.status = StatusUnreachable(call->cancelled() ? "cancelled" : error);
  }
  return response;
}

// The lines of the stream as events. False: stop reading.
bool HttpTransport::Impl::OnWatchData(const Request& request, std::string_view bytes,
                                      const std::function<bool(const WatchEvent&)>& on_event,
                                      WatchStream* stream) const {
  const auto on_line = [&](std::string_view line) {
    absl::StatusOr<WatchEvent> event = DecodeWatchEventJson(request.kind, line, options.keep_json);
    if (!event.ok()) {
      // Not code 0, after which a watcher would resume and meet it again.
      stream->failure = Unusable("InvalidResponse", View(event.status()));
      stream->failure.code = 502;
      return false;
    }
    stream->stopped = !on_event(*event);
    return !stream->stopped;
  };
  const LineSplitter::Result result = stream->lines.Feed(bytes, on_line);
  if (result == LineSplitter::Result::kTooLong) {
    stream->failure =
        Unusable("InvalidResponse",
                 Cat({"a watch event of more than ", std::to_string(options.max_watch_line_bytes), " bytes"}));
    stream->failure.code = 502;
  }
  return result == LineSplitter::Result::kMore;
}

Status HttpTransport::Impl::Watch(const Request& request, CancelToken* cancel,
                                  const std::function<bool(const WatchEvent&)>& on_event) {
  absl::StatusOr<HttpRequest> http = ToHttpRequest(request, prefix);
  if (!http.ok() || request.verb != Verb::kWatch) {
    return StatusBadRequest(http.ok() ? "not a watch" : View(http.status()));
  }
  Call call(cancel);
  HttpExchange exchange = Exchange(request, *std::move(http));
  for (bool refreshed = false;; refreshed = true) {
    Credentials::Value who;
    if (Status status = Prepare(cancel, &call, &who, &exchange); !status.ok()) return status;
    Status status = WatchOnce(request, who, &exchange, &call, on_event);
    if (refreshed || !HasFresher(status, who, cancel)) return status;
  }
}

Status HttpTransport::Impl::WatchOnce(const Request& request, const Credentials::Value& who, HttpExchange* exchange,
                                      Call* call, const std::function<bool(const WatchEvent&)>& on_event) {
  const Instant start = clock->Now();
  constexpr std::int64_t kHour = 3600;
  const std::int64_t seconds = request.list.timeoutSeconds;
  const Duration longest =
      std::chrono::seconds(seconds > 0 ? std::min(seconds, 24 * kHour) : kHour) + options.watch_grace;
  exchange->read_timeout = longest;
  WatchStream stream{
      .code = 0, .error = {}, .lines = LineSplitter(options.max_watch_line_bytes), .stopped = false, .failure = {}};
  bool head_seen = false;
  exchange->on_head = [&](int status, const std::string& retry_after) {
    head_seen = true;
    stream.code = status;
    stream.error.status = status;
    stream.error.retry_after = retry_after;
    Observe(request, status, start);
    return true;
  };
  exchange->on_data = [&](std::string_view bytes) {
    if (call->cancelled()) return false;
    if (options.observe_bytes) options.observe_bytes(request, bytes.size());
    if (stream.code != 200) {
      constexpr std::size_t kMaxErrorBytes = 64 * 1024;
      stream.error.body.append(bytes.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, stream.error.body.size())));
      return stream.error.body.size() < kMaxErrorBytes;
    }
    if (clock->Now() - start > longest) {
      stream.failure = StatusUnreachable("a watch that does not end when it should");
      return false;
    }
    return OnWatchData(request, bytes, on_event, &stream);
  };
  std::string error;
  const Outcome outcome = Run(request, who, *exchange, head_seen, call, &error);
  if (!head_seen) Observe(request, 0, start);
  if (stream.stopped) return Status();
  if (!stream.failure.ok()) return stream.failure;
  if (call->cancelled()) return StatusUnreachable("cancelled");
  if (stream.code != 0 && stream.code != 200) return StatusFromHttpError(stream.error);
  if (outcome != Outcome::kDone) return StatusUnreachable(error);
  if (stream.lines.has_partial()) return StatusUnreachable("the watch ended in the middle of an event");
  return Status();
}

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransport::~HttpTransport() = default;

absl::StatusOr<std::unique_ptr<HttpTransport>> HttpTransport::Create(HttpTransportOptions options, const Clock* clock) {
  absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(options.base_url);
  if (!endpoint.ok()) return endpoint.status();
  if (!endpoint->tls) options.credentials = nullptr;
  std::string prefix = endpoint->prefix;
  absl::StatusOr<std::unique_ptr<HttpPool>> pool =
      HttpPool::Create({.endpoint = *std::move(endpoint),
                        .connect_timeout = options.connect_timeout,
                        .max_idle = options.max_idle,
                        .tls = {options.ca_pem, options.insecure_skip_tls_verify, {}},
                        .tls_server_name = options.tls_server_name});
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(std::make_unique<Impl>(std::move(options), std::move(prefix), *std::move(pool), clock)));
}

Response HttpTransport::Do(const Request& request, CancelToken* cancel) {
  try {
    return impl_->Do(request, cancel);
  } catch (const std::exception& e) {
    Response response;
    response.status = StatusUnreachable(e.what());
    return response;
  }
}

Status HttpTransport::Watch(const Request& request, CancelToken* cancel,
                            const std::function<bool(const WatchEvent&)>& on_event) {
  try {
    return impl_->Watch(request, cancel, on_event);
  } catch (const std::exception& e) {
    return StatusUnreachable(e.what());
  }
}

}  // namespace epslice

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

// The connections that nobody uses at the moment.
class Pool {
 public:
  Pool(HttpEndpoint endpoint, Duration connect_timeout, Duration max_idle)
      : endpoint_(std::move(endpoint)), connect_timeout_(connect_timeout), max_idle_(max_idle) {}

  std::unique_ptr<HttpConnection> Take(Instant now) {
    std::vector<Idle> dead;  // closed after the lock is gone
    std::lock_guard<std::mutex> lock(mu_);
    auto first_live =
        std::find_if(idle_.begin(), idle_.end(), [&](const Idle& i) { return now - i.since <= max_idle_; });
    std::move(idle_.begin(), first_live, std::back_inserter(dead));
    idle_.erase(idle_.begin(), first_live);
    if (idle_.empty()) return Fresh();
    // The last one used is the least likely to have been closed.
    std::unique_ptr<HttpConnection> connection = std::move(idle_.back().connection);
    idle_.pop_back();
    return connection;
  }
  std::unique_ptr<HttpConnection> Fresh() const {
    return NewHttpConnection(endpoint_.host, endpoint_.port, connect_timeout_);
  }
  void Return(std::unique_ptr<HttpConnection> connection, Instant now) {
    constexpr std::size_t kMost = 64;
    if (!connection->open()) return;
    std::lock_guard<std::mutex> lock(mu_);
    if (idle_.size() < kMost) idle_.push_back(Idle{std::move(connection), now});
  }

 private:
  struct Idle {
    std::unique_ptr<HttpConnection> connection;
    Instant since;
  };
  const HttpEndpoint endpoint_;
  const Duration connect_timeout_;
  const Duration max_idle_;
  std::mutex mu_;
  std::vector<Idle> idle_;  // longest idle first
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
  Impl(HttpTransportOptions o, HttpEndpoint endpoint, const Clock* c)
      : options(std::move(o)),
        clock(c),
        prefix(endpoint.prefix),
        pool(std::move(endpoint), options.connect_timeout, options.max_idle),
        bucket(options.qps, options.burst) {}

  Response Do(const Request& request, CancelToken* cancel);
  Status Watch(const Request& request, CancelToken* cancel, const std::function<bool(const WatchEvent&)>& on_event);
  HttpExchange Exchange(const Request& request, HttpRequest http) const;
  bool WaitForToken(Call* call);
  Outcome Run(const Request& request, const HttpExchange& exchange, const bool& head_seen, Call* call,
              std::string* error);
  bool OnWatchData(const Request& request, std::string_view bytes,
                   const std::function<bool(const WatchEvent&)>& on_event, WatchStream* stream) const;
  void Observe(const Request& request, int code, Instant start) const {
    if (options.observe) options.observe(request, code, clock->Now() - start);
  }

  const HttpTransportOptions options;
  const Clock* const clock;
  const std::string prefix;
  Pool pool;
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

// Runs the exchange on a connection of the pool, and once more on a new one
// when a kept connection turned out dead before the first byte of an answer.
Outcome HttpTransport::Impl::Run(const Request& request, const HttpExchange& exchange, const bool& head_seen,
                                 Call* call, std::string* error) {
  const bool read = request.verb == Verb::kGet || request.verb == Verb::kList || request.verb == Verb::kWatch;
  const Instant start = clock->Now();
  std::unique_ptr<HttpConnection> connection = pool.Take(start);
  for (;;) {
    const bool kept = connection->open();
    if (!call->Use(connection.get())) {
      call->Use(nullptr);
      *error = "cancelled";
      return Outcome::kNotReached;
    }
    Outcome outcome = Outcome::kBroken;
    try {
      outcome = connection->Run(exchange, error);
    } catch (...) {
      call->Use(nullptr);
      throw;
    }
    const bool cancelled = !call->Use(nullptr);
    if (outcome == Outcome::kDone && !cancelled) pool.Return(std::move(connection), clock->Now());
    // A server that was silent for long is slow, not gone: asking twice would
    // make it slower.
    const bool at_once = clock->Now() - start < exchange.read_timeout / 2;
    if (outcome != Outcome::kBroken || head_seen || !kept || !read || cancelled || !at_once) return outcome;
    connection = pool.Fresh();
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
  if (!WaitForToken(&call)) {
    response.status = StatusUnreachable("cancelled before it was sent");
    return response;
  }

  const Instant start = clock->Now();
  HttpExchange exchange = Exchange(request, *std::move(http));
  HttpReply reply;
  bool head_seen = false;
  std::string why;  // we stopped
  exchange.on_head = [&](int status, const std::string& retry_after) {
    head_seen = true;
    reply.status = status;
    reply.retry_after = retry_after;
    return true;
  };
  exchange.on_data = [&](std::string_view bytes) {
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
  const Outcome outcome = Run(request, exchange, head_seen, &call, &error);
  Observe(request, outcome == Outcome::kDone ? reply.status : 0, start);
  if (outcome == Outcome::kDone) return FromHttpReply(request, reply, options.keep_json);
  if (!why.empty()) {
    response.status = Unusable("InvalidResponse", why);
  } else {
    response.status = StatusUnreachable(call.cancelled() ? "cancelled" : error);
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
  if (!WaitForToken(&call)) return StatusUnreachable("cancelled before it was sent");

  const Instant start = clock->Now();
  constexpr std::int64_t kHour = 3600;
  const std::int64_t seconds = request.list.timeoutSeconds;
  const Duration longest =
      std::chrono::seconds(seconds > 0 ? std::min(seconds, 24 * kHour) : kHour) + options.watch_grace;
  HttpExchange exchange = Exchange(request, *std::move(http));
  exchange.read_timeout = longest;
  WatchStream stream{
      .code = 0, .error = {}, .lines = LineSplitter(options.max_watch_line_bytes), .stopped = false, .failure = {}};
  bool head_seen = false;
  exchange.on_head = [&](int status, const std::string& retry_after) {
    head_seen = true;
    stream.code = status;
    stream.error.status = status;
    stream.error.retry_after = retry_after;
    Observe(request, status, start);
    return true;
  };
  exchange.on_data = [&](std::string_view bytes) {
    if (call.cancelled()) return false;
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
  const Outcome outcome = Run(request, exchange, head_seen, &call, &error);
  if (!head_seen) Observe(request, 0, start);
  if (stream.stopped) return Status();
  if (!stream.failure.ok()) return stream.failure;
  if (call.cancelled()) return StatusUnreachable("cancelled");
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
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(std::make_unique<Impl>(std::move(options), *std::move(endpoint), clock)));
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

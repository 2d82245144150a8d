#include "informers/http/http_transport.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

#include "apis/cat.h"
#include "apis/protobuf.h"
#include "apis/status_text.h"
#include "apis/written_slices.h"
#include "informers/http/answer_body.h"
#include "informers/http/http_call.h"
#include "informers/http/http_connection.h"
#include "informers/http/http_pool.h"
#include "informers/http/http_routes.h"
#include "informers/http/reviews.h"
#include "informers/http/watch_decoder.h"
#include "informers/rate_limiter.h"
#include "informers/retry_after.h"

namespace epslice {
namespace {

using Outcome = HttpConnection::Outcome;

Status Unusable(std::string_view reason, std::string_view message) {
  Status s = StatusUnreachable(message);
  s.reason = reason;
  return s;
}

// Whether the server wants no protobuf: not as an answer, or not as a body.
bool RefusesProtobuf(WireFormat format, std::string_view body_type, int code) {
  return format == WireFormat::kProtobuf && (code == 406 || (code == 415 && body_type == kProtobufMediaType));
}

HttpReply Head(const HttpHead& head) {
  return {.status = head.status, .body = {}, .retry_after = head.retry_after, .content_type = head.content_type};
}

// One exchange of a call.
struct Attempt {
  WireFormat format = WireFormat::kJson;
  std::string body_type;  // Content-Type of the request; "" without a body
  Credentials::Value who;
  HttpExchange exchange;
  bool repeatable = false;  // sending it twice does not do it twice
  // Set where the server wants no protobuf; its answer is then of no further
  // interest.
  bool refused = false;
};

}  // namespace

struct HttpTransport::Impl {
  Impl(HttpTransportOptions o, std::string target_prefix, std::unique_ptr<HttpPool> p, const Clock* c)
      : options(std::move(o)),
        clock(c),
        prefix(std::move(target_prefix)),
        pool(std::move(p)),
        bucket(options.qps, options.burst),
        json_only(options.keep_json || FormatOf(options.content_type) != WireFormat::kProtobuf) {}

  using OnEvent = std::function<bool(const WatchEvent&)>;
  Response Do(const Request& request, CancelToken* cancel);
  Status Watch(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
               const OnEvent& on_event);
  Response DoOnce(const Request& request, HttpCall* call, Attempt* attempt);
  Status WatchOnce(const Request& request, HttpCall* call, const std::function<void()>& on_open,
                   const OnEvent& on_event, Attempt* attempt);
  // `json` null: GET, else POST.
  Answer Ask(std::string_view path, const std::string_view* json, CancelToken* cancel);
  // One exchange of a call that ends; an error where no whole answer came.
  Status Fetch(const Request& request, HttpCall* call, Attempt* attempt, HttpReply* reply);
  Status Prepare(const Request& request, CancelToken* cancel, HttpCall* call, Attempt* attempt);
  Status Admit(CancelToken* cancel, HttpCall* call, Attempt* attempt);
  HttpExchange Exchange(const Request& request, HttpRequest http, WireFormat format) const;
  void Remember(const Request& request, const Attempt& attempt);
  void FallBack(const Status& why) {
    if (!json_only.exchange(true) && options.on_fallback) options.on_fallback(why);
  }
  bool WaitForToken(HttpCall* call);
  bool WaitAsTold(const Request& request, const Status& status, Duration* waited, HttpCall* call) const;
  // How long a call waits for credentials.
  Duration Patience() const { return std::min(options.call_timeout, kExecPluginTimeout); }
  bool HasFresher(const Status& status, const Credentials::Value& who, CancelToken* cancel) const;
  Outcome Run(const Attempt& attempt, const bool& head_seen, HttpCall* call, std::string* error);
  void Observe(const Request& request, int code, Instant start) const {
    if (options.observe) options.observe(request, code, clock->Now() - start);
  }
  // Of the answer to this write.
  bool MetadataSuffices(const Request& request) const {
    return options.metadata_of_written_suffices && request.kind == Kind::kEndpointSlice &&
           (request.verb == Verb::kCreate || request.verb == Verb::kUpdate);
  }
  void ObserveBytes(const Request& request, std::size_t bytes) const {
    if (options.observe_bytes) options.observe_bytes(request, bytes);
  }

  const HttpTransportOptions options;
  const Clock* const clock;
  const std::string prefix;
  const std::unique_ptr<HttpPool> pool;
  std::mutex bucket_mu;
  TokenBucket bucket;
  // A few large slices, or many small ones: what is under way at a time.
  WrittenSlices written{std::size_t{256} << 10};
  std::atomic<bool> json_only;
};

HttpExchange HttpTransport::Impl::Exchange(const Request& request, HttpRequest http, WireFormat format) const {
  HttpExchange exchange;
  exchange.method = std::move(http.method);
  exchange.target = std::move(http.target);
  exchange.body = std::move(http.body);
  exchange.headers.emplace_back("Accept", AcceptHeader(request.verb, format, MetadataSuffices(request)));
  if (request.verb == Verb::kList) exchange.headers.emplace_back("Accept-Encoding", "gzip");
  std::string agent = request.userAgent.empty() ? options.user_agent : request.userAgent;
  // No line of its own may begin in a header.
  std::erase_if(agent, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  exchange.headers.emplace_back("User-Agent", std::move(agent));
  if (!http.content_type.empty()) exchange.headers.emplace_back("Content-Type", std::move(http.content_type));
  exchange.read_timeout = options.read_timeout;
  return exchange;
}

void HttpTransport::Impl::Remember(const Request& request, const Attempt& attempt) {
  if (!MetadataSuffices(request) || attempt.body_type != kProtobufMediaType) return;
  if (auto slice = request.object.As<EndpointSlice>()) written.Remember(attempt.exchange.body, std::move(slice));
}

bool HttpTransport::Impl::WaitForToken(HttpCall* call) {
  Instant ready = clock->Now();
  {
    std::lock_guard<std::mutex> lock(bucket_mu);
    ready += bucket.Reserve(ready);
  }
  return call->WaitUntil(*clock, ready);
}

// Before each attempt: the request in the format of now, leave of the rate
// limiter, and the credentials of now.
Status HttpTransport::Impl::Prepare(const Request& request, CancelToken* cancel, HttpCall* call, Attempt* attempt) {
  *attempt = Attempt();
  attempt->format = json_only ? WireFormat::kJson : WireFormat::kProtobuf;
  absl::StatusOr<HttpRequest> http = ToHttpRequest(request, prefix, attempt->format);
  if (!http.ok()) return StatusBadRequest(MessageOf(http.status()));
  attempt->body_type = http->content_type;
  attempt->exchange = Exchange(request, *std::move(http), attempt->format);
  Remember(request, *attempt);
  attempt->repeatable = request.verb == Verb::kGet || request.verb == Verb::kList || request.verb == Verb::kWatch;
  return Admit(cancel, call, attempt);
}

Status HttpTransport::Impl::Admit(CancelToken* cancel, HttpCall* call, Attempt* attempt) {
  if (!WaitForToken(call)) return StatusUnreachable("cancelled before it was sent");
  if (options.credentials == nullptr) return Status();
  absl::StatusOr<Credentials::Value> value = options.credentials->Get(cancel, Patience());
  if (!value.ok()) return StatusUnreachable(Cat({"no credentials: ", MessageOf(value.status())}));
  attempt->who = *std::move(value);
  if (!attempt->who.authorization.empty()) {
    attempt->exchange.headers.emplace_back("Authorization", attempt->who.authorization);
  }
  return Status();
}

// A request that was refused as unauthorized was not executed.
bool HttpTransport::Impl::HasFresher(const Status& status, const Credentials::Value& who, CancelToken* cancel) const {
  return status.code == 401 && options.credentials != nullptr &&
         options.credentials->Refresh(who.generation, cancel, Patience());
}

// Nor was one that the server wants to see again later. True after that time,
// where it is not too long.
bool HttpTransport::Impl::WaitAsTold(const Request& request, const Status& status, Duration* waited,
                                     HttpCall* call) const {
  const Duration asked = status.code == 429 || status.code == 503 ? RetryAfterOf(status) : Duration::zero();
  if (asked == Duration::zero() || request.verb == Verb::kList) return false;
  *waited += asked;
  if (*waited > options.max_retry_after) return false;
  return call->WaitUntil(*clock, clock->Now() + asked);
}

// Runs the exchange on a connection of the pool, and once more on a new one
// when a kept connection turned out dead before the first byte of an answer.
Outcome HttpTransport::Impl::Run(const Attempt& attempt, const bool& head_seen, HttpCall* call, std::string* error) {
  const Instant start = clock->Now();
  HttpPool::Lease lease = pool->Take(start, attempt.who.identity);
  for (;;) {
    const bool kept = lease.connection->open();
    if (!call->Use(lease.connection.get())) {
      call->Use(nullptr);
      *error = "cancelled";
      return Outcome::kNotReached;
    }
    Outcome outcome = Outcome::kBroken;
    try {
      outcome = lease.connection->Run(attempt.exchange, error);
    } catch (...) {
      call->Use(nullptr);
      throw;
    }
    const bool cancelled = !call->Use(nullptr);
    if (outcome == Outcome::kNotReached) pool->NotReached();
    if (outcome == Outcome::kDone) {
      if (!cancelled) pool->Return(std::move(lease), clock->Now());
      return outcome;
    }
    // A server that was silent for long is slow, not gone: asking twice would
    // make it slower.
    const bool at_once = clock->Now() - start < attempt.exchange.read_timeout / 2;
    if (outcome != Outcome::kBroken || head_seen || !kept || !attempt.repeatable || cancelled || !at_once)
      return outcome;
    lease = pool->Fresh(lease);
  }
}

Response HttpTransport::Impl::Do(const Request& request, CancelToken* cancel) {
  Response response;
  if (request.verb == Verb::kWatch) {
    response.status = StatusBadRequest("a watch is no single call");
    return response;
  }
  HttpCall call(cancel);
  Duration waited{0};
  bool refreshed = false;
  for (Attempt attempt;;) {
    if (Status status = Prepare(request, cancel, &call, &attempt); !status.ok()) {
      response.status = std::move(status);
      return response;
    }
    response = DoOnce(request, &call, &attempt);
    if (attempt.refused) {
      FallBack(response.status);
    } else if (!refreshed && HasFresher(response.status, attempt.who, cancel)) {
      refreshed = true;
    } else if (!WaitAsTold(request, response.status, &waited, &call)) {
      return response;
    }
  }
}

Response HttpTransport::Impl::DoOnce(const Request& request, HttpCall* call, Attempt* attempt) {
  HttpReply reply;
  Response response;
  response.status = Fetch(request, call, attempt, &reply);
  ObserveBytes(request, reply.body.size());
  if (!response.status.ok()) return response;
  attempt->refused = RefusesProtobuf(attempt->format, attempt->body_type, reply.status);
  return FromHttpReply(request, reply, options.keep_json, MetadataSuffices(request));
}

Status HttpTransport::Impl::Fetch(const Request& request, HttpCall* call, Attempt* attempt, HttpReply* reply) {
  const Instant start = clock->Now();
  AnswerBody body(options.max_response_bytes, &reply->body);
  bool head_seen = false;
  std::string why;  // we stopped
  attempt->exchange.on_head = [&](const HttpHead& head) {
    head_seen = true;
    *reply = Head(head);
    why = body.Begin(head.content_encoding);
    return why.empty();
  };
  attempt->exchange.on_data = [&](std::string_view bytes) {
    why = clock->Now() - start > options.call_timeout ? "an answer that takes too long" : body.Append(bytes);
    return why.empty();
  };
  std::string error;
  const Outcome outcome = Run(*attempt, head_seen, call, &error);
  Observe(request, outcome == Outcome::kDone ? reply->status : 0, start);
  if (outcome == Outcome::kDone && why.empty()) why = body.End();
  if (!why.empty()) return Unusable("InvalidResponse", why);
  if (outcome != Outcome::kDone) return StatusUnreachable(call->cancelled() ? "cancelled" : error);
  return Status();
}

HttpTransport::Answer HttpTransport::Impl::Ask(std::string_view path, const std::string_view* json,
                                               CancelToken* cancel) {
  Request like;  // what it counts as
  like.verb = json == nullptr ? Verb::kGet : Verb::kCreate;
  HttpCall call(cancel);
  Duration waited{0};
  bool refreshed = false;
  for (;;) {
    Attempt attempt;
    HttpReply reply;
    Answer answer;
    HttpRequest http{json == nullptr ? "GET" : "POST", Cat({prefix, path}), "", ""};
    if (json != nullptr) {
      http.content_type = "application/json";
      http.body = *json;
    }
    attempt.exchange = Exchange(like, std::move(http), WireFormat::kJson);
    attempt.repeatable = true;
    answer.status = Admit(cancel, &call, &attempt);
    if (answer.status.ok()) answer.status = Fetch(like, &call, &attempt, &reply);
    Wipe(&attempt.exchange.body);
    if (answer.status.ok() && (reply.status < 200 || reply.status > 299)) answer.status = StatusFromHttpError(reply);
    if (answer.status.ok()) {
      answer.status.code = reply.status;
      answer.body = std::move(reply.body);
      return answer;
    }
    if (!refreshed && HasFresher(answer.status, attempt.who, cancel)) {
      refreshed = true;
    } else if (!WaitAsTold(like, answer.status, &waited, &call)) {
      return answer;
    }
  }
}

Status HttpTransport::Impl::Watch(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
                                  const OnEvent& on_event) {
  if (request.verb != Verb::kWatch) return StatusBadRequest("not a watch");
  HttpCall call(cancel);
  bool refreshed = false;
  for (Attempt attempt;;) {
    if (Status status = Prepare(request, cancel, &call, &attempt); !status.ok()) return status;
    Status status = WatchOnce(request, &call, on_open, on_event, &attempt);
    if (attempt.refused) {
      FallBack(status);
    } else if (!refreshed && HasFresher(status, attempt.who, cancel)) {
      refreshed = true;
    } else {
      return status;
    }
  }
}

Status HttpTransport::Impl::WatchOnce(const Request& request, HttpCall* call, const std::function<void()>& on_open,
                                      const OnEvent& on_event, Attempt* attempt) {
  const Instant start = clock->Now();
  constexpr std::int64_t kHour = 3600;
  const std::int64_t seconds = request.list.timeoutSeconds;
  const Duration longest =
      std::chrono::seconds(seconds > 0 ? std::min(seconds, 24 * kHour) : kHour) + options.watch_grace;
  attempt->exchange.read_timeout = std::min(longest, options.watch_silence);
  WatchDecoder stream(request.kind, options.max_watch_line_bytes, options.keep_json,
                      options.metadata_of_written_suffices ? &written : nullptr);
  HttpReply reply;  // a body where it is not 200
  bool head_seen = false;
  bool overdue = false;
  Instant heard = start;
  attempt->exchange.on_head = [&](const HttpHead& head) {
    head_seen = true;
    heard = clock->Now();
    reply = Head(head);
    stream.set_content_type(head.content_type);
    Observe(request, head.status, start);
    if (head.status == 200 && on_open && !call->cancelled()) on_open();
    return true;
  };
  attempt->exchange.on_data = [&](std::string_view bytes) {
    if (call->cancelled()) return false;
    ObserveBytes(request, bytes.size());
    if (reply.status != 200) {
      constexpr std::size_t kMaxErrorBytes = 64 * 1024;
      reply.body.append(bytes.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, reply.body.size())));
      return reply.body.size() < kMaxErrorBytes;
    }
    heard = clock->Now();
    overdue = heard - start > longest;
    return !overdue && stream.Feed(bytes, on_event);
  };
  std::string error;
  const Outcome outcome = Run(*attempt, head_seen, call, &error);
  if (!head_seen) Observe(request, 0, start);
  if (stream.stopped()) return Status();
  if (!stream.failure().ok()) return stream.failure();
  if (overdue) return StatusUnreachable("a watch that does not end when it should");
  if (call->cancelled()) return StatusUnreachable("cancelled");
  attempt->refused = head_seen && RefusesProtobuf(attempt->format, attempt->body_type, reply.status);
  if (head_seen && reply.status != 200) return StatusFromHttpError(reply);
  const bool silent = outcome == Outcome::kBroken && clock->Now() - heard >= options.watch_silence;
  if (outcome != Outcome::kDone && !(silent && head_seen)) return StatusUnreachable(error);
  if (stream.has_partial()) return StatusUnreachable("the watch ended in the middle of an event");
  return Status();
}

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransport::~HttpTransport() = default;

absl::StatusOr<std::unique_ptr<HttpTransport>> HttpTransport::Create(HttpTransportOptions options, const Clock* clock) {
  absl::StatusOr<HttpEndpoint> endpoint = ParseHttpUrl(options.base_url);
  if (!endpoint.ok()) return endpoint.status();
  if (options.content_type != "application/json" && options.content_type != kProtobufMediaType) {
    return absl::InvalidArgumentError(Cat({"content type ", QuoteForError(options.content_type),
                                           ": accepted are application/json and ", kProtobufMediaType}));
  }
  if (!endpoint->tls) options.credentials = nullptr;
  std::string prefix = endpoint->prefix;
  absl::StatusOr<std::unique_ptr<HttpPool>> pool =
      HttpPool::Create({.endpoint = *std::move(endpoint),
                        .connect_timeout = options.connect_timeout,
                        .max_idle = options.max_idle,
                        .tls = {options.ca_pem, options.insecure_skip_tls_verify, {}},
                        .ca_file = options.ca_file,
                        .tls_server_name = options.tls_server_name,
                        .proxy = options.proxy});
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

HttpTransport::Answer HttpTransport::Ask(std::string_view path, std::string_view json, CancelToken* cancel) {
  try {
    return impl_->Ask(path, &json, cancel);
  } catch (const std::exception& e) {
    return {StatusUnreachable(e.what()), ""};
  }
}

HttpTransport::Answer HttpTransport::Get(std::string_view path, CancelToken* cancel) {
  try {
    return impl_->Ask(path, nullptr, cancel);
  } catch (const std::exception& e) {
    return {StatusUnreachable(e.what()), ""};
  }
}

Status HttpTransport::Watch(const Request& request, CancelToken* cancel,
                            const std::function<bool(const WatchEvent&)>& on_event) {
  try {
    return impl_->Watch(request, cancel, nullptr, on_event);
  } catch (const std::exception& e) {
    return StatusUnreachable(e.what());
  }
}

Status HttpTransport::WatchAndTell(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
                                   const std::function<bool(const WatchEvent&)>& on_event) {
  try {
    return impl_->Watch(request, cancel, on_open, on_event);
  } catch (const std::exception& e) {
    return StatusUnreachable(e.what());
  }
}

}  // namespace epslice

#include "sim/serve/http_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/protobuf.h"
#include "informers/http/httplib_server.h"
#include "informers/http/httplib_statics.h"
#include "informers/http/server_connection.h"
#include "informers/http/worker_pool.h"
#include "sim/serve/api_handler.h"
#include "sim/serve/audit_trail.h"
#include "sim/serve/bodies.h"
#include "sim/serve/own_writes.h"

namespace epslice::sim {
namespace {

// Longer paths match nothing; checked before cpp-httplib's regular expressions
// see them, which recurse once for each character.
constexpr std::size_t kMaxPathBytes = 1024;
// How long an idle watch waits before it looks whether its client is gone.
constexpr Duration kWatchIdle = std::chrono::seconds(1);
// How long Stop() lets watches end their streams in good order.
constexpr auto kStopGrace = std::chrono::milliseconds(500);
// The ticker's step: an Advance() that becomes due is this late at most.
constexpr Duration kTick = std::chrono::milliseconds(100);
constexpr int kBacklog = 1024;

// What the handlers need to know of the connection their thread serves.
struct Serving {
  ServerConnection* connection = nullptr;
  bool close = false;  // after this request: the rest of its body is unread
};
thread_local Serving serving;

class PoolQueue : public httplib::TaskQueue {
 public:
  explicit PoolQueue(std::size_t max_threads) : pool_(max_threads) {}
  void enqueue(std::function<void()> job) override { pool_.Run(std::move(job)); }
  void shutdown() override { pool_.Shutdown(); }

 private:
  WorkerPool pool_;
};

Status StatusNoMoreWatches(bool stopping) {
  Status status;
  status.retryAfterSeconds = 5;
  if (stopping) {
    status.code = 503;
    status.reason = "ServiceUnavailable";
    status.message = "the server is stopping";
    return status;
  }
  status.code = 429;
  status.reason = "TooManyRequests";
  status.message = "too many watches are running";
  return status;
}

// For what cpp-httplib refuses by itself.
Status StatusOfCode(int code) {
  Status status = StatusBadRequest("the request is not HTTP as this server knows it");
  status.code = code;
  if (code == 413) {
    status.reason = "RequestEntityTooLarge";
    status.message = Cat({"the request body is longer than ", std::to_string(kMaxBodyBytes), " bytes"});
  } else if (code == 414) {
    status.reason = "RequestURITooLong";
    status.message = "the request target is too long";
  } else if (code >= 500) {
    status.reason = "InternalError";
    status.message = "the server failed on this request";
  }
  return status;
}

// A version too old to watch from: as an event of a watch that began, which is
// how the API server says it.
HttpAnswer AnswerExpired(Kind kind, Status status, bool protobuf) {
  WatchEvent event;
  event.type = WatchEventType::kError;
  event.status = std::move(status);
  HttpAnswer answer;
  if (protobuf) {
    answer.content_type = kProtobufWatchMediaType;
    AppendWatchFrame(EncodeWatchEventProtobuf(kind, event), &answer.body);
  } else {
    answer.body = EncodeWatchEventJson(kind, event) + "\n";
  }
  return answer;
}

void Fill(const HttpAnswer& answer, httplib::Response* response) {
  response->status = answer.code;
  response->set_header("Cache-Control", "no-cache, private");
  for (const auto& [key, value] : answer.headers) response->set_header(key, value);
  response->set_content(answer.body, answer.content_type);
}

// Ends a chunked answer. The library makes its last bytes on their first use,
// in a way that ThreadSanitizer cannot see is safe, as Debian's build is not
// instrumented; so the first end of the process comes before all others.
void EndStream(httplib::DataSink* sink) {
  static std::once_flag first;
  bool ended = false;
  std::call_once(first, [&] {
    sink->done();
    ended = true;
  });
  if (!ended) sink->done();
}

}  // namespace

struct HttpServer::Impl : public httplib::Server {
  Impl(const Clock* c, MemoryApiServer* s, HttpServerOptions o)
      : clock(c),
        server(s),
        options(std::move(o)),
        own_documents(c, 1),
        documents(options.documents != nullptr ? options.documents : &own_documents),
        issued(c, options.new_token_secret ? options.new_token_secret : IssuedTokens::RandomSecret),
        access(options.authorization, options.tokens, documents, &issued),
        handler(c, s, documents, &access, options.protobuf, {&issued, options.token_limits}),
        own_writes(options.audit, c, s, options.audit_start) {
    Configure();
  }

  void Configure();
  absl::Status Start();
  void Stop();
  void Tick();

  bool process_and_close_socket(socket_t socket) override;
  void Answer(const httplib::Request& request, std::string body, httplib::Response* response);
  void AnswerWatch(WatchPlan plan, AuditTrail trail, httplib::Response* response);
  void ReadAndAnswer(const httplib::Request& request, httplib::Response* response,
                     const httplib::ContentReader& reader);
  void EndWatch(std::uint64_t id);

  const Clock* const clock;
  MemoryApiServer* const server;
  const HttpServerOptions options;
  DocumentStore own_documents;
  DocumentStore* const documents;
  IssuedTokens issued;
  const AccessControl access;
  ApiHandler handler;
  OwnWrites own_writes;
  int bound_port = 0;
  std::thread listener;
  std::thread ticker;

  std::mutex mu;
  std::condition_variable wake;  // stopping, or a watch ended
  // Below: guarded by mu.
  bool stopping = false;
  std::uint64_t next_id = 0;
  std::map<std::uint64_t, std::weak_ptr<WatchStream>> running;
  std::map<std::uint64_t, ServerConnection*> connections;
};

void HttpServer::Impl::Configure() {
  new_task_queue = [this] { return new PoolQueue(options.max_threads); };
  // The library's default lets two servers share a port without a word.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  set_payload_max_length(kMaxBodyBytes);
  // Only what the Keep-Alive header says: connections are ours.
  set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(options.idle_timeout).count());
  set_keep_alive_max_count(1'000'000);

  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (const std::string problem = HeadProblem(request, serving.connection->head()); !problem.empty()) {
      serving.close = true;
      response.set_header("Connection", "close");
      Fill(AnswerStatus(StatusBadRequest(problem)), &response);
      return HandlerResponse::Handled;
    }
    const bool takes_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH" || request.method == "DELETE";
    if (takes_body && request.path.size() <= kMaxPathBytes) return HandlerResponse::Unhandled;
    if (HasBody(request)) serving.close = true;
    Answer(request, {}, &response);
    return HandlerResponse::Handled;
  });
  const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) { ReadAndAnswer(request, &response, reader); };
  const std::string anything = "[\\s\\S]*";
  Post(anything, with_body);
  Put(anything, with_body);
  Patch(anything, with_body);
  Delete(anything, with_body);
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) Fill(AnswerStatus(StatusOfCode(response.status)), &response);
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    Fill(AnswerStatus(StatusOfCode(500)), &response);
  });
}

absl::Status HttpServer::Impl::Start() {
  MakeHttplibStatics();
  errno = 0;
  bool bound = false;
  if (options.port == 0) {
    bound_port = bind_to_any_port(options.address);
    bound = bound_port > 0;
  } else {
    bound = bind_to_port(options.address, options.port);
    bound_port = bound ? options.port : 0;
  }
  if (!bound) {
    const std::string why = errno == 0 ? "no such address on this machine" : std::strerror(errno);
    bound_port = 0;
    return absl::FailedPreconditionError(
        Cat({"cannot listen on ", options.address, " port ", std::to_string(options.port), ": ", why}));
  }
  // The library's backlog of 5 drops connections when many come at once.
  ::listen(svr_sock_, kBacklog);
  listener = std::thread([this] { listen_after_bind(); });
  // A stop() before the loop runs would be lost.
  while (!is_running()) std::this_thread::yield();
  ticker = std::thread([this] { Tick(); });
  return absl::OkStatus();
}

void HttpServer::Impl::Stop() {
  {
    std::unique_lock<std::mutex> lock(mu);
    stopping = true;
    wake.notify_all();
    for (const auto& [id, weak] : running) {
      if (const auto stream = weak.lock()) stream->Stop();
    }
    wake.wait_for(lock, kStopGrace, [this] { return running.empty(); });
    for (const auto& [id, connection] : connections) connection->Cut();
  }
  if (listener.joinable()) {
    stop();
    listener.join();
  }
  if (ticker.joinable()) ticker.join();
}

void HttpServer::Impl::Tick() {
  Instant next_bookmark = clock->Now() + options.bookmark_period;
  std::unique_lock<std::mutex> lock(mu);
  while (!stopping) {
    lock.unlock();
    const std::optional<Instant> due = options.advance ? server->Advance() : std::nullopt;
    const Instant now = clock->Now();
    if (now >= next_bookmark) {
      server->SendBookmarks();
      documents->SendBookmarks();
      next_bookmark = now + options.bookmark_period;
    }
    Duration wait = kTick;
    if (due.has_value()) wait = std::clamp(*due - now, Duration(std::chrono::milliseconds(1)), kTick);
    lock.lock();
    wake.wait_for(lock, wait, [this] { return stopping; });
  }
}

bool HttpServer::Impl::process_and_close_socket(socket_t socket) {
  ServerConnection connection(
      socket, clock, {options.idle_timeout, options.request_timeout, options.write_timeout, options.max_head_bytes},
      options.tls.get());
  std::uint64_t id = 0;
  {
    std::lock_guard<std::mutex> lock(mu);
    if (stopping) return false;
    id = next_id++;
    connections.emplace(id, &connection);
  }
  serving = Serving{&connection, false};
  const std::unique_ptr<httplib::Stream> stream = MakeConnectionStream(&connection);
  bool good = true;
  bool closed = false;
  while (good && !closed && !serving.close && connection.AwaitRequest()) {
    good = process_request(*stream, false, closed, [&connection](httplib::Request& request) {
      connection.HeadDone();
      NormalizeHead(&request);
    });
  }
  serving = Serving{};
  std::lock_guard<std::mutex> lock(mu);
  connections.erase(id);
  return good;
}

void HttpServer::Impl::ReadAndAnswer(const httplib::Request& request, httplib::Response* response,
                                     const httplib::ContentReader& reader) {
  std::string body;
  // Without a length there is no body; the library would read until the other
  // side closes. Forms it takes apart itself, into nothing we could use.
  if (HasBody(request) && !request.is_multipart_form_data()) {
    bool too_long = false;
    const bool read = reader([&](const char* data, std::size_t size) {
      too_long = body.size() + size > kMaxBodyBytes;
      if (!too_long) body.append(data, size);
      return !too_long;
    });
    if (!read) {
      serving.close = true;
      Fill(AnswerStatus(StatusOfCode(too_long || response->status == 413 ? 413 : 400)), response);
      return;
    }
  } else if (HasBody(request)) {
    serving.close = true;
  }
  Answer(request, std::move(body), response);
}

void HttpServer::Impl::Answer(const httplib::Request& request, std::string body, httplib::Response* response) {
  const Instant begin = clock->Now();
  HttpRequest http;
  http.method = request.method;
  http.target = request.target;
  http.accept = request.get_header_value("Accept");
  http.content_type = request.get_header_value("Content-Type");
  http.user_agent = request.get_header_value("User-Agent");
  http.body = std::move(body);
  AuditTrail trail(options.audit, clock, http, request.remote_addr);
  std::optional<UserInfo> user = access.Authenticate(request.get_header_value("Authorization"));
  trail.OnUser(user);
  Status refused = StatusUnauthorized();
  if (user.has_value()) {
    std::vector<std::string> as_groups;
    for (std::size_t i = 0; i < request.get_header_value_count("Impersonate-Group"); ++i) {
      as_groups.push_back(request.get_header_value("Impersonate-Group", i));
    }
    const std::string as_user = request.get_header_value("Impersonate-User");
    refused = access.Impersonate(as_user, as_groups, &*user);
    if (refused.ok() && !as_user.empty()) trail.OnImpersonated(*user);
    http.user = *std::move(user);
  }
  OwnWrites::Scope scope(&own_writes, trail.attributes());
  HttpAnswer answer = refused.ok() ? handler.Handle(http) : AnswerStatus(refused);
  trail.OnAnswer(&http, &answer);
  scope.Flush();
  if (!trail.id().empty()) answer.headers.emplace_back("Audit-Id", trail.id());
  std::size_t bytes = 0;
  if (answer.watch.has_value()) {
    AnswerWatch(*std::move(answer.watch), std::move(trail), response);
  } else {
    bytes = answer.body.size();
    Fill(answer, response);
  }
  if (serving.close) response->set_header("Connection", "close");
  if (options.access_log == nullptr) return;
  options.access_log(
      {request.remote_addr, http.method, http.target, http.user_agent, response->status, bytes, clock->Now() - begin});
}

void HttpServer::Impl::AnswerWatch(WatchPlan plan, AuditTrail trail, httplib::Response* response) {
  const auto refuse = [&](const HttpAnswer& answer) {
    trail.OnWatchRefused(answer);
    Fill(answer, response);
  };
  std::uint64_t id = 0;
  {
    // A place is taken before the watch begins, so that the bound holds.
    std::unique_lock<std::mutex> lock(mu);
    if (stopping || running.size() >= options.max_watches) {
      const Status status = StatusNoMoreWatches(stopping);
      lock.unlock();
      return refuse(AnswerStatus(status));
    }
    id = next_id++;
    running.emplace(id, std::weak_ptr<WatchStream>());
  }
  Status status;
  const Kind kind = plan.request.kind;
  const bool protobuf = plan.protobuf;
  const ObjectFormat format = protobuf ? ObjectFormat::kProtobuf : ObjectFormat::kJson;
  const std::shared_ptr<WatchStream> stream =
      WatchStream::Start(server, documents, clock, std::move(plan), options.watch_limits, &status);
  if (stream == nullptr) {
    EndWatch(id);
    return refuse(status.code == 410 ? AnswerExpired(kind, status, protobuf) : AnswerStatus(status, format));
  }
  {
    std::lock_guard<std::mutex> lock(mu);
    running[id] = stream;
    if (stopping) stream->Stop();
  }
  trail.OnWatchBegin();
  response->status = 200;
  response->set_header("Cache-Control", "no-cache, private");
  if (!trail.id().empty()) response->set_header("Audit-Id", trail.id());
  response->set_chunked_content_provider(
      protobuf ? std::string(kProtobufWatchMediaType) : "application/json",
      [stream](std::size_t, httplib::DataSink& sink) {
        std::string frames;
        switch (stream->Next(kWatchIdle, &frames)) {
          case WatchStream::Result::kFrames: return sink.write(frames.data(), frames.size());
          case WatchStream::Result::kIdle: return serving.connection != nullptr && serving.connection->PeerAlive();
          case WatchStream::Result::kEnd: EndStream(&sink); return true;
        }
        return false;
      },
      [this, id, trail = std::move(trail)](bool) mutable {
        EndWatch(id);
        trail.OnWatchEnd();
      });
}

void HttpServer::Impl::EndWatch(std::uint64_t id) {
  std::lock_guard<std::mutex> lock(mu);
  running.erase(id);
  wake.notify_all();
}

HttpServer::HttpServer(const Clock* clock, MemoryApiServer* server, HttpServerOptions options)
    : impl_(std::make_unique<Impl>(clock, server, std::move(options))) {}

HttpServer::~HttpServer() { Stop(); }

absl::Status HttpServer::Start() { return impl_->Start(); }

void HttpServer::Stop() { impl_->Stop(); }

int HttpServer::port() const { return impl_->bound_port; }

std::size_t HttpServer::watches() const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  return impl_->running.size();
}

}  // namespace epslice::sim

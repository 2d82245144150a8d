#include "controllers/manager/serving.h"

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "informers/http/certificate_facts.h"
#include "informers/http/httplib_server.h"
#include "informers/http/httplib_statics.h"
#include "informers/http/server_connection.h"
#include "informers/http/server_tls.h"
#include "informers/http/worker_pool.h"

namespace epslice {
namespace {

constexpr int kBacklog = 1024;
// However many wait in line, a connection has so long for a request and its
// answer.
constexpr Duration kFairShare = std::chrono::milliseconds(100);

// Of the connection that this thread serves: whether it ends after this
// request, because the rest of it is unread.
thread_local bool close_connection = false;
// The one that this thread serves.
thread_local const ServerConnection* served = nullptr;
// Set while a connection that is one too many is closed.
thread_local bool turn_away = false;

// Hands connections to threads. `open` counts those it has, served or in line.
// Where too many are in line, the next is turned away.
class PoolQueue : public httplib::TaskQueue {
 public:
  PoolQueue(const ServingOptions& options, std::atomic<std::size_t>* open, std::function<void()> make_room)
      : pool_(options.max_connections),
        most_(options.max_connections + options.max_waiting),
        open_(open),
        make_room_(std::move(make_room)) {}
  void enqueue(std::function<void()> job) override {
    if (*open_ >= most_) {
      turn_away = true;
      job();
      turn_away = false;
      return;
    }
    ++*open_;
    make_room_();
    pool_.Run([this, job = std::move(job)] {
      job();
      --*open_;
    });
  }
  void shutdown() override { pool_.Shutdown(); }

 private:
  WorkerPool pool_;
  const std::size_t most_;
  std::atomic<std::size_t>* const open_;
  const std::function<void()> make_room_;
};

ServingReply PlainReply(int code, std::string text) { return ServingReply{code, std::move(text) + "\n"}; }

void Fill(const ServingReply& reply, httplib::Response* response) {
  response->status = reply.code;
  response->set_header("Cache-Control", "no-cache, private");
  response->set_header("X-Content-Type-Options", "nosniff");
  if (close_connection) response->set_header("Connection", "close");
  response->set_content(reply.body, reply.content_type);
}

}  // namespace

struct Serving::Impl : public httplib::Server {
  Impl(ServingOptions o, const Clock* c, Logger* l) : options(std::move(o)), clock(c), log(l) { Configure(); }

  void Configure();
  absl::Status MakeTls();
  // Of now; null over plain HTTP.
  std::shared_ptr<const TlsContext> Context();
  absl::Status Start();
  void Stop();

  bool process_and_close_socket(socket_t socket) override;
  void Serve(ServerConnection* connection, std::uint64_t id);
  // Ends as many connections as there are in line, those first that began
  // their last request, or were accepted, first.
  void MakeRoom();
  ServingReply Answer(const httplib::Request& request, httplib::Response* response);
  // The handler of the longest path that fits; without one, an empty function.
  std::pair<Serving::Handler, Access> FindHandler(const std::string& path) const;

  struct Open {
    ServerConnection* connection;
    Instant since;
    bool leaving = false;
  };

  const ServingOptions options;
  const Clock* const clock;
  Logger* const log;
  std::unique_ptr<ServerTls> tls;
  int bound_port = 0;
  std::thread listener;
  std::atomic<std::size_t> open{0};  // connections, served or in line

  mutable std::mutex mu;
  // Below: guarded by mu.
  bool stopping = false;
  std::uint64_t sequence = 0;
  std::map<std::uint64_t, Open> connections;  // being served
  std::map<std::string, std::pair<Serving::Handler, Access>> handlers;
};

void Serving::Impl::Configure() {
  new_task_queue = [this] { return new PoolQueue(options, &open, [this] { MakeRoom(); }); };
  // The library's default lets two servers share a port without a word.
  set_socket_options([share = options.permit_port_sharing](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  });
  // Only what the Keep-Alive header says: connections are ours.
  set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(options.idle_timeout).count());
  set_keep_alive_max_count(1'000'000);
  // Everything is answered here, before the library routes or reads a body.
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (HasBody(request)) close_connection = true;
    Fill(Answer(request, &response), &response);
    return HandlerResponse::Handled;
  });
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    // What cannot be read may be anything, and so may what follows.
    close_connection = true;
    Fill(PlainReply(response.status, "bad request"), &response);
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    Fill(PlainReply(500, "internal server error"), &response);
  });
}

absl::Status Serving::Impl::MakeTls() {
  if (!options.tls) return absl::OkStatus();
  ServerTlsOptions how;
  how.files = {options.tls_cert_file, options.tls_private_key_file};
  how.named = options.tls_named;
  how.policy = options.tls_policy;
  how.client_ca_pem = options.client_ca_pem;
  absl::StatusOr<std::unique_ptr<ServerTls>> made = ServerTls::Create(std::move(how), clock);
  if (!made.ok()) return made.status();
  tls = *std::move(made);
  return absl::OkStatus();
}

absl::Status Serving::Impl::Start() {
  MakeHttplibStatics();
  if (absl::Status made = MakeTls(); !made.ok()) return made;
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
        absl::StrCat("cannot listen on ", options.address, " port ", options.port, ": ", why));
  }
  // The library's backlog of 5 drops connections when many come at once.
  ::listen(svr_sock_, kBacklog);
  listener = std::thread([this] { listen_after_bind(); });
  // A stop() before the loop runs would be lost.
  while (!is_running()) std::this_thread::yield();
  return absl::OkStatus();
}

void Serving::Impl::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu);
    stopping = true;
    for (auto& [id, connection] : connections) connection.connection->Cut();
  }
  if (!listener.joinable()) return;
  stop();
  listener.join();
}

void Serving::Impl::MakeRoom() {
  const std::size_t all = open;
  if (all <= options.max_connections) return;
  std::lock_guard<std::mutex> lock(mu);
  std::vector<Open*> staying;
  for (auto& [id, connection] : connections) {
    if (!connection.leaving) staying.push_back(&connection);
  }
  const std::size_t leaving = connections.size() - staying.size();
  std::size_t more = all - options.max_connections;
  more = more > leaving ? std::min(more - leaving, staying.size()) : 0;
  std::sort(staying.begin(), staying.end(), [](const Open* a, const Open* b) { return a->since < b->since; });
  const Instant now = clock->Now();
  for (std::size_t i = 0; i < more; ++i) {
    staying[i]->leaving = true;
    if (now - staying[i]->since >= kFairShare) {
      staying[i]->connection->Cut();
    } else {
      staying[i]->connection->CutAt(staying[i]->since + kFairShare);
    }
  }
}

std::shared_ptr<const TlsContext> Serving::Impl::Context() {
  if (tls == nullptr) return nullptr;
  std::string problem;
  std::shared_ptr<const TlsContext> context = tls->Context(&problem);
  if (!problem.empty()) log->Warning("Serving goes on with the certificate it had", {{"err", problem}});
  return context;
}

bool Serving::Impl::process_and_close_socket(socket_t socket) {
  if (turn_away) {
    ::close(socket);
    return false;
  }
  const std::shared_ptr<const TlsContext> context = Context();
  ServerConnection connection(
      socket, clock, {options.idle_timeout, options.request_timeout, options.write_timeout, options.max_head_bytes},
      context.get());
  std::uint64_t id = 0;
  {
    std::lock_guard<std::mutex> lock(mu);
    if (stopping) return false;
    id = sequence++;
    connections.emplace(id, Open{&connection, clock->Now()});
  }
  MakeRoom();  // there may be more in line behind it
  Serve(&connection, id);
  std::lock_guard<std::mutex> lock(mu);
  connections.erase(id);
  return true;
}

void Serving::Impl::Serve(ServerConnection* connection, std::uint64_t id) {
  close_connection = false;
  served = connection;
  const std::unique_ptr<httplib::Stream> stream = MakeConnectionStream(connection);
  bool good = true;
  bool closed = false;
  while (good && !closed && !close_connection && connection->AwaitRequest()) {
    good = process_request(*stream, false, closed, [&](httplib::Request& request) {
      connection->HeadDone();
      NormalizeHead(&request);
      std::lock_guard<std::mutex> lock(mu);
      connections.at(id).since = clock->Now();
    });
  }
}

ServingReply Serving::Impl::Answer(const httplib::Request& request, httplib::Response* response) {
  if (std::string problem = HeadProblem(request, served->head()); !problem.empty()) {
    close_connection = true;
    return PlainReply(400, std::move(problem));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    close_connection = true;
    response->set_header("Allow", "GET, HEAD");
    return PlainReply(405, "method not allowed");
  }
  const std::optional<HttpQuery> query = ParseTarget(request.target);
  if (!query) return PlainReply(400, "bad request target");
  const auto [handler, access] = FindHandler(query->path);
  // In this order, so that strangers do not learn which paths there are.
  if (options.guard) {
    std::optional<HeaderFields> headers = HeaderFields::Parse(served->head());
    if (!headers) {
      close_connection = true;
      return PlainReply(400, "bad request head");
    }
    if (std::optional<ServingReply> refused =
            options.guard({query->path, request.method, *std::move(headers), served->peer_certificates()})) {
      return *std::move(refused);
    }
  } else if (access == Access::kLocal && !IsLoopback(request.remote_addr)) {
    return PlainReply(403, "forbidden: for clients on this machine only");
  }
  if (handler == nullptr) return PlainReply(404, "404 page not found");
  try {
    return handler(*query);
  } catch (const std::exception& e) {
    log->Error("A request to the serving port failed", {{"path", query->path}, {"err", e.what()}});
    return PlainReply(500, "internal server error");
  }
}

std::pair<Serving::Handler, Serving::Access> Serving::Impl::FindHandler(const std::string& path) const {
  std::lock_guard<std::mutex> lock(mu);
  if (const auto exact = handlers.find(path); exact != handlers.end()) return exact->second;
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const auto folder = handlers.find(path.substr(0, slash + 1));
    if (folder != handlers.end()) return folder->second;
  }
  return {nullptr, Access::kLocal};
}

Serving::Serving(ServingOptions options, const Clock* clock, Logger* log)
    : impl_(std::make_unique<Impl>(std::move(options), clock, log)) {}

Serving::~Serving() { Stop(); }

void Serving::AddHandler(std::string path, Handler handler, Access access) {
  std::lock_guard<std::mutex> lock(impl_->mu);
  impl_->handlers.insert_or_assign(std::move(path), std::make_pair(std::move(handler), access));
}

absl::Status Serving::Start() { return impl_->Start(); }

void Serving::Stop() { impl_->Stop(); }

int Serving::port() const { return impl_->bound_port; }

std::optional<Timestamp> Serving::certificate_ends() const {
  if (impl_->tls == nullptr) return std::nullopt;
  impl_->Context();  // looks whether there are others now
  std::optional<Timestamp> first;
  for (const std::string& pem : impl_->tls->certificate_pems()) {
    const absl::StatusOr<CertificateFacts> facts = ReadCertificateFacts(pem);
    if (facts.ok() && (!first || facts->not_after < *first)) first = facts->not_after;
  }
  return first;
}

}  // namespace epslice

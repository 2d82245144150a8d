// DelegatedAuth: who may ask the serving port for what, as the API server says.
//
// As kube-controller-manager v1.36 does on its port. Who asks, by the first of
// these that names somebody: the headers of a front proxy, a client certificate
// (client_identity.h), a bearer token, which is shown to the API server in a
// TokenReview. Without any one is system:anonymous, in the group
// system:unauthenticated. Then a SubjectAccessReview with the path and the HTTP
// method says whether that user may; who is in system:masters may without a
// question. Answers are remembered for a short while. Paths that are always
// allowed are for everybody, whatever was shown.
//
// What a refused request gets is a Status in JSON: 401 where a certificate or
// token was shown that is nobody's, 403 where its user may not, 500 where the API
// server could not be asked, 503 where too many wait for its answers.
//
// Tokens are kept by their SHA-256 only, and reach neither log nor answer.
#ifndef EPSLICE_CONTROLLERS_MANAGER_DELEGATED_AUTH_H_
#define EPSLICE_CONTROLLERS_MANAGER_DELEGATED_AUTH_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controllers/manager/client_trust.h"
#include "controllers/manager/log.h"
#include "controllers/manager/serving.h"
#include "informers/clock.h"
#include "informers/http/http_transport.h"
#include "informers/http/reviews.h"
#include "informers/transport.h"

namespace epslice {

// Asks an API server; blocks until it answers or does not. Thread-safe.
class Reviewer {
 public:
  virtual ~Reviewer() = default;
  // An error: there was no answer, or none that can be read.
  virtual absl::StatusOr<TokenVerdict> ReviewToken(std::string_view token) = 0;
  virtual absl::StatusOr<AccessVerdict> ReviewAccess(const std::string& review_json) = 0;
};

// Over HTTP. The transports bound the time; they must outlive this.
class HttpReviewer : public Reviewer {
 public:
  HttpReviewer(HttpTransport* authentication, HttpTransport* authorization)
      : authentication_(authentication), authorization_(authorization) {}

  absl::StatusOr<TokenVerdict> ReviewToken(std::string_view token) override;
  absl::StatusOr<AccessVerdict> ReviewAccess(const std::string& review_json) override;
  // Ends calls that run, and fails all later ones. From any thread.
  void Cancel() { cancel_.Cancel(); }

 private:
  absl::StatusOr<std::string> Ask(HttpTransport* transport, std::string_view path, std::string body);

  HttpTransport* const authentication_;
  HttpTransport* const authorization_;
  CancelToken cancel_;
};

struct DelegatedAuthOptions {
  Duration token_ttl = std::chrono::seconds(10);         // --authentication-token-webhook-cache-ttl
  Duration authorized_ttl = std::chrono::seconds(10);    // --authorization-webhook-cache-authorized-ttl
  Duration unauthorized_ttl = std::chrono::seconds(10);  // --authorization-webhook-cache-unauthorized-ttl
  // --authorization-always-allow-paths; "/healthz/*" is all below.
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  // Who may all, without a review: an API server would say nothing else.
  std::vector<std::string> always_allow_groups = {"system:masters"};
  std::size_t max_entries = 4096;  // remembered, of tokens and of access each
  // Requests that wait for the API server at once; well below the connections
  // that are served, so that probes get through while it does not answer.
  std::size_t max_waiting = 16;
  // Called for each request with a client's own certificate, accepted or not: how
  // long it is good for, below 0 where it has ended. From several threads; may be
  // null.
  std::function<void(Duration remaining)> observe_certificate = nullptr;
};

// Thread-safe.
class DelegatedAuth {
 public:
  // All must outlive this. `trust`: null where certificates name nobody.
  DelegatedAuth(DelegatedAuthOptions options, Reviewer* reviewer, ClientTrustSource* trust, const Clock* clock,
                Logger* log);
  ~DelegatedAuth();
  DelegatedAuth(const DelegatedAuth&) = delete;
  DelegatedAuth& operator=(const DelegatedAuth&) = delete;

  // nullopt: let it in; else what to answer. Blocks while the API server is
  // asked. Requests with the same question wait for one answer.
  std::optional<ServingReply> Check(const GuardedRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_DELEGATED_AUTH_H_

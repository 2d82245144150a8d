#include "controllers/manager/delegated_auth.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/status_text.h"
#include "controllers/manager/client_identity.h"
#include "controllers/manager/header_fields.h"
#include "controllers/manager/review_cache.h"

namespace epslice {
namespace {

// Between two lines of log about answers that did not come.
constexpr Duration kQuiet = std::chrono::seconds(10);

ServingReply StatusReply(int code, std::string_view reason, std::string message, std::int64_t retry_after = 0) {
  Status status;
  status.code = code;
  status.reason = reason;
  status.message = std::move(message);
  status.retryAfterSeconds = retry_after;
  return ServingReply{code, EncodeJson(status) + "\n", "application/json"};
}

// As Go's %q prints what is plain text.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  }
  return out + '"';
}

ServingReply Forbidden(const ReviewedUser& user, const GuardedRequest& request, std::string_view verb,
                       std::string_view reason) {
  return StatusReply(403, "Forbidden",
                     Cat({"forbidden: User ", Quoted(user.name), " cannot ", verb, " path ", Quoted(request.path),
                          reason.empty() ? "" : ": ", reason}));
}

// 9999 is far away.
Duration Until(Timestamp end, Timestamp now) {
  std::int64_t nanos = 0;
  if (__builtin_sub_overflow(end.nanos, now.nanos, &nanos)) return end > now ? Duration::max() : Duration::min();
  return Duration(nanos);
}

bool PathMatches(const std::string& rule, std::string_view path) {
  if (rule.empty() || rule.back() != '*') return rule == path;
  return path.substr(0, rule.size() - 1) == std::string_view(rule).substr(0, rule.size() - 1);
}

}  // namespace

absl::StatusOr<std::string> HttpReviewer::Ask(HttpTransport* transport, std::string_view path, std::string body) {
  HttpTransport::Answer answer = transport->Ask(path, body, &cancel_);
  Wipe(&body);
  if (answer.status.ok()) return std::move(answer.body);
  return absl::UnavailableError(Cat({path, ": ", answer.status.ToString()}));
}

absl::StatusOr<TokenVerdict> HttpReviewer::ReviewToken(std::string_view token) {
  absl::StatusOr<std::string> answer = Ask(authentication_, kTokenReviewPath, TokenReviewJson(token));
  if (!answer.ok()) return answer.status();
  absl::StatusOr<TokenVerdict> verdict = ParseTokenReview(*answer);
  Wipe(&*answer);  // servers send the question back with the answer
  return verdict;
}

absl::StatusOr<AccessVerdict> HttpReviewer::ReviewAccess(const std::string& review_json) {
  const absl::StatusOr<std::string> answer = Ask(authorization_, kAccessReviewPath, review_json);
  if (!answer.ok()) return answer.status();
  return ParseAccessReview(*answer);
}

struct DelegatedAuth::Impl {
  Impl(DelegatedAuthOptions o, Reviewer* r, ClientTrustSource* t, const Clock* c, Logger* l)
      : options(std::move(o)),
        reviewer(r),
        trust(t),
        clock(c),
        log(l),
        tokens(options.max_entries),
        accesses(options.max_entries) {}

  // What is remembered, and the questions whose answers are on their way.
  template <typename V>
  struct Memory {
    explicit Memory(std::size_t max_entries) : cache(max_entries) {}
    struct Flight {
      std::optional<absl::StatusOr<V>> answer;
    };
    ReviewCache<V> cache;
    std::map<std::string, std::shared_ptr<Flight>> flights;
  };

  // The answer that is remembered, or that somebody waits for already, or a new
  // one. ResourceExhausted: too many wait.
  template <typename V, typename Ask, typename Ttl>
  absl::StatusOr<V> LookUp(Memory<V>* memory, const std::string& key, Ask ask, Ttl ttl);
  std::optional<ServingReply> Check(const GuardedRequest& request);
  // nullopt, and who asks; or what to answer.
  std::optional<ServingReply> Authenticate(const GuardedRequest& request, ReviewedUser* user);
  ServingReply NoAnswer(const absl::Status& why, std::string_view question);
  ServingReply Nobody(std::string_view why);
  // True once in a while, of all that ask with the same `last`.
  bool MayTell(std::optional<Instant>* last);

  const DelegatedAuthOptions options;
  Reviewer* const reviewer;
  ClientTrustSource* const trust;
  const Clock* const clock;
  Logger* const log;

  std::mutex mu;
  std::condition_variable answered;
  // Below: guarded by mu.
  std::size_t waiting = 0;
  Memory<TokenVerdict> tokens;
  Memory<AccessVerdict> accesses;
  std::optional<Instant> told_of_no_answer;
  std::optional<Instant> told_of_nobody;
};

template <typename V, typename Ask, typename Ttl>
absl::StatusOr<V> DelegatedAuth::Impl::LookUp(Memory<V>* memory, const std::string& key, Ask ask, Ttl ttl) {
  std::shared_ptr<typename Memory<V>::Flight> flight;
  {
    std::unique_lock<std::mutex> lock(mu);
    if (const V* known = memory->cache.Find(key, clock->Now())) return *known;
    if (waiting >= options.max_waiting) return absl::ResourceExhaustedError("too many requests wait");
    const auto [it, mine] = memory->flights.try_emplace(key);
    if (mine) it->second = std::make_shared<typename Memory<V>::Flight>();
    flight = it->second;
    ++waiting;
    if (!mine) {
      answered.wait(lock, [&] { return flight->answer.has_value(); });
      --waiting;
      return *flight->answer;
    }
  }
  absl::StatusOr<V> answer = ask();
  std::lock_guard<std::mutex> lock(mu);
  const Instant now = clock->Now();
  if (answer.ok()) memory->cache.Put(key, *answer, now + ttl(*answer), now);
  memory->flights.erase(key);
  --waiting;
  flight->answer = answer;
  answered.notify_all();
  return answer;
}

bool DelegatedAuth::Impl::MayTell(std::optional<Instant>* last) {
  std::lock_guard<std::mutex> lock(mu);
  const Instant now = clock->Now();
  if (*last && now - **last < kQuiet) return false;
  *last = now;
  return true;
}

ServingReply DelegatedAuth::Impl::NoAnswer(const absl::Status& why, std::string_view question) {
  if (absl::IsResourceExhausted(why)) {
    return StatusReply(503, "ServiceUnavailable", "too many requests wait for the API server's word", 1);
  }
  if (MayTell(&told_of_no_answer)) {
    log->Error("A request to the serving port is refused: no review", {{"of", question}, {"err", MessageOf(why)}});
  }
  return StatusReply(500, "InternalError", Cat({"Internal error occurred: no review of ", question}));
}

// The client is not told why: it may be anybody.
ServingReply DelegatedAuth::Impl::Nobody(std::string_view why) {
  if (MayTell(&told_of_nobody)) log->Info(1, "A request to the serving port is nobody's", {{"err", why}});
  return StatusReply(401, "Unauthorized", "Unauthorized");
}

std::optional<ServingReply> DelegatedAuth::Impl::Authenticate(const GuardedRequest& request, ReviewedUser* user) {
  ClientIdentity shown;
  const Timestamp now = clock->WallNow();
  if (trust != nullptr) shown = IdentifyClient(*trust->Current(), request, now);
  if (shown.certificate_ends && options.observe_certificate) {
    options.observe_certificate(Until(*shown.certificate_ends, now));
  }
  const std::string_view token = BearerToken(request.headers.Get("Authorization"));
  if (shown.user) {
    *user = *std::move(shown.user);
  } else if (!token.empty()) {
    absl::StatusOr<TokenVerdict> verdict = LookUp(
        &tokens, Sha256(token), [&] { return reviewer->ReviewToken(token); },
        [&](const TokenVerdict&) { return options.token_ttl; });
    if (!verdict.ok()) return NoAnswer(verdict.status(), "the token");
    if (!verdict->authenticated) return Nobody("the token is nobody's");
    *user = std::move(verdict->user);
  } else if (!shown.refused.empty()) {
    return Nobody(shown.refused);
  } else {
    *user = {"system:anonymous", "", {"system:unauthenticated"}, {}};
  }
  AddAuthenticatedGroup(user);
  return std::nullopt;
}

std::optional<ServingReply> DelegatedAuth::Impl::Check(const GuardedRequest& request) {
  const auto& open = options.always_allow_paths;
  if (std::any_of(open.begin(), open.end(), [&](const std::string& p) { return PathMatches(p, request.path); })) {
    return std::nullopt;
  }
  ReviewedUser user;
  if (std::optional<ServingReply> refused = Authenticate(request, &user)) return refused;
  const auto& masters = options.always_allow_groups;
  if (std::find_first_of(user.groups.begin(), user.groups.end(), masters.begin(), masters.end()) != user.groups.end()) {
    return std::nullopt;
  }
  const std::string verb = LowerCase(request.method);
  const std::string review = AccessReviewJson(user, request.path, verb);
  const absl::StatusOr<AccessVerdict> verdict = LookUp(
      &accesses, Sha256(review), [&] { return reviewer->ReviewAccess(review); },
      [&](const AccessVerdict& v) { return v.allowed ? options.authorized_ttl : options.unauthorized_ttl; });
  if (!verdict.ok()) return NoAnswer(verdict.status(), "the access");
  if (verdict->allowed) return std::nullopt;
  return Forbidden(user, request, verb, verdict->reason);
}

DelegatedAuth::DelegatedAuth(DelegatedAuthOptions options, Reviewer* reviewer, ClientTrustSource* trust,
                             const Clock* clock, Logger* log)
    : impl_(std::make_unique<Impl>(std::move(options), reviewer, trust, clock, log)) {}
DelegatedAuth::~DelegatedAuth() = default;

std::optional<ServingReply> DelegatedAuth::Check(const GuardedRequest& request) { return impl_->Check(request); }

}  // namespace epslice

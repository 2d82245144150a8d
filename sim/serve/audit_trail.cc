#include "sim/serve/audit_trail.h"

#include <utility>

#include "informers/http/certificates.h"
#include "sim/serve/request_attributes.h"

namespace epslice::sim {

std::string NewAuditId() {
  constexpr int kBytes = 16;
  std::string hex = RandomHex(kBytes);
  if (hex.size() != 2 * kBytes) return hex;
  hex[12] = '4';                                              // version
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];  // variant
  for (const std::size_t at : {8, 13, 18, 23}) hex.insert(at, 1, '-');
  return hex;
}

AuditTrail::AuditTrail(AuditLog* log, const Clock* clock, const HttpRequest& http, std::string source)
    : log_(log), clock_(clock) {
  if (log_ == nullptr) return;
  event_.received = clock->WallNow();
  event_.attributes = AttributesOf(http.method, http.target);
  event_.target = http.target;
  event_.source = std::move(source);
  event_.user_agent = http.user_agent;
}

void AuditTrail::OnUser(std::optional<UserInfo> user) {
  if (log_ == nullptr) return;
  event_.decision = log_->policy().Decide(user.value_or(UserInfo()), event_.attributes);
  if (!on()) return;
  event_.id = NewAuditId();
  event_.user = std::move(user);
  Log(AuditStage::kRequestReceived);
}

void AuditTrail::OnImpersonated(const UserInfo& as) {
  if (on()) event_.impersonated = as;
}

void AuditTrail::OnAnswer(HttpRequest* http, HttpAnswer* answer) {
  if (!on()) return;
  event_.content_type = http->content_type;
  // Of a list it may be megabytes: copied only where it is logged.
  const bool logs_body = event_.decision.level >= AuditLevel::kRequestResponse;
  std::string body = logs_body ? std::string() : std::exchange(answer->body, {});
  event_.answer = *answer;
  if (!logs_body) answer->body = std::move(body);
  if (event_.decision.level >= AuditLevel::kRequest) event_.body = std::move(http->body);
  if (!answer->watch.has_value()) Log(AuditStage::kResponseComplete);
}

void AuditTrail::OnWatchBegin() {
  if (on()) Log(AuditStage::kResponseStarted);
}

void AuditTrail::OnWatchEnd() {
  if (on()) Log(AuditStage::kResponseComplete);
}

void AuditTrail::OnWatchRefused(const HttpAnswer& answer) {
  if (!on()) return;
  std::optional<AccessDecision> decision = std::move(event_.answer->decision);
  event_.answer = answer;
  event_.answer->decision = std::move(decision);
  Log(AuditStage::kResponseComplete);
}

void AuditTrail::Log(AuditStage stage) {
  event_.stage = stage;
  event_.staged = clock_->WallNow();
  log_->Add(event_);
}

}  // namespace epslice::sim

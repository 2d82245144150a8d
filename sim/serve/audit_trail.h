// AuditTrail: one request on its way through the stages of the audit log.
#ifndef EPSLICE_SIM_SERVE_AUDIT_TRAIL_H_
#define EPSLICE_SIM_SERVE_AUDIT_TRAIL_H_

#include <optional>
#include <string>

#include "informers/clock.h"
#include "sim/serve/api_handler.h"
#include "sim/serve/audit_log.h"

namespace epslice::sim {

// A random UUID.
std::string NewAuditId();

// Used by the thread that answers the request. Without a log it does nothing.
class AuditTrail {
 public:
  // Now the request is there. `log` (may be null) and `clock` must outlive this.
  AuditTrail(AuditLog* log, const Clock* clock, const HttpRequest& http, std::string source);

  // Who asks is known (or that nobody knows them): what is logged is decided.
  void OnUser(std::optional<UserInfo> user);
  void OnImpersonated(const UserInfo& as);
  // The request was answered. Its body is taken; the answer is as it was
  // afterwards. Of a watch: it is about to begin, and its end is yet to come.
  void OnAnswer(HttpRequest* http, HttpAnswer* answer);
  // A watch has begun, and ended; or could not begin, and was answered so.
  void OnWatchBegin();
  void OnWatchEnd();
  void OnWatchRefused(const HttpAnswer& answer);

  // What the request is about; empty without a log.
  const AccessAttributes& attributes() const { return event_.attributes; }
  // The event's id; "" where nothing is logged of it.
  const std::string& id() const { return event_.id; }

 private:
  void Log(AuditStage stage);
  bool on() const { return event_.decision.level != AuditLevel::kNone; }

  AuditLog* const log_;
  const Clock* const clock_;
  AuditEvent event_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_AUDIT_TRAIL_H_

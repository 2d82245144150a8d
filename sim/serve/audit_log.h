// The audit log of `serve`: requests as lines of audit.k8s.io/v1 Events, in the
// shape in which a kube-apiserver logs them.
#ifndef EPSLICE_SIM_SERVE_AUDIT_LOG_H_
#define EPSLICE_SIM_SERVE_AUDIT_LOG_H_

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"
#include "sim/serve/api_handler.h"
#include "sim/serve/audit_file.h"
#include "sim/serve/audit_policy.h"

namespace epslice::sim {

// A request at one of its stages.
struct AuditEvent {
  std::string id;
  AuditDecision decision;
  AuditStage stage = AuditStage::kRequestReceived;
  AccessAttributes attributes;
  std::string target;
  std::optional<UserInfo> user;          // none: not authenticated
  std::optional<UserInfo> impersonated;  // as whom they asked
  std::string source;                    // an address
  std::string user_agent;
  Timestamp received, staged;
  // The body as it came.
  std::string content_type, body;
  // From stage ResponseStarted on.
  std::optional<HttpAnswer> answer;
};

// The event as one line, without its end: kind, level, auditID and so on in
// kube-apiserver's order. Bodies as the level says; what was sent is shown as
// it was sent. Objects that are answered in protobuf are shown as JSON.
std::string AuditLine(const AuditEvent& event);

// Thread-safe. Lines are made and written by a thread of its own.
class AuditLog {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

  // `max_bytes`: about what may wait to be written; who adds more waits, so that
  // nothing is lost.
  AuditLog(std::unique_ptr<AuditFile> file, AuditPolicy policy, std::size_t max_bytes = kMaxBytes);
  // Closes.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  const AuditPolicy& policy() const { return policy_; }
  // Where decision and stage say so. Dropped after Close(), and where a write
  // has failed.
  void Add(AuditEvent event);
  // Writes what waits. The error of the first write that failed. Safe to call
  // again.
  absl::Status Close();

 private:
  void Write();

  const AuditPolicy policy_;
  const std::size_t max_bytes_;
  const std::unique_ptr<AuditFile> file_;  // of the writer
  std::mutex mu_;
  std::condition_variable wake_;  // something waits, or room was made
  // Below: guarded by mu_.
  std::vector<AuditEvent> waiting_;
  std::size_t bytes_ = 0;
  bool closing_ = false;
  absl::Status status_;
  std::thread writer_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_AUDIT_LOG_H_

// Which requests go into the audit log of `serve`, and how much of them: the
// policy of kube-apiserver's --audit-policy-file (audit.k8s.io/v1, Policy).
#ifndef EPSLICE_SIM_SERVE_AUDIT_POLICY_H_
#define EPSLICE_SIM_SERVE_AUDIT_POLICY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/cluster/rbac.h"

namespace epslice::sim {

enum class AuditLevel : std::uint8_t { kNone, kMetadata, kRequest, kRequestResponse };
std::string_view AuditLevelName(AuditLevel level);  // "RequestResponse"

enum class AuditStage : std::uint8_t { kRequestReceived, kResponseStarted, kResponseComplete };
inline constexpr std::size_t kAuditStages = 3;
std::string_view AuditStageName(AuditStage stage);

struct AuditDecision {
  AuditLevel level = AuditLevel::kNone;
  std::array<bool, kAuditStages> omit{};  // by stage
  bool Logs(AuditStage stage) const { return level != AuditLevel::kNone && !omit[static_cast<std::size_t>(stage)]; }
};

// Immutable; thread-safe.
class AuditPolicy {
 public:
  // What a replay needs and no more: writes of pods, services, nodes,
  // namespaces and endpointslices whole, of all else by level Metadata, once,
  // when they are answered. Reads are not logged.
  static AuditPolicy Default();
  // A Policy in YAML or JSON. The first rule that matches decides; no rule: not
  // logged. InvalidArgument: "line 3: ...".
  static absl::StatusOr<AuditPolicy> Parse(std::string_view text);

  // Whatever the rules say, requests that may carry secrets (secrets, reviews
  // of tokens, tokens of service accounts) get level Metadata at most.
  AuditDecision Decide(const UserInfo& user, const AccessAttributes& attributes) const;

 private:
  friend struct AuditPolicyParser;
  struct Resources {
    std::string group;
    std::vector<std::string> resources, names;
  };
  struct Rule {
    AuditDecision decision;
    std::vector<std::string> users, groups, verbs, namespaces, paths;
    std::vector<Resources> resources;
  };
  static bool Matches(const Rule& rule, const UserInfo& user, const AccessAttributes& attributes);
  static bool MatchesResource(const Resources& resources, const AccessAttributes& attributes);

  std::vector<Rule> rules_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_AUDIT_POLICY_H_

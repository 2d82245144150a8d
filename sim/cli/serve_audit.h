// The audit log of `serve`: what its flags ask for, made ready.
#ifndef EPSLICE_SIM_CLI_SERVE_AUDIT_H_
#define EPSLICE_SIM_CLI_SERVE_AUDIT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "sim/serve/audit_log.h"

namespace CLI {
class App;
}

namespace epslice::sim {

struct AuditFlags {
  std::string path;  // empty: no log
  std::string policy_file;
  std::int64_t max_size = 0;  // MiB
  std::int64_t max_backup = 0;
  std::int64_t max_age = 0;  // days
};

void AddAuditFlags(CLI::App* app, AuditFlags* flags);

// Null without a path. `clock`: for the names and ages of rotated files; must
// outlive the log. InvalidArgument, one line, where flags do not go together or
// a file is no good.
absl::StatusOr<std::unique_ptr<AuditLog>> OpenAuditLog(const AuditFlags& flags, const Clock* clock);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SERVE_AUDIT_H_

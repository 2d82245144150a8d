// The file of an audit log, rotated as kube-apiserver rotates its own.
#ifndef EPSLICE_SIM_SERVE_AUDIT_FILE_H_
#define EPSLICE_SIM_SERVE_AUDIT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "informers/clock.h"

namespace epslice::sim {

struct AuditRotation {
  std::int64_t max_bytes = 0;     // of the file; 0: it is never rotated
  std::int64_t max_backups = 0;   // rotated files that stay; 0: all
  std::int64_t max_age_days = 0;  // and how old they become, by their names; 0: as old as you like
};

// "audit.jsonl" is appended to. Before a write that would make it longer than
// max_bytes it is renamed to "audit-2026-01-02T03-04-05.678.jsonl" (UTC), and
// begun anew; a line that is longer than that alone has a file to itself. Then,
// and at the start, rotated files are removed as the bounds say: those beside it
// whose names are of this form and no others. What is no plain file (a pipe) is
// never rotated. Not thread-safe.
class AuditFile {
 public:
  // "-" is standard output. New files are their owner's alone to read. `clock`
  // must outlive this. InvalidArgument: it cannot be opened.
  static absl::StatusOr<std::unique_ptr<AuditFile>> Open(std::string path, const AuditRotation& rotation,
                                                         const Clock* clock);
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  // FailedPrecondition: it takes no more, or cannot be rotated.
  absl::Status Write(std::string_view line);

 private:
  AuditFile(std::string path, const AuditRotation& rotation, const Clock* clock)
      : path_(std::move(path)), rotation_(rotation), clock_(*clock) {}
  absl::Status OpenFile();
  absl::Status Rotate();
  void RemoveOld() const;

  const std::string path_;
  const AuditRotation rotation_;
  const Clock& clock_;
  int fd_ = -1;
  bool plain_ = false;
  std::int64_t bytes_ = 0;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_AUDIT_FILE_H_

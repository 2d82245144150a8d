#include "sim/cli/serve_audit.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/client_config.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
constexpr std::int64_t kMostMegabytes = 1'000'000;
constexpr std::int64_t kMostBackups = 1'000'000;
constexpr std::int64_t kMostDays = 36'500;

absl::Status Wrong(std::string_view what, const absl::Status& why) {
  return absl::InvalidArgumentError(Cat({what, ": ", MessageOf(why)}));
}

absl::Status CheckBound(std::string_view flag, std::int64_t value, std::int64_t most) {
  if (value >= 0 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat({flag, "=", std::to_string(value), ": accepted is 0 (no bound) to ", std::to_string(most)}));
}

absl::Status CheckAuditFlags(const AuditFlags& flags) {
  const bool rotates = flags.max_size != 0 || flags.max_backup != 0 || flags.max_age != 0;
  if (flags.path.empty() && !flags.policy_file.empty()) {
    return absl::InvalidArgumentError("--audit-policy-file needs --audit-log-path");
  }
  if (rotates && (flags.path.empty() || flags.path == "-")) {
    return absl::InvalidArgumentError(
        "--audit-log-maxsize, --audit-log-maxbackup and --audit-log-maxage need a file: --audit-log-path FILE");
  }
  absl::Status status = CheckBound("--audit-log-maxsize", flags.max_size, kMostMegabytes);
  status.Update(CheckBound("--audit-log-maxbackup", flags.max_backup, kMostBackups));
  status.Update(CheckBound("--audit-log-maxage", flags.max_age, kMostDays));
  return status;
}

}  // namespace

void AddAuditFlags(CLI::App* app, AuditFlags* flags) {
  app->add_option("--audit-log-path", flags->path,
                  "Append what clients ask for to this file as kube-apiserver does (audit.k8s.io/v1, one JSON line "
                  "each; - for standard output): `run -f` replays it. Credentials are never in it")
      ->type_name("FILE");
  app->add_option("--audit-policy-file", flags->policy_file,
                  "What --audit-log-path logs: a Policy of audit.k8s.io/v1. Without it writes of pods, services, "
                  "nodes, namespaces and endpointslices at level RequestResponse, other writes at level Metadata")
      ->type_name("FILE");
  app->add_option("--audit-log-maxsize", flags->max_size,
                  "Before the log becomes larger than so many megabytes it is renamed, with the time (UTC) before its "
                  "extension, and begun anew; 0: never")
      ->type_name("MB")
      ->capture_default_str();
  app->add_option("--audit-log-maxbackup", flags->max_backup, "So many renamed logs are kept, the latest; 0: all")
      ->type_name("N")
      ->capture_default_str();
  app->add_option("--audit-log-maxage", flags->max_age,
                  "Renamed logs are kept for so many days, as their names tell; 0: for ever")
      ->type_name("DAYS")
      ->capture_default_str();
}

absl::StatusOr<std::unique_ptr<AuditLog>> OpenAuditLog(const AuditFlags& flags, const Clock* clock) {
  if (absl::Status status = CheckAuditFlags(flags); !status.ok()) return status;
  if (flags.path.empty()) return nullptr;
  AuditPolicy policy = AuditPolicy::Default();
  if (!flags.policy_file.empty()) {
    const std::string what = Cat({"--audit-policy-file ", flags.policy_file});
    const absl::StatusOr<std::string> text = ReadFileBounded(flags.policy_file);
    if (!text.ok()) return Wrong(what, text.status());
    absl::StatusOr<AuditPolicy> parsed = AuditPolicy::Parse(*text);
    if (!parsed.ok()) return Wrong(what, parsed.status());
    policy = *std::move(parsed);
  }
  AuditRotation rotation;
  rotation.max_bytes = flags.max_size * kMegabyte;
  rotation.max_backups = flags.max_backup;
  rotation.max_age_days = flags.max_age;
  absl::StatusOr<std::unique_ptr<AuditFile>> file = AuditFile::Open(flags.path, rotation, clock);
  if (!file.ok()) return Wrong("--audit-log-path", file.status());
  return std::make_unique<AuditLog>(*std::move(file), std::move(policy));
}

}  // namespace epslice::sim

#include "sim/serve/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/time_format.h"
#include "sim/serve/write_all.h"

namespace epslice::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::nanoseconds kMillisecond = std::chrono::milliseconds(1);
constexpr std::size_t kStampSize = 23;  // "2026-01-02T03-04-05.678"

std::string Stamp(Timestamp time) {
  std::string text = FormatRfc3339Micro(time).substr(0, kStampSize);
  std::replace(text.begin(), text.end(), ':', '-');
  return text;
}

std::optional<Timestamp> ParseStamp(std::string text) {
  if (text.size() != kStampSize || text[13] != '-' || text[16] != '-') return std::nullopt;
  text[13] = text[16] = ':';
  const absl::StatusOr<Timestamp> time = ParseRfc3339(text + "Z");
  return time.ok() ? std::optional(*time) : std::nullopt;
}

// "audit-" and ".jsonl" of "logs/audit.jsonl".
struct NameParts {
  explicit NameParts(const fs::path& path)
      : before(path.stem().string() + "-"), after(path.extension().string()), folder(path.parent_path()) {
    if (folder.empty()) folder = ".";
  }
  std::string before, after;
  fs::path folder;
};

absl::Status Failed(std::string_view what) {
  return absl::FailedPreconditionError(Cat({what, ": ", std::strerror(errno)}));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditFile>> AuditFile::Open(std::string path, const AuditRotation& rotation,
                                                           const Clock* clock) {
  std::unique_ptr<AuditFile> file(new AuditFile(std::move(path), rotation, clock));
  if (const absl::Status status = file->OpenFile(); !status.ok()) {
    return absl::InvalidArgumentError(std::string(status.message()));
  }
  file->RemoveOld();
  return file;
}

AuditFile::~AuditFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status AuditFile::OpenFile() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = path_ == "-" ? ::dup(STDOUT_FILENO) : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) return Failed(path_);
  struct stat info = {};
  plain_ = path_ != "-" && ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
  bytes_ = plain_ ? info.st_size : 0;
  return absl::OkStatus();
}

absl::Status AuditFile::Write(std::string_view line) {
  const auto size = static_cast<std::int64_t>(line.size());
  if (plain_ && rotation_.max_bytes > 0 && bytes_ > 0 && bytes_ + size > rotation_.max_bytes) {
    if (absl::Status status = Rotate(); !status.ok()) return status;
  }
  bytes_ += size;
  return WriteAll(fd_, line);
}

absl::Status AuditFile::Rotate() {
  const NameParts parts(path_);
  Timestamp time = clock_.WallNow();
  fs::path to;
  std::error_code error;
  // Two files of one millisecond are two files.
  do {
    to = parts.folder / Cat({parts.before, Stamp(time), parts.after});
    time.nanos += kMillisecond.count();
  } while (fs::exists(to, error));
  if (std::rename(path_.c_str(), to.c_str()) != 0) return Failed(to.string());
  if (absl::Status status = OpenFile(); !status.ok()) return status;
  RemoveOld();
  return absl::OkStatus();
}

void AuditFile::RemoveOld() const {
  if (!plain_ || (rotation_.max_backups <= 0 && rotation_.max_age_days <= 0)) return;
  const NameParts parts(path_);
  std::vector<std::pair<Timestamp, fs::path>> rotated;
  std::error_code error;
  // Stepped by hand: ++ in a range-for throws.
  for (fs::directory_iterator it(parts.folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.size() != parts.before.size() + kStampSize + parts.after.size()) continue;
    if (!name.starts_with(parts.before) || !name.ends_with(parts.after)) continue;
    const std::optional<Timestamp> time = ParseStamp(name.substr(parts.before.size(), kStampSize));
    if (time) rotated.emplace_back(*time, it->path());
  }
  // The latest first.
  std::sort(rotated.rbegin(), rotated.rend());
  const std::int64_t now = clock_.WallNow().nanos;
  const std::int64_t oldest = now - std::chrono::nanoseconds(std::chrono::hours(24)).count() * rotation_.max_age_days;
  std::int64_t left = 0;
  for (const auto& [time, path] : rotated) {
    const bool too_many = rotation_.max_backups > 0 && left >= rotation_.max_backups;
    const bool too_old = rotation_.max_age_days > 0 && time.nanos < oldest;
    // One that cannot be removed is no reason to log nothing.
    if (too_many || too_old) {
      fs::remove(path, error);
    } else {
      ++left;
    }
  }
}

}  // namespace epslice::sim

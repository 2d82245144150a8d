#include "informers/http/small_file.h"

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "apis/cat.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxSmallFileBytes = std::size_t{1} << 20;

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(Cat({path, ": cannot be read"}));
  std::string text(kMaxSmallFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::InvalidArgumentError(Cat({path, ": cannot be read"}));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxSmallFileBytes) return absl::InvalidArgumentError(Cat({path, ": longer than 1 MiB"}));
  return text;
}

std::string FileStamp(std::span<const std::string> paths) {
  std::string stamp;
  for (const std::string& path : paths) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) continue;
    for (const std::int64_t part :
         {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
          static_cast<std::int64_t>(info.st_size), static_cast<std::int64_t>(info.st_mtim.tv_sec),
          static_cast<std::int64_t>(info.st_mtim.tv_nsec)}) {
      stamp += std::to_string(part) + ",";
    }
  }
  return stamp;
}

}  // namespace epslice

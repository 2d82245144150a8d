#include "sim/trace/source_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/trace/byte_source.h"

namespace epslice::sim {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDirectoryDepth = 32;
constexpr std::size_t kMaxFiles = 100'000;

bool RemoveSuffix(std::string_view* name, std::string_view suffix) {
  if (name->size() <= suffix.size() || name->substr(name->size() - suffix.size()) != suffix) return false;
  name->remove_suffix(suffix.size());
  return true;
}

void RemoveCompression(std::string_view* name) {
  for (const std::string_view compressed : {".gz", ".zst", ".xz"}) {
    if (RemoveSuffix(name, compressed)) return;
  }
}

enum class DirectoryUse { kDumps, kTraces };

// Directory iterators throw where they have no error_code overload, ++ in a
// range-for being one; so they are stepped by hand.
absl::Status ListDirectory(const fs::path& root, DirectoryUse use, TraceFiles* found) {
  std::error_code error;
  fs::recursive_directory_iterator it(root, error);
  auto& files = found->files;
  const std::size_t before = files.size();
  const bool logs = use == DirectoryUse::kTraces;
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      if (name[0] == '.' || it.depth() >= kMaxDirectoryDepth) it.disable_recursion_pending();
      continue;
    }
    if (name[0] == '.' || !it->is_regular_file(ignored)) continue;
    const bool log = logs && IsLogFileName(name);
    if (log || IsDumpFileName(name)) {
      files.push_back({it->path().string(), log});
    } else if (found->passed_over.size() < kMaxFiles) {
      found->passed_over.push_back(it->path().string());
    }
    if (files.size() > kMaxFiles) {
      return absl::InvalidArgumentError(Concat("holds more than ", kMaxFiles, " files"));
    }
  }
  if (error) return FileError(error.value());
  if (files.size() == before) {
    return absl::InvalidArgumentError(Concat("holds no file whose name ends in .json, .jsonl, .ndjson, ",
                                             logs ? ".log, " : "", ".yaml or .yml (or these with .gz, .zst or .xz)"));
  }
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end(),
            [](const TraceFiles::File& a, const TraceFiles::File& b) { return a.path < b.path; });
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(std::istream& in, std::size_t max_bytes) {
  std::string bytes;
  std::array<char, 64 << 10> chunk;
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    bytes.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > max_bytes) {
      return absl::InvalidArgumentError(Concat("is larger than ", max_bytes, " bytes, the most that is read"));
    }
  }
  if (in.bad()) return FileError(errno == 0 ? EIO : errno);
  return bytes;
}

}  // namespace

bool IsDumpFileName(std::string_view name) {
  if (name.empty() || name[0] == '.') return false;
  RemoveCompression(&name);
  for (const std::string_view format : {".json", ".jsonl", ".ndjson", ".yaml", ".yml"}) {
    if (RemoveSuffix(&name, format)) return true;
  }
  return false;
}

bool IsLogFileName(std::string_view name) {
  if (name.empty() || name[0] == '.') return false;
  RemoveCompression(&name);
  const std::size_t number = name.find_last_not_of("0123456789") + 1;
  if (number > 0 && number < name.size() && name[number - 1] == '.') name.remove_suffix(name.size() - number + 1);
  return RemoveSuffix(&name, ".log");
}

namespace {

absl::StatusOr<TraceFiles> ListFiles(const std::vector<std::string>& sources, DirectoryUse use) {
  TraceFiles found;
  bool standard_input = false;
  for (const std::string& source : sources) {
    if (source == "-") {
      if (standard_input) return absl::InvalidArgumentError("-: standard input can be read only once");
      standard_input = true;
      found.files.push_back({source});
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(source, error);
    if (!fs::exists(status)) {
      const std::size_t colon = source.find(':');
      std::error_code ignored;
      if (colon != std::string::npos && fs::exists(source.substr(colon + 1), ignored)) {
        return absl::InvalidArgumentError(Concat(source, ": there is no preset \"", source.substr(0, colon),
                                                 "\"; accepted are alibaba-dlrm, alibaba-openb, alibaba-openb-nodes, "
                                                 "azure-vmtable and csv(created=COLUMN,...)"));
      }
      const absl::Status why = FileError(error ? error.value() : ENOENT);
      return absl::Status(why.code(), Concat(source, ": ", std::string(why.message())));
    }
    if (!fs::is_directory(status)) {
      found.files.push_back({source});
      continue;
    }
    if (absl::Status s = ListDirectory(source, use, &found); !s.ok()) {
      return absl::Status(s.code(), Concat(source, ": ", std::string(s.message())));
    }
  }
  std::sort(found.passed_over.begin(), found.passed_over.end());
  return found;
}

}  // namespace

absl::StatusOr<TraceFiles> ListTraceFiles(const std::vector<std::string>& sources) {
  return ListFiles(sources, DirectoryUse::kTraces);
}

absl::StatusOr<std::vector<std::string>> ListSourceFiles(const std::vector<std::string>& sources) {
  absl::StatusOr<TraceFiles> found = ListFiles(sources, DirectoryUse::kDumps);
  if (!found.ok()) return found.status();
  std::vector<std::string> files;
  for (TraceFiles::File& file : found->files) files.push_back(std::move(file.path));
  return files;
}

absl::StatusOr<std::string> ReadSourceFile(const std::string& file, std::istream* standard_input,
                                           std::size_t max_bytes) {
  try {
    if (file == "-") return ReadAll(*standard_input, max_bytes);
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) return FileError(errno == 0 ? EIO : errno);
    return ReadAll(in, max_bytes);
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(Concat("cannot be read: ", e.what()));
  }
}

}  // namespace epslice::sim

#include "sim/trace/source_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>

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

// Directory iterators throw where they have no error_code overload, ++ in a
// range-for being one; so they are stepped by hand.
absl::Status ListDirectory(const fs::path& root, std::vector<std::string>* files) {
  std::error_code error;
  fs::recursive_directory_iterator it(root, error);
  const std::size_t before = files->size();
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      if (name[0] == '.' || it.depth() >= kMaxDirectoryDepth) it.disable_recursion_pending();
      continue;
    }
    if (!IsDumpFileName(name) || !it->is_regular_file(ignored)) continue;
    files->push_back(it->path().string());
    if (files->size() > kMaxFiles) {
      return absl::InvalidArgumentError(Concat("holds more than ", kMaxFiles, " files"));
    }
  }
  if (error) return FileError(error.value());
  if (files->size() == before) {
    return absl::InvalidArgumentError(
        "holds no file whose name ends in .json, .jsonl, .yaml or .yml (or these with .gz, .zst or .xz)");
  }
  std::sort(files->begin() + static_cast<std::ptrdiff_t>(before), files->end());
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
  for (const std::string_view compressed : {".gz", ".zst", ".xz"}) {
    if (RemoveSuffix(&name, compressed)) break;
  }
  for (const std::string_view format : {".json", ".jsonl", ".yaml", ".yml"}) {
    if (RemoveSuffix(&name, format)) return true;
  }
  return false;
}

absl::StatusOr<std::vector<std::string>> ListSourceFiles(const std::vector<std::string>& sources) {
  std::vector<std::string> files;
  bool standard_input = false;
  for (const std::string& source : sources) {
    if (source == "-") {
      if (standard_input) return absl::InvalidArgumentError("-: standard input can be read only once");
      standard_input = true;
      files.push_back(source);
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(source, error);
    if (!fs::exists(status)) {
      const absl::Status why = FileError(error ? error.value() : ENOENT);
      return absl::Status(why.code(), Concat(source, ": ", std::string(why.message())));
    }
    if (!fs::is_directory(status)) {
      files.push_back(source);
      continue;
    }
    if (absl::Status s = ListDirectory(source, &files); !s.ok()) {
      return absl::Status(s.code(), Concat(source, ": ", std::string(s.message())));
    }
  }
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

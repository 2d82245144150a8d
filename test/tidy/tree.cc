// The files of the tree, from disk.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "test/tidy/tidy.h"

namespace epslice::tidy {
namespace {

namespace fs = std::filesystem;

// Output, version control, and data recorded elsewhere, which is as it is.
bool IsSkippedFolder(const fs::path& relative) {
  const std::string path = relative.generic_string();
  const std::string name = relative.filename().generic_string();
  return path == "build" || path == ".git" || path == ".cache" || path == "test/testdata" || path == "test/golden" ||
         name == "corpus" || name == "__pycache__";
}

// Text by what it is called; anything else (images, compressed data) is not ours to read.
bool IsText(const fs::path& path) {
  static const char* const kExtensions[] = {".h",  ".cc",  ".cmake", ".txt",  ".md",  ".sh",   ".py",
                                            ".in", ".yml", ".yaml",  ".json", ".css", ".html", ".js"};
  static const char* const kNames[] = {"dev", "run", "Dockerfile", ".clang-tidy", ".clang-format", ".gitignore"};
  return std::find(std::begin(kExtensions), std::end(kExtensions), path.extension().string()) !=
             std::end(kExtensions) ||
         std::find(std::begin(kNames), std::end(kNames), path.filename().string()) != std::end(kNames);
}

}  // namespace

std::vector<SourceFile> ReadTree(const std::string& root) {
  std::vector<SourceFile> files;
  std::error_code error;
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const fs::path relative = fs::path(it->path()).lexically_relative(root);
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      if (IsSkippedFolder(relative)) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(ignored) || !IsText(relative)) continue;
    std::ifstream in(it->path(), std::ios::binary);
    if (!in) continue;
    files.push_back({relative.generic_string(), std::string(std::istreambuf_iterator<char>(in), {})});
  }
  std::sort(files.begin(), files.end(), [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace epslice::tidy

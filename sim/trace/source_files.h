// What -f names: files, directories and standard input, read into memory.
#ifndef EPSLICE_SIM_TRACE_SOURCE_FILES_H_
#define EPSLICE_SIM_TRACE_SOURCE_FILES_H_

#include <cstddef>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice::sim {

// Whether a directory's file of this name is read: .json, .jsonl, .ndjson, .yaml,
// .yml, also with .gz, .zst or .xz after that; not when it begins with a dot.
bool IsDumpFileName(std::string_view name);
// Whether it may be a log: .log, or that and a number (.log.1), compressed or not.
bool IsLogFileName(std::string_view name);

// The files behind `sources`, in order: "-" and files as they are, of a
// directory those with IsDumpFileName() in it and below (32 levels; links to
// directories are not followed), in the order of their paths.
// NotFound, or InvalidArgument for a directory without such a file and for
// more than 100,000 files.
absl::StatusOr<std::vector<std::string>> ListSourceFiles(const std::vector<std::string>& sources);

// The files behind the `sources` of a trace.
struct TraceFiles {
  struct File {
    std::string path;
    // Of a directory, with IsLogFileName(): it may hold no trace.
    bool doubtful = false;
  };
  std::vector<File> files;  // as ListSourceFiles() gives them, and those logs
  // The other files of the directories, but for those that begin with a dot.
  std::vector<std::string> passed_over;
};
// Errors are those of ListSourceFiles().
absl::StatusOr<TraceFiles> ListTraceFiles(const std::vector<std::string>& sources);

// All bytes of a file, or of `standard_input` for "-". Pipes can be read too.
// NotFound, PermissionDenied, or InvalidArgument above `max_bytes`; the message
// does not name the file.
absl::StatusOr<std::string> ReadSourceFile(const std::string& file, std::istream* standard_input,
                                           std::size_t max_bytes);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_SOURCE_FILES_H_

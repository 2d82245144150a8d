// Files that are read again when they change: certificates, mostly.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_SMALL_FILE_H_
#define EPSLICE_INFORMERS_HTTP_SMALL_FILE_H_

#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace epslice {

// The whole of a file of at most 1 MiB. InvalidArgument, one line that
// begins with the path, for all else.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// What is on disk under these paths, in a form that changes with it. Of "" and
// of what is not there: nothing.
std::string FileStamp(std::span<const std::string> paths);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_SMALL_FILE_H_

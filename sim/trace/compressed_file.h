// A file that is written compressed, as its name says.
#ifndef EPSLICE_SIM_TRACE_COMPRESSED_FILE_H_
#define EPSLICE_SIM_TRACE_COMPRESSED_FILE_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace epslice::sim {

// Not thread-safe.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  // Fails (badbit) once the file takes no more. What was written before a flush
  // can be read from the file as it is then, although its end is missing: by
  // zcat, zstdcat and xzcat, which say so. Each flush costs some bytes.
  virtual std::ostream& stream() = 0;
  // Writes what is left; call it once, at the end.
  virtual absl::Status Close() = 0;
};

// Creates or empties the file: gzip for ".gz", zstd for ".zst", xz for ".xz", as
// it is for other names. InvalidArgument where it cannot be written.
absl::StatusOr<std::unique_ptr<OutputFile>> OpenOutputFile(const std::string& file);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_COMPRESSED_FILE_H_

// RunProcess: another program's output, within bounds of size and time.
#ifndef EPSLICE_INFORMERS_HTTP_PROCESS_H_
#define EPSLICE_INFORMERS_HTTP_PROCESS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/transport.h"

namespace epslice {

struct ProcessOptions {
  std::vector<std::string> argv;  // argv[0]: a path, or a name to be found in PATH
  // Beside, or instead of, what our own environment has.
  std::vector<std::pair<std::string, std::string>> env;
  std::size_t max_output_bytes = std::size_t{1} << 20;
  Duration timeout = std::chrono::seconds(60);
};

// Runs it without a shell, its input empty, its standard error ours, and
// returns what it wrote to standard output. A process that writes or takes too
// much, or is not wanted any more (`cancel`, may be null), is killed together
// with those it started in its process group.
// NotFound: there is no such program; otherwise FailedPrecondition. Errors hold
// nothing of the arguments, the environment or the output.
// Thread-safe. Blocks.
absl::StatusOr<std::string> RunProcess(const ProcessOptions& options, const Clock* clock, const CancelToken* cancel);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_PROCESS_H_

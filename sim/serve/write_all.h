// Bytes into a file descriptor.
#ifndef EPSLICE_SIM_SERVE_WRITE_ALL_H_
#define EPSLICE_SIM_SERVE_WRITE_ALL_H_

#include <string_view>

#include "absl/status/status.h"

namespace epslice::sim {

// All of `text`, in as many writes as it takes. FailedPrecondition: the
// system's words for why not.
absl::Status WriteAll(int fd, std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_WRITE_ALL_H_

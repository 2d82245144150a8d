// The text of a status. Apart from cat.h, which most of the tree reads and which
// knows nothing of abseil.
#ifndef EPSLICE_APIS_STATUS_TEXT_H_
#define EPSLICE_APIS_STATUS_TEXT_H_

#include <string_view>

#include "absl/status/status.h"

namespace epslice {

// status.message() as std's string_view, which abseil's own is not where it was
// built for C++14. Valid as long as `status` and what was copied from it.
inline std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace epslice

#endif  // EPSLICE_APIS_STATUS_TEXT_H_

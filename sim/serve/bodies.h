// Request bodies: from bytes to what a Request takes, and no further than they
// deserve. Pure.
#ifndef EPSLICE_SIM_SERVE_BODIES_H_
#define EPSLICE_SIM_SERVE_BODIES_H_

#include <cstddef>
#include <string_view>

#include "apis/request.h"
#include "sim/serve/routes.h"

namespace epslice::sim {

// What the API server takes (etcd's limit, with room): longer is 413.
inline constexpr std::size_t kMaxBodyBytes = std::size_t{3} << 20;

// Fills route->request from the body of a write. `content_type` is the header.
// Create, update: an object of the route's kind; its kind, apiVersion,
// namespace and name must agree with the path (400). Patch: the bytes and
// their type. Delete, eviction: DeleteOptions. Binding: the node.
// Not ok: what to answer (400, 415).
Status ReadBody(std::string_view content_type, std::string_view body, Route* route);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_BODIES_H_

// What a client asks before it asks for objects: which groups and resources
// there are, what version this is, whether it is healthy. Pure; the same for
// every server.
//
// Discovery lists what is served and nothing else, so `kubectl api-resources`
// tells the truth. Aggregated discovery (KEP-3352) in both versions. OpenAPI v3
// has paths but no schemas, enough for kubectl to apply and create; `kubectl
// explain` needs a real server, and so does the validation of unknown fields.
#ifndef EPSLICE_SIM_SERVE_DISCOVERY_H_
#define EPSLICE_SIM_SERVE_DISCOVERY_H_

#include <optional>
#include <string>
#include <string_view>

#include "sim/serve/negotiate.h"

namespace epslice::sim {

struct Document {
  std::string content_type;
  std::string body;
};

// The document at `path` (percent-decoded, no trailing slash; "" is the root),
// or nullopt: 404. `format` matters for /api and /apis; `verbose` for the
// health checks /healthz, /livez and /readyz.
std::optional<Document> FindDocument(std::string_view path, DiscoveryFormat format, bool verbose);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_DISCOVERY_H_

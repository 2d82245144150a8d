// What `serve --state FILE` keeps from one run to the next: every object and
// the resourceVersion, as etcd would.
//
// The file is JSON lines: first {"apiVersion":"epslice.dev/v1","kind":
// "ServeState","resourceVersion":"N"}, then an object a line, so that it can be
// read as a dump, too (`-f FILE`).
#ifndef EPSLICE_SIM_CLI_SERVE_STATE_H_
#define EPSLICE_SIM_CLI_SERVE_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/object.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {

struct ServeState {
  std::uint64_t resource_version = 0;  // 0: there was no file
  std::vector<AnyObject> objects;
  std::vector<DumpDocument> documents;
};

// A file that is not there is an empty state; InvalidArgument, in one line,
// where it is no state.
absl::StatusOr<ServeState> ReadServeState(const std::string& path);

// Writes all that the server and the store hold. The old file stays until the new one is
// whole.
absl::Status WriteServeState(const std::string& path, MemoryApiServer* server, const DocumentStore& documents);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SERVE_STATE_H_

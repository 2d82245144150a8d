// What `serve` serves: a dump as it is, what was kept from the last time, or a
// scenario or trace that goes on in real time.
#ifndef EPSLICE_SIM_CLI_SERVE_CLUSTER_H_
#define EPSLICE_SIM_CLI_SERVE_CLUSTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/kind.h"
#include "informers/clock.h"
#include "sim/cli/command.h"
#include "sim/cluster/document_kinds.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/run/live_run.h"

namespace epslice::sim {

struct ServeInput {
  std::vector<std::string> files;  // a dump; a trace where `speed` or `scenario` is there
  std::vector<Kind> without;       // left out of them
  std::string scenario;            // a name or a file; empty: none
  std::optional<double> speed;
  std::string state;  // the file that is gone on from, if it is there; empty: none
  std::optional<std::uint64_t> seed;
  std::size_t watch_history = 0;
  bool bootstrap_policy = false;  // the roles that every cluster has
  // Told of what happens in it, as LiveRunOptions has it.
  std::function<void(Instant at, const std::string& what)> log;

  // Something happens by itself.
  bool live() const { return !scenario.empty() || speed.has_value(); }
};

struct ServedCluster {
  std::unique_ptr<LiveRun> live;            // null: nothing happens by itself
  std::unique_ptr<MemoryApiServer> memory;  // null with `live`, which has its own
  std::unique_ptr<DocumentStore> documents;
  const Clock* clock = nullptr;  // what to serve it by
  MemoryApiServer* server = nullptr;
  // What it began with.
  std::array<std::size_t, kAllKinds.size()> objects{};
  std::map<const DocumentKind*, std::size_t> kept;
  // "2 nodes, 1 service".
  std::string Describe() const;
};

// `clock` must outlive the cluster. Notes about a dump go to `streams.err`. InvalidArgument
// (NotFound) with one line.
absl::StatusOr<ServedCluster> MakeServedCluster(const ServeInput& input, const Clock* clock, const Streams& streams);

// A number greater than 0, up to a million; InvalidArgument says so.
absl::StatusOr<double> ParseSpeed(const std::string& text);

// A kind by what kubectl calls it: "endpointslices", "EndpointSlice", "svc".
std::optional<Kind> KindByName(std::string name);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_SERVE_CLUSTER_H_

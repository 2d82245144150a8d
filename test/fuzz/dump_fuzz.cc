// Any bytes as a dump: read, or refused with one line; the same each time; and
// what was read can be planned for.
#include <string>

#include "controllers/endpointslice/slice_diff.h"
#include "sim/cluster/dump_cluster.h"
#include "sim/trace/dump_reader.h"
#include "test/fuzz/check.h"

using epslice::fuzz::Check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = epslice::fuzz::Input(data, size);
  epslice::sim::DumpOptions options;
  options.max_file_bytes = std::size_t{1} << 20;
  options.keep_json = true;
  const absl::StatusOr<epslice::sim::Dump> dump = epslice::sim::ReadDumpText("input", bytes, options);
  if (!dump.ok()) {
    const std::string message(dump.status().message());
    Check(message.rfind("input: ", 0) == 0, "an error names the file");
    Check(message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  const epslice::ReconcileConfig config;
  const epslice::sim::DumpCluster cluster = epslice::sim::MakeDumpCluster(*dump, config);
  for (const epslice::ReconcileInput& input : cluster.inputs) {
    const epslice::Plan plan = epslice::Reconcile(input, config);
    epslice::DiffService(input, plan);
  }
  const absl::StatusOr<epslice::sim::Dump> again = epslice::sim::ReadDumpText("input", bytes, options);
  Check(again.ok() && again->objects.size() == dump->objects.size(), "reading is deterministic");
  return 0;
}

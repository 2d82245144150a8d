// CSV tables as traces: which sources are such, by their preset, and what is
// made of them.
//
//   alibaba-dlrm:FILE          instances of cluster-trace-gpu-v2025
//   alibaba-openb:FILE         pods of cluster-trace-gpu-v2023 (openb)
//   alibaba-openb-nodes:FILE   its nodes; go with either, or with any other
//   azure-vmtable:FILE         the VMs of the Azure public dataset V1
//   csv(created=C,deleted=D,app=A[,scheduled=S]):FILE
//                              any other table, its columns named
// What the tables lack (zones, nodes, placement, readiness, Services) is made
// up by rules that the summary states; docs/traces.md says more.
#ifndef EPSLICE_SIM_TRACE_CSV_READER_H_
#define EPSLICE_SIM_TRACE_CSV_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/trace/csv_table.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

class CsvSources {
 public:
  // Keeps `source` if it begins with a preset; false where it does not.
  // InvalidArgument for a column map that makes no sense.
  absl::StatusOr<bool> Take(const std::string& source);
  bool empty() const { return instances_.empty() && !nodes_; }
  absl::StatusOr<std::unique_ptr<TraceReader>> Open(const TraceOptions& options) const;

 private:
  struct Table {
    std::string preset;
    std::string file;
    ColumnMap columns;
  };
  std::vector<Table> instances_;
  std::optional<std::string> nodes_;
};

// Events from the tables; `nodes` empty: they are made up too.
std::unique_ptr<TraceReader> MakeLifetimesReader(const std::string& preset, InstanceTable table,
                                                 std::vector<NodeRow> nodes, std::uint64_t seed, TraceSummary summary);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_CSV_READER_H_

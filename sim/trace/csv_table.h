// Tables of instances' lifetimes, and of nodes, as CSV.
#ifndef EPSLICE_SIM_TRACE_CSV_TABLE_H_
#define EPSLICE_SIM_TRACE_CSV_TABLE_H_

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/trace/record_stream.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Which columns mean what. A column is named by the header or, where there is
// none, by its number from 1.
struct ColumnMap {
  std::string created;           // seconds since the beginning; empty: before it
  std::string scheduled;         // "": as soon as it is created
  std::string deleted;           // empty: after the end
  std::vector<std::string> app;  // instances equal in these are one Service
  std::string phase;             // "": all run; else Pending never does
  bool header = true;
};

struct Instance {
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kBefore = std::numeric_limits<std::int64_t>::min();
  // Nanoseconds since the beginning. Never scheduled: it stays pending.
  std::int64_t created = kBefore, scheduled = kBefore, deleted = kNever;
  std::uint32_t app = 0;
  std::uint32_t row = 0;  // from 0
};

struct InstanceTable {
  std::vector<Instance> instances;  // by creation, then row
  std::vector<std::string> apps;    // names of Services
};

struct NodeRow {
  std::string name;
  std::int64_t cpu_milli = 0;
};

// Errors name the table and the line. Rows that make no sense are counted in
// `summary`.
absl::StatusOr<InstanceTable> ReadInstances(RecordStream* stream, const ColumnMap& map, TraceSummary* summary);
absl::StatusOr<std::vector<NodeRow>> ReadNodes(RecordStream* stream, const std::string& name_column,
                                               const std::string& cpu_milli_column);

// The fields of a line, quotes resolved (RFC 4180, without line ends in fields).
// `open_quote`, unless null: whether the last field's quote does not end.
std::vector<std::string> SplitCsv(std::string_view line, bool* open_quote = nullptr);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_CSV_TABLE_H_

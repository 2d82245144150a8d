// TraceWriter: events as our JSON lines (docs/traces.md).
#ifndef EPSLICE_SIM_TRACE_TRACE_WRITER_H_
#define EPSLICE_SIM_TRACE_TRACE_WRITER_H_

#include <ostream>
#include <string>

#include "sim/trace/trace.h"

namespace epslice::sim {

// Not thread-safe. Whether the lines arrived is for the owner of the stream to
// see.
class TraceWriter {
 public:
  // `out` is not owned.
  explicit TraceWriter(std::ostream* out) : out_(*out) {}

  // The first line.
  void Header() { Header({}); }
  // Once more, at the end: what was made up, skipped and noted until then, so
  // that it is not lost to who reads the lines. Of `summary` the rest counts for
  // nothing.
  void Header(const TraceSummary& summary);
  // The kept JSON of the object where there is one, else its struct.
  void Write(const TraceEvent& event);

 private:
  std::ostream& out_;
  std::string line_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TRACE_WRITER_H_

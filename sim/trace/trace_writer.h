// TraceWriter: events as our JSON lines (docs/traces.md).
#ifndef EPSLICE_SIM_TRACE_TRACE_WRITER_H_
#define EPSLICE_SIM_TRACE_TRACE_WRITER_H_

#include <ostream>
#include <string>
#include <vector>

#include "sim/trace/trace.h"

namespace epslice::sim {

// Not thread-safe. Whether the lines arrived is for the owner of the stream to
// see.
class TraceWriter {
 public:
  // `out` is not owned.
  explicit TraceWriter(std::ostream* out) : out_(*out) {}

  // The first line. It may come again, at the end: what was made up adds up.
  void Header(const std::vector<std::string>& made_up);
  // The kept JSON of the object where there is one, else its struct.
  void Write(const TraceEvent& event);

 private:
  std::ostream& out_;
  std::string line_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TRACE_WRITER_H_

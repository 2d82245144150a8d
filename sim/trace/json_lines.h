// On which line of a JSON text an object of a dump stands.
//
// For error messages only: the text is read again, byte by byte, when
// something in it turned out to be wrong.
#ifndef EPSLICE_SIM_TRACE_JSON_LINES_H_
#define EPSLICE_SIM_TRACE_JSON_LINES_H_

#include <cstddef>
#include <string_view>

namespace epslice::sim {

// The line (from 1) of the object that VisitDumpJson() visits as number
// `index` (from 0), or of a field in it, as far as the path "spec.ports[0].port"
// leads. 0 when there is no such object. Any text will do; it need not be JSON.
std::size_t LineOfDumpObject(std::string_view json, std::size_t index, std::string_view field);

// The field in a message as "Node a: status.allocatable.cpu: ..."; "" where it
// names none.
std::string_view FieldOfMessage(std::string_view message);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_JSON_LINES_H_

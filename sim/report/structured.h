// JSON text in the forms that -o json and -o yaml print.
#ifndef EPSLICE_SIM_REPORT_STRUCTURED_H_
#define EPSLICE_SIM_REPORT_STRUCTURED_H_

#include <ostream>
#include <string>
#include <string_view>

namespace epslice::sim {

// `json`, which is one JSON value without white space between its parts,
// indented by two, with a line end.
std::string IndentJson(std::string_view json);

// `json` as a YAML document, keys in the same order. Strings that a YAML 1.1
// reader would take for another type, or for syntax, are quoted. `json` must
// be valid JSON as JsonWriter makes it.
std::string JsonToYaml(std::string_view json);

enum class OutputFormat { kTable, kJson, kYaml };

// `json` in the given format; kTable is for the caller to print.
void PrintStructured(std::string_view json, OutputFormat format, std::ostream& out);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_STRUCTURED_H_

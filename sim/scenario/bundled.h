// The scenarios that come with the program, and scenarios by name or file.
#ifndef EPSLICE_SIM_SCENARIO_BUNDLED_H_
#define EPSLICE_SIM_SCENARIO_BUNDLED_H_

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/scenario/scenario.h"

namespace epslice::sim {

struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

// The files of sim/scenario/bundled, by name ("zone-outage"); each parses.
const std::vector<EmbeddedFile>& BundledScenarios();

// What --scenario names: a bundled scenario, or a file (a name with '/' or '.'
// in it; "-" is `standard_input`, or std::cin where that is null). Traffic
// tables that it names are looked for beside the file. NotFound says which
// scenarios there are.
absl::StatusOr<Scenario> LoadScenario(const std::string& name, std::istream* standard_input = nullptr);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_BUNDLED_H_

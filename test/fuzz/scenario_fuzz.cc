// Any text is a scenario or one line that says why it is none, and where.
#include <string>

#include "sim/scenario/scenario.h"
#include "test/fuzz/check.h"

using epslice::fuzz::Check;
using epslice::sim::ParseScenario;
using epslice::sim::Scenario;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = epslice::fuzz::Input(data, size);
  // A table that a scenario names is as hostile as the scenario.
  const auto read = [text](const std::string& /*path*/) -> absl::StatusOr<std::string> { return std::string(text); };
  const absl::StatusOr<Scenario> scenario = ParseScenario("s.yaml", text, read);
  if (!scenario.ok()) {
    const std::string message(scenario.status().message());
    Check(message.rfind("s.yaml: ", 0) == 0, "an error names the file");
    Check(message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  Check(scenario->pods != nullptr, "there is always a behaviour of pods");
  for (const auto& service : scenario->services) {
    Check(service.behaviour != nullptr, "each Service has one, too");
    Check(!service.KeyOf(service.count).name.empty(), "a Service has a name");
  }
  return 0;
}

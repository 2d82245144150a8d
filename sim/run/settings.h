// Settings: what `--set key=value` can change, in one table.
//
// The controller's own settings have the names of its flags
// ("max-endpoints-per-slice", "endpointslice-updates-batch-period",
// "concurrent-service-endpoint-syncs", "kube-api-qps", "hints-policy", ...) and
// take what those take; the models' have names of their own ("watch-latency",
// "proxy-sync-period", ...). docs/simulator.md lists all, and a test holds the
// list against the table.
#ifndef EPSLICE_SIM_RUN_SETTINGS_H_
#define EPSLICE_SIM_RUN_SETTINGS_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "sim/dataplane/data_plane_options.h"
#include "sim/engine/simulation.h"

namespace epslice::sim {

// A Go duration ("500ms", "1m30s") that is not negative, up to 100 years; nullopt
// otherwise.
std::optional<Duration> ParseSpan(std::string_view text);

struct Settings {
  SimulationOptions simulation;
  DataPlaneOptions data_plane;
  // With --against-recording: where the trace tells how long requests took,
  // watch and write latency are stretched as those grow and shrink.
  bool follow_api_pace = true;
  // Flags of the controller that were set and change nothing (unused_flags.h).
  std::set<std::string> unused;

  // InvalidArgument says which keys there are, or what the key accepts. Whatever is
  // given for a flag of the controller that changes nothing here is accepted.
  absl::Status Set(std::string_view key, std::string_view value);
  // "key=value".
  absl::Status SetPair(std::string_view pair);
  // A sentence about `unused`; empty where none is.
  std::string UnusedNote() const;
  // Every key with its value as it is now, by key.
  std::vector<std::pair<std::string, std::string>> Effective() const;
};

struct SettingDoc {
  std::string key;
  std::string accepts;  // "1 to 1000", "a duration: 500ms", "auto, resilient"
  std::string meaning;  // one sentence
  std::string preset;
};
// By key.
const std::vector<SettingDoc>& AllSettings();

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_SETTINGS_H_

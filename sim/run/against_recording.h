// A recording of a real controller beside a simulation of ours.
//
// The trace holds what happened to the cluster and what the controller of that
// cluster wrote. The first is replayed; the second is what the simulated
// controller's writes are compared with. docs/faithfulness.md says what is
// compared, how, and what the models stand for.
#ifndef EPSLICE_SIM_RUN_AGAINST_RECORDING_H_
#define EPSLICE_SIM_RUN_AGAINST_RECORDING_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/run/recorded_controller.h"
#include "sim/run/recorded_flags.h"
#include "sim/run/settings.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

struct AgainstRecording {
  struct ServiceWrites {
    ObjectKey service;
    WriteCounts recorded, simulated;
  };
  std::vector<ServiceWrites> writes;  // by Service
  // Of the recorded writes those that the trace tells without their slices; and
  // beside them the ones of which nothing tells the Service: writes.recorded is
  // short by these.
  WriteCounts without_slice, not_counted;
  // From the change of a pod to the slice write that shows it (ShowLatency);
  // nanoseconds.
  using Latencies = ShownAfter;
  Latencies recorded_latency, simulated_latency;
  // What consumers would see of a Service that is not the same in the end.
  struct EndDifference {
    ObjectKey service;
    std::string what;
  };
  std::vector<EndDifference> differences;
  std::string digest;
  TraceSummary trace;
  std::vector<std::string> notes;
  // Those with which it ran.
  std::vector<std::pair<std::string, std::string>> settings;

  WriteCounts RecordedTotal() const;
  WriteCounts SimulatedTotal() const;
};

// Whether a user agent is that of our endpointslice-controller.
bool IsOurController(std::string_view user_agent);

// Settings that stand for the recorded controller, by its user agent: what its syncs
// and writes cost, and what it heeds. Any but our own is taken for
// kube-controller-manager.
Settings RecordedControllerSettings(std::string_view user_agent = {});

// `settings`, each "key=value", go on top of those that stand for the recorded
// controller. InvalidArgument where one of them is not accepted, the trace cannot be
// read, or has no writes of a controller in it.
absl::StatusOr<AgainstRecording> RunAgainstRecording(TraceReader* reader, const std::vector<std::string>& settings,
                                                     std::uint64_t seed);

std::string ToJson(const AgainstRecording& result);
// "1.5 ms"
std::string Milliseconds(std::int64_t nanos);
void PrintTable(const AgainstRecording& result, std::ostream& out);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_AGAINST_RECORDING_H_

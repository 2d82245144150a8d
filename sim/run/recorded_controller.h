// RecordedController: what the controller of a recorded cluster did, from the
// trace's events.
#ifndef EPSLICE_SIM_RUN_RECORDED_CONTROLLER_H_
#define EPSLICE_SIM_RUN_RECORDED_CONTROLLER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "sim/run/replay.h"
#include "sim/run/show_latency.h"

namespace epslice::sim {

struct WriteCounts {
  std::int64_t creates = 0, updates = 0, deletes = 0;
  std::int64_t all() const { return creates + updates + deletes; }
  void Add(const WriteCounts& other);
};

// Not thread-safe.
class RecordedController {
 public:
  // `controller_name`: the managed-by label of its slices.
  explicit RecordedController(std::string controller_name) : controller_name_(std::move(controller_name)) {}

  // Each event of the trace, in order, those of the start state too.
  void OnEvent(const TraceEvent& event, TraceRole role);
  // The trace is over: adds the writes that it tells without their slices, where
  // `is_controller` (a user agent) is true. The Service is that of which the slice
  // is when it is shown.
  void AddUnseen(const TraceSummary& summary, const std::function<bool(std::string_view actor)>& is_controller);

  // Slices by name, of each Service. A create of a slice is a write, an update
  // that changes nothing as well.
  const std::map<ObjectKey, WriteCounts>& writes() const { return writes_; }
  const std::map<ObjectKey, std::shared_ptr<const EndpointSlice>>& slices() const { return slices_; }
  const ShowLatency& latency() const { return latency_; }

  // Of writes(), those of which the trace tells no slice: what they show is not
  // known.
  const WriteCounts& unseen() const { return unseen_; }
  // The same that are not in writes(), since nothing tells the Service.
  const WriteCounts& uncounted() const { return uncounted_; }
  // Whether a slice of the Service was written after the last one that is shown:
  // the end is not known.
  bool EndsUnseen(const ObjectKey& service) const { return end_unseen_.count(service) > 0; }
  // Whether the Service was being worked on at `now`, the end of the trace: itself
  // or a pod of it changed, no slice shows it, and that is not longer ago than
  // this controller ever took (or a second).
  bool WorksOn(const Service& service, std::int64_t now) const;

 private:
  struct Told {
    ObjectKey service;
    bool ours = false;  // the controller's
    Timestamp last;
    bool by_nobody = false;  // by a source that tells no user agent
  };

  const std::string controller_name_;
  std::map<ObjectKey, WriteCounts> writes_;
  std::map<ObjectKey, std::shared_ptr<const EndpointSlice>> slices_;
  std::map<ObjectKey, Told> told_;                     // every slice ever shown
  std::map<ObjectKey, std::int64_t> changed_, wrote_;  // of Services: when last
  ShowLatency latency_;
  WriteCounts unseen_, uncounted_;
  std::set<ObjectKey> end_unseen_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_RECORDED_CONTROLLER_H_

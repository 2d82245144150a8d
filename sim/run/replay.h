// Replayer: a trace as what happens in a Simulation.
//
//   auto replayer = Replayer::Open(reader.get(), options);   // reads the start state
//   SimulationOptions options; options.wall_start = replayer->begin();
//   replayer->Prepare(&options); Simulation simulation(options);
//   replayer->Start(&simulation);
//   simulation.RunUntil(...) ; replayer->done(), replayer->status()
//
// The start state is loaded; each event then is put in place at its time, as
// the trace shows it, one after another: of a trace only the next event is in
// memory (for the recorded controller's start and restarts, those of half a
// minute, and while it writes nothing, up to 20,000 events). Of EndpointSlices those in the start state are loaded.
// What the recorded controller wrote afterwards is not replayed: the simulated one does that work now. Slices of
// others, and what others did to the controller's slices, are replayed; the latter on the simulated slice that has most
// of its endpoints. Beside a recording (start_as_recorded) slices of a Service that is gone go when its collector
// deleted them, if there was one.
#ifndef EPSLICE_SIM_RUN_REPLAY_H_
#define EPSLICE_SIM_RUN_REPLAY_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/engine/simulation.h"
#include "sim/run/silence.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// How long a controller may go on working after the last event of a trace.
inline constexpr Duration kLongestWorkAfterTheEnd = std::chrono::minutes(30);

// What an event of the trace is.
enum class TraceRole {
  kHappened,        // it is replayed
  kRecordedWrite,   // of the recorded controller
  kUnknownService,  // the same, of a Service that the trace has not shown
};

struct ReplayOptions {
  // The managed-by label of the controller's slices.
  std::string controller_name{kDefaultControllerName};
  // The controller starts, and restarts, when the recorded one did, as far as
  // its writes tell; else it starts at the beginning.
  bool start_as_recorded = false;
  // How long the recorded one waits for more changes of pods.
  Duration batch_period{0};
  // None is started: the one under test runs elsewhere.
  bool no_controller = false;
  // Told of every event that was taken off the trace, at its time: also those
  // that are not replayed.
  std::function<void(const TraceEvent& event, TraceRole role)> on_event;
  // When the start state is loaded, before the controller starts: what else is
  // to be there. Null: nothing.
  std::function<absl::Status()> on_loaded;
  // Objects that somebody else decides about by now: what the trace says of
  // them is passed over. Null: none.
  std::function<bool(const AnyObject& object)> skip;
};

// Whether a user agent is of those who clean up behind others.
bool IsCollector(std::string_view actor);
// Whether a slice carries the label of the controller.
bool IsSliceOf(const AnyObject& object, std::string_view controller_name);
// Whether it is a Service that a controller makes slices of.
bool HasSelector(const AnyObject& object);
// A user agent without its version: "kcm" and "endpointslice-controller" of
// "kcm/v1.36.0 (linux/amd64) kubernetes/abc/endpointslice-controller".
std::string ActorProgram(std::string_view user_agent);

class Replayer {
 public:
  // Reads the start state. `reader` must outlive this. Errors are the reader's.
  static absl::StatusOr<std::unique_ptr<Replayer>> Open(TraceReader* reader, ReplayOptions options);
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;

  // When the trace begins.
  Timestamp begin() const { return begin_; }
  // The trace is a state, in which nothing happens.
  bool still() const { return ahead_.empty() && ended_; }
  // What a simulation of a trace has to be told: its wall clock, and that the
  // trace shows how pods end.
  void Prepare(SimulationOptions* options) const;

  // Loads the start state, and schedules what follows. InvalidArgument where an
  // object cannot be put in place. `simulation` must be made with Prepare(),
  // and outlive this or not be run after it.
  absl::Status Start(Simulation* simulation);

  // All events are replayed, or an error ended it.
  bool done() const { return done_; }
  const absl::Status& status() const { return status_; }
  // When the last event was, as far as it was read.
  Instant end() const { return end_; }
  // The time of the last event that was read.
  Timestamp read_to() const { return read_to_; }
  bool controller_started() const { return started_; }
  // Whether a user agent is the recorded controller's, as far as it was read.
  bool IsRecordedActor(std::string_view actor) const;
  // The user agent of its first write, with start_as_recorded from Open() on; empty
  // where the trace does not tell it, or no write is among the first 20,000 events.
  const std::string& first_actor() const { return first_actor_; }

  struct Counts {
    std::int64_t replayed = 0, recorded_writes = 0, foreign_edits = 0, lost_foreign_edits = 0;
    // Changes of pods on a node that the trace does not show; and on one that it
    // has, but that somebody else removed (ReplayOptions::skip).
    std::int64_t unknown_nodes = 0, removed_nodes = 0;
    std::string first_unknown_node, first_removed_node;
    // Of the recorded controller, to slices of Services that the trace does not
    // show.
    std::int64_t unknown_service_writes = 0;
    std::set<ObjectKey> unknown_services;
    // Slices of such a Service that were put in place when it was shown.
    std::int64_t adopted_slices = 0;
  };
  // The recorded controller went on after some time in which it was away: as
  // another instance, or, where `by_silence`, as what waited tells (Silence). The
  // simulated one was away from `from` on.
  struct Restart {
    Timestamp last_write, next_write, from;
    bool by_silence = false;
  };
  const std::vector<Restart>& restarts() const { return restarts_; }
  const Counts& counts() const { return counts_; }

 private:
  Replayer(TraceReader* reader, ReplayOptions options)
      : reader_(*reader),
        options_(std::move(options)),
        started_(options_.no_controller),
        silence_(options_.controller_name, options_.batch_period) {}

  // Reads the next event to the end of ahead_. False at the end of the trace.
  absl::StatusOr<bool> ReadOne();
  // Reads until the next event is there, and as much further as the start of
  // the controller asks for.
  absl::Status ReadAhead();
  void ScheduleNext();
  void Fire();
  absl::Status Put(const TraceEvent& event);
  // Whether the event is a write of the recorded controller.
  bool IsRecordedWrite(const TraceEvent& event);
  // The same, and of which Service; notes what the trace shows.
  TraceRole RoleOf(const TraceEvent& event);
  // A recorded write was read ahead: it may be of another instance.
  void NoteInstance(const TraceEvent& event);
  // Whether the trace has to be read on to see how long a silence lasts.
  bool ReadsThroughSilence() const;
  void RestartAsRecorded(Timestamp last_write, Timestamp next_write, bool by_silence);
  // A Service that was there before the trace shows it: so were its slices,
  // which the controller is shown first.
  absl::Status AdoptSlices(const AnyObject& service);
  absl::Status PutService(const TraceEvent& event);
  absl::Status PutForeignEdit(const TraceEvent& event);
  // Of a trace that does not say who did it: whether a slice was deleted because
  // its Service was.
  bool WentWithItsService(const TraceEvent& event) const;
  // Which slices of the controller the recorded cluster has, and which of them a
  // Service that is gone has left behind. When none are left that the recorded
  // controller itself did not delete, a collector was there: Collect().
  absl::Status NoteSlice(const TraceEvent& event, TraceRole role);
  // Deletes the simulated slices that are not of the Service there is now, if any.
  absl::Status Collect(const ObjectKey& service);
  // A change of a pod that is asked to go, which the reference heeds whatever it is
  // (ReferenceHeeds in event_router.h).
  bool IsHeededWhileItGoes(const TraceEvent& event);
  // Those of the controller.
  std::vector<std::shared_ptr<const EndpointSlice>> SimulatedSlicesOf(const ObjectKey& service) const;
  // The simulated slice that stands for a recorded one.
  std::shared_ptr<const EndpointSlice> Counterpart(const EndpointSlice& recorded) const;
  void NoteNode(const AnyObject& object);
  void StartController();
  Instant At(Timestamp time) const;

  TraceReader& reader_;
  const ReplayOptions options_;
  Simulation* simulation_ = nullptr;
  Timestamp begin_;
  std::vector<TraceEvent> start_;
  std::deque<TraceEvent> ahead_;
  bool ended_ = false;  // of the trace
  Timestamp read_to_;
  bool done_ = false;
  bool started_ = false;
  std::optional<Timestamp> first_write_;
  std::string first_actor_;
  std::set<std::string> recorded_actors_;
  std::optional<Timestamp> first_service_;
  std::set<std::string> nodes_;
  std::set<ObjectKey> services_;  // that the trace has shown
  struct ServiceNow {
    Text uid, version;  // as the trace shows them
  };
  std::map<ObjectKey, ServiceNow> services_now_;
  // The recorded controller's slices, by Service.
  std::map<ObjectKey, std::set<ObjectKey>> slices_now_, left_behind_;
  std::map<ObjectKey, Text> going_;  // versions of pods that are asked to go
  // Of Services that it has not: their slices as they were last.
  std::map<ObjectKey, std::map<ObjectKey, AnyObject>> slices_of_unknown_;
  std::string instance_;  // of the recorded controller
  std::set<std::string> earlier_instances_;
  Timestamp last_write_;
  bool instances_alternate_ = false;
  Silence silence_;
  std::vector<Restart> restarts_;
  absl::Status status_;
  Instant end_{0};
  Counts counts_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_REPLAY_H_

#include "sim/run/against_recording.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "apis/concat.h"
#include "apis/time_format.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "controllers/topologyhints/traffic_distribution.h"
#include "sim/run/api_pace.h"
#include "sim/run/replay.h"
#include "sim/run/service_view.h"
#include "sim/run/show_latency.h"
#include "sim/trace/made_nodes.h"

namespace epslice::sim {
namespace {

using SlicePtr = std::shared_ptr<const EndpointSlice>;

void Count(Verb verb, WriteCounts* counts) {
  if (verb == Verb::kCreate) ++counts->creates;
  if (verb == Verb::kUpdate || verb == Verb::kPatch) ++counts->updates;
  if (verb == Verb::kDelete) ++counts->deletes;
}

// What the simulated controller did.
class Simulated : public RunObserver {
 public:
  explicit Simulated(std::string controller_name) : controller_name_(std::move(controller_name)) {}

  void OnCommit(const Commit& commit) override {
    const bool deleted = commit.type == WatchEventType::kDeleted;
    if (const auto pod = commit.object.As<Pod>()) latency.OnPod(commit.at.count(), *pod, deleted);
    const auto slice = commit.object.As<EndpointSlice>();
    if (slice == nullptr || !IsSliceOf(commit.object, controller_name_)) return;
    latency.OnSlice(commit.at.count(), *slice, deleted);
  }
  void OnWrite(const ControllerWrite& write) override {
    if (write.status.ok()) Count(write.verb, &writes[write.service]);
  }

  std::map<ObjectKey, WriteCounts> writes;
  ShowLatency latency;

 private:
  const std::string controller_name_;
};

AgainstRecording::Latencies LatenciesOf(const ShowLatency& latency) {
  return {latency.samples(), latency.Quantile(0.5), latency.Quantile(0.9)};
}

using SlicesByService = std::map<ObjectKey, std::vector<SlicePtr>>;

SlicesByService SimulatedSlices(Simulation* simulation, std::string_view controller_name) {
  SlicesByService slices;
  Request request;
  request.verb = Verb::kList;
  request.kind = Kind::kEndpointSlice;
  for (const AnyObject& object : simulation->server().Handle(request).list.items) {
    if (!IsSliceOf(object, controller_name)) continue;
    SlicePtr slice = object.As<EndpointSlice>();
    slices[ServiceOfSlice(*slice)].push_back(std::move(slice));
  }
  return slices;
}

// Whether some address type has more than one slice.
bool SeveralOfAType(const std::vector<SlicePtr>& slices) {
  std::set<Text> types;
  return std::any_of(slices.begin(), slices.end(),
                     [&types](const SlicePtr& slice) { return !types.insert(slice->addressType).second; });
}

// What consumers would see of each Service that is there in the end and not the
// same. `without_hints`: Services whose hints are not compared, as these go by the
// CPU of nodes that were made up; null: there are none of these.
std::map<ObjectKey, std::vector<std::string>> CompareEnds(Simulation* simulation, const RecordedController& recorded,
                                                          const SlicesByService& simulated,
                                                          std::set<ObjectKey>* without_hints) {
  SlicesByService theirs;
  for (const auto& [key, slice] : recorded.slices()) theirs[ServiceOfSlice(*slice)].push_back(slice);
  SlicesByService ours = simulated;
  for (const auto& [service, slices] : theirs) ours.try_emplace(service);
  std::map<ObjectKey, std::vector<std::string>> differences;
  for (const auto& [service, slices] : ours) {
    const AnyObject object = simulation->Get(Kind::kService, service.namespace_, service.name);
    // Where the Service is gone the slices wait for a collector that a
    // recording need not have.
    if (!object.has_value()) continue;
    const bool by_cpu = WantsTopologyAwareHints(*object.As<Service>());
    if (by_cpu && without_hints != nullptr) without_hints->insert(service);
    const HintComparison hints = !by_cpu                                                     ? HintComparison::kEach
                                 : without_hints != nullptr                                  ? HintComparison::kNone
                                 : SeveralOfAType(theirs[service]) || SeveralOfAType(slices) ? HintComparison::kTotals
                                                                                             : HintComparison::kCounts;
    std::vector<std::string> what = CompareSlices(theirs[service], slices, hints);
    if (!what.empty()) differences.emplace(service, std::move(what));
  }
  return differences;
}

// The simulated controller at one moment.
struct Moment {
  explicit Moment(const Simulated& s, SlicesByService now)
      : writes(s.writes), latency(s.latency), slices(std::move(now)) {}
  std::map<ObjectKey, WriteCounts> writes;
  ShowLatency latency;
  SlicesByService slices;
};

std::int64_t WritesOf(const std::map<ObjectKey, WriteCounts>& writes, const ObjectKey& service) {
  const auto it = writes.find(service);
  return it == writes.end() ? 0 : it->second.all();
}

// The end: what differs once the simulated controller has done all its work
// (`settled`), but for what says nothing of it. A recording may end while its
// controller is at work; then what the simulated one does later on the same
// Services does not count. True where that is so.
bool CompareWithEnd(Simulation* simulation, const RecordedController& recorded, Timestamp recording_ends,
                    bool made_nodes, const Moment& end, const Moment& settled, AgainstRecording* result) {
  std::vector<ObjectKey> idle, cut, unseen;
  std::set<ObjectKey> hintless;
  std::set<ObjectKey>* without_hints = made_nodes ? &hintless : nullptr;
  const auto in_the_end = CompareEnds(simulation, recorded, end.slices, without_hints);
  bool ended_at_work = false;
  for (const auto& [service, differences] : CompareEnds(simulation, recorded, settled.slices, without_hints)) {
    const AnyObject now = simulation->Get(Kind::kService, service.namespace_, service.name);
    // The one that is behind, then: the recorded controller or the simulated one.
    const bool at_work = recorded.WorksOn(*now.As<Service>(), recording_ends.nanos);
    const bool works_later = WritesOf(settled.writes, service) > WritesOf(end.writes, service);
    if (recorded.EndsUnseen(service)) {
      unseen.push_back(service);
      continue;
    }
    ended_at_work |= at_work || works_later;
    if (at_work || works_later) {
      if (at_work || in_the_end.count(service) > 0) cut.push_back(service);
    } else if (!HasSelector(now)) {
      idle.push_back(service);
    } else {
      for (const std::string& what : differences) result->differences.push_back({service, what});
    }
  }
  const auto note = [result](const std::vector<ObjectKey>& services, std::string_view why) {
    if (services.empty()) return;
    result->notes.push_back(Concat("of ", services.size(), services.size() == 1 ? " Service" : " Services",
                                   " the end is not compared (the first: ", services[0].ToString(), "): ", why));
  };
  note(idle, "without a selector its slices are as they were when it lost it, which is chance");
  note(cut, "the recording ends while it is being worked on, and what is under way then is chance");
  note(unseen, "the recording does not tell its slices as they were written last");
  if (!hintless.empty()) {
    result->notes.push_back(Concat(
        "of ", hintless.size(), hintless.size() == 1 ? " Service" : " Services",
        " (the first: ", hintless.begin()->ToString(),
        ") the hints are not compared: they go by the CPU of nodes, which is not known where nodes are made up"));
  }
  if (ended_at_work) {
    std::int64_t later = 0;
    for (const auto& [service, counts] : settled.writes) later += counts.all() - WritesOf(end.writes, service);
    result->notes.push_back(Concat("the recording ends while its controller is at work: the simulated one's ", later,
                                   " writes after it do not count"));
  }
  return ended_at_work;
}

std::string RestartNote(const Replayer::Restart& restart) {
  const std::int64_t silent = restart.next_write.nanos - restart.last_write.nanos;
  const std::int64_t away = restart.next_write.nanos - restart.from.nanos;
  const bool late = silent - away > Duration(std::chrono::seconds(1)).count();
  return Concat("from ", FormatRfc3339Nano(restart.next_write),
                restart.by_silence ? " on the controller writes again, after " : " on another instance writes, after ",
                Milliseconds(silent), " without writes",
                restart.by_silence ? " in which changes of pods waited for it: it was away, and" : ":",
                " the simulated controller was away for ",
                late ? Concat("the last ", Milliseconds(away), " of that") : "as long", ", and began anew");
}

void AddNotes(const Replayer& replayer, bool settled, AgainstRecording* result) {
  const Replayer::Counts& counts = replayer.counts();
  if (counts.unknown_nodes > 0) {
    result->notes.push_back(
        Concat(counts.unknown_nodes, " changes of pods on nodes that are not there (the first one: ",
               counts.first_unknown_node, "); the controller leaves such pods out and tries again"));
  }
  if (counts.lost_foreign_edits > 0) {
    result->notes.push_back(
        Concat(counts.lost_foreign_edits, " changes that others made to slices of the controller found no such slice"));
  }
  if (!counts.unknown_services.empty()) {
    result->notes.push_back(Concat(
        counts.unknown_service_writes, " writes are to slices of ", counts.unknown_services.size(),
        " Services that the trace does not show by then (the first: ", counts.unknown_services.begin()->ToString(),
        "); they are not compared: a dump of the state that the trace goes on from would do"));
  }
  for (const Replayer::Restart& restart : replayer.restarts()) result->notes.push_back(RestartNote(restart));
  if (!settled) result->notes.push_back("the controller still had work half an hour after the last event");
}

void NoteUnseen(AgainstRecording* result) {
  const std::int64_t counted = result->without_slice.all(), not_counted = result->not_counted.all();
  if (counted > 0) {
    result->notes.push_back(Concat(counted,
                                   " writes of the recorded controller are logged without their slices: counted by "
                                   "verb and the slice's name, but what they show is in no latency"));
  }
  if (not_counted > 0) {
    result->notes.push_back(Concat("the recorded counts are short by ", not_counted,
                                   " writes of the recorded controller, which are logged without their slices and of "
                                   "which nothing tells the Service"));
  }
}

absl::Status SetAll(const std::vector<std::string>& pairs, Settings* settings) {
  for (const std::string& pair : pairs) {
    if (absl::Status s = settings->SetPair(pair); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// An error where nothing can be compared.
absl::Status CheckThereIsSomething(const RecordedController& recorded, const Replayer& replayer,
                                   const std::string& controller_name) {
  if (!recorded.writes().empty()) return absl::OkStatus();
  const Replayer::Counts& counts = replayer.counts();
  if (!counts.unknown_services.empty()) {
    return absl::InvalidArgumentError(
        Concat("the trace has ", counts.unknown_service_writes, " writes of the controller to slices of ",
               counts.unknown_services.size(), " Services (the first: ", counts.unknown_services.begin()->ToString(),
               "), but shows none of these Services: it begins in the middle; add a dump of the state that it goes on "
               "from (-f): services, pods, nodes and endpointslices"));
  }
  if (const std::int64_t unseen = recorded.uncounted().all(); unseen > 0) {
    return absl::InvalidArgumentError(
        Concat("the trace has ", unseen,
               " writes of EndpointSlices by the controller, all without the slices: endpointslices must be logged at "
               "level Request or RequestResponse"));
  }
  return absl::InvalidArgumentError(Concat("the trace has no writes of EndpointSlices labelled ", kLabelManagedBy, "=",
                                           controller_name, ": there is nothing to compare with"));
}

std::vector<AgainstRecording::ServiceWrites> SideBySide(const std::map<ObjectKey, WriteCounts>& recorded,
                                                        const std::map<ObjectKey, WriteCounts>& simulated) {
  std::map<ObjectKey, AgainstRecording::ServiceWrites> writes;
  for (const auto& [service, counts] : recorded) writes[service].recorded = counts;
  for (const auto& [service, counts] : simulated) writes[service].simulated = counts;
  std::vector<AgainstRecording::ServiceWrites> all;
  for (auto& [service, counts] : writes) {
    counts.service = service;
    all.push_back(counts);
  }
  return all;
}

// What is learned from the events while they are replayed.
struct RecordedSide {
  explicit RecordedSide(const Settings* of_run)
      : settings(*of_run),
        batch_period(of_run->simulation.controller.batch_period),
        controller_name(of_run->simulation.controller.reconcile.controller_name.str()),
        recorded(controller_name),
        flags(of_run->simulation.controller.reconcile.max_endpoints_per_slice, batch_period) {}

  void OnEvent(const TraceEvent& event, TraceRole role) {
    recorded.OnEvent(event, role);
    if (const auto node = event.object.As<Node>()) made_nodes |= IsMadeUp(*node);
    if (IsSliceOf(event.object, controller_name)) {
      flags.OnSlice(*event.object.As<EndpointSlice>(), event.type == WatchEventType::kDeleted,
                    role == TraceRole::kRecordedWrite && event.type == WatchEventType::kAdded);
    }
    if (!settings.follow_api_pace) return;
    double factor = 0;
    if (event.took > Duration{0}) factor = pace.OnRequest(event.took);
    for (; shown < recorded.latency().samples(); ++shown) {
      // With a batch period slices follow pods by that, and their number hardly
      // depends on how quick the server is.
      if (!pace.any() && batch_period == Duration{0}) factor = pace.OnShown(Duration{recorded.latency().sample(shown)});
    }
    if (factor == 0) return;
    running->SetApiSlowdown(factor);
    // A quick disk makes requests quick, and no machine.
    running->SetSyncSlowdown(std::max(factor, 0.5));
  }

  // Of the result's latencies.
  void AddNotes(AgainstRecording* result) const {
    for (std::string& note : flags.Notes(result->recorded_latency, result->simulated_latency)) {
      result->notes.push_back(std::move(note));
    }
    if (std::string note = settings.UnusedNote(); !note.empty()) result->notes.push_back(std::move(note));
    if (!settings.follow_api_pace || pace.any()) return;
    result->notes.emplace_back(
        pace.any_shown()
            ? "the trace does not tell how long requests took: watches and writes are made as quick as slices followed "
              "pods in it"
            : "the trace does not tell how long requests took: latencies are those of the settings, whatever the "
              "recorded cluster's were");
  }

  const Settings& settings;
  const Duration batch_period;
  const std::string controller_name;
  RecordedController recorded;
  RecordedFlags flags;
  ApiPace pace;
  bool made_nodes = false;
  Simulation* running = nullptr;  // from the first event on
  std::int64_t shown = 0;
};

}  // namespace

WriteCounts AgainstRecording::RecordedTotal() const {
  WriteCounts total;
  for (const ServiceWrites& w : writes) total.Add(w.recorded);
  return total;
}

WriteCounts AgainstRecording::SimulatedTotal() const {
  WriteCounts total;
  for (const ServiceWrites& w : writes) total.Add(w.simulated);
  return total;
}

bool IsOurController(std::string_view user_agent) {
  // UserAgent() of controllers/manager/options.h.
  return user_agent.starts_with("endpointslice-controller/") && user_agent.ends_with(" epslice");
}

Settings RecordedControllerSettings(std::string_view user_agent) {
  Settings settings;
  Models& models = settings.simulation.models;
  models.watch_latency = Latency::LogNormal(std::chrono::milliseconds(2), std::chrono::milliseconds(10));
  models.write_latency = Latency::LogNormal(std::chrono::milliseconds(4), std::chrono::milliseconds(20));
  if (IsOurController(user_agent)) return settings;
  // What kube-controller-manager v1.36 takes for a sync: docs/faithfulness.md.
  models.sync_time = std::chrono::microseconds(200);
  models.sync_time_per_endpoint = std::chrono::microseconds(10);
  settings.simulation.controller.heed_as_reference = true;
  settings.simulation.controller.reconcile.repeat_events = true;
  return settings;
}

absl::StatusOr<AgainstRecording> RunAgainstRecording(TraceReader* reader, const std::vector<std::string>& given,
                                                     std::uint64_t seed) {
  AgainstRecording result;
  Settings settings = RecordedControllerSettings();
  if (absl::Status s = SetAll(given, &settings); !s.ok()) return s;
  if (settings.simulation.controller.heed_as_reference) {
    settings.simulation.controller.reconcile.new_endpoints_seed = seed + 1;  // not 0
  }
  const std::string controller_name = settings.simulation.controller.reconcile.controller_name.str();
  RecordedSide side(&settings);
  RecordedController& recorded = side.recorded;
  ReplayOptions replay;
  replay.controller_name = controller_name;
  replay.batch_period = settings.simulation.controller.batch_period;
  replay.start_as_recorded = true;
  replay.on_event = [&side](const TraceEvent& event, TraceRole role) { side.OnEvent(event, role); };
  const absl::StatusOr<std::unique_ptr<Replayer>> opened = Replayer::Open(reader, std::move(replay));
  if (!opened.ok()) return opened.status();
  Replayer& replayer = **opened;
  if (IsOurController(replayer.first_actor())) {
    settings = RecordedControllerSettings(replayer.first_actor());
    if (absl::Status s = SetAll(given, &settings); !s.ok()) return s;
    result.notes.push_back(Concat("the recorded controller is ", replayer.first_actor(),
                                  ": it is simulated as such, with its sync times and what it heeds, not as "
                                  "kube-controller-manager"));
  }
  result.settings = settings.Effective();
  SimulationOptions options = settings.simulation;
  options.seed = seed;
  replayer.Prepare(&options);
  Simulation simulation(options);
  Simulated simulated(controller_name);
  side.running = &simulation;
  simulation.AddObserver(&simulated);
  if (absl::Status s = replayer.Start(&simulation); !s.ok()) return s;
  while (!replayer.done() && simulation.scheduler().Step()) {
  }
  if (!replayer.status().ok()) return replayer.status();
  const Moment end(simulated, SimulatedSlices(&simulation, controller_name));
  const bool settles = simulation.Settle(simulation.now() + kLongestWorkAfterTheEnd);
  simulation.Finish();
  const Moment settled(simulated, SimulatedSlices(&simulation, controller_name));
  result.trace = reader->summary();
  recorded.AddUnseen(result.trace, [&replayer](std::string_view actor) { return replayer.IsRecordedActor(actor); });
  if (absl::Status s = CheckThereIsSomething(recorded, replayer, controller_name); !s.ok()) return s;
  result.without_slice = recorded.unseen();
  result.not_counted = recorded.uncounted();
  const bool cut = CompareWithEnd(&simulation, recorded, result.trace.end, side.made_nodes, end, settled, &result);
  const Moment& counted = cut ? end : settled;
  result.writes = SideBySide(recorded.writes(), counted.writes);
  result.recorded_latency = LatenciesOf(recorded.latency());
  result.simulated_latency = LatenciesOf(counted.latency);
  NoteUnseen(&result);
  AddNotes(replayer, settles, &result);
  side.AddNotes(&result);
  result.digest = simulation.digest();
  return result;
}

}  // namespace epslice::sim

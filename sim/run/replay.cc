#include "sim/run/replay.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "controllers/endpointslice/slice_tracker.h"

namespace epslice::sim {
namespace {

// How long before its first write the recorded controller is taken to have run,
// unless Services waited for it.
constexpr Duration kLead = std::chrono::seconds(1);
// How long it lists before it writes.
constexpr Duration kListTime = std::chrono::milliseconds(20);
constexpr std::size_t kMostAhead = 20'000;
// A controller that another one takes the place of is silent for so long.
constexpr Duration kLeastSilence = std::chrono::seconds(1);
// How far the trace is read ahead to see that, at least: the lease of one that died
// runs out after 15 s, and is looked at every 2 s.
constexpr Duration kRestartAhead = std::chrono::seconds(30);

bool IsSliceController(std::string_view actor) {
  const std::string program = ActorProgram(actor);
  return program.find("endpointslice-controller") != std::string::npos || program == "kube-controller-manager";
}

bool HasController(const EndpointSlice& slice) {
  const auto& owners = slice.metadata.ownerReferences;
  return std::any_of(owners.begin(), owners.end(),
                     [](const auto& owner) { return owner.controller && owner.kind == "Service"; });
}

// What `serve` began with, as its audit log has it, is a start state, too: created
// by itself, all at once, before anything else (sim/serve/own_requests.h).
bool BeganWith(const TraceEvent& event, Timestamp* when) {
  if (event.type != WatchEventType::kAdded || !event.actor.starts_with(kServesOwnAgent)) return false;
  if (!when->is_set()) *when = event.time;
  return event.time == *when;
}

}  // namespace

bool IsCollector(std::string_view actor) {
  return actor.find("garbage-collector") != std::string_view::npos ||
         actor.find("namespace-controller") != std::string_view::npos;
}

bool HasSelector(const AnyObject& object) {
  const auto service = object.As<Service>();
  return service != nullptr && service->spec.selector && service->spec.type != "ExternalName";
}

bool IsSliceOf(const AnyObject& object, std::string_view controller_name) {
  return object.kind() == Kind::kEndpointSlice && object.meta().labels.Get(kLabelManagedBy) == controller_name;
}

std::string ActorProgram(std::string_view user_agent) {
  const std::size_t slash = user_agent.find('/');
  if (slash == std::string_view::npos) return std::string(user_agent);
  const std::string_view last = user_agent.substr(user_agent.rfind('/') + 1);
  // "program/v1.2.3" alone names the version last.
  const bool is_part = last.find_first_of(" (") == std::string_view::npos && user_agent.find(' ') < user_agent.size();
  return Concat(user_agent.substr(0, slash), is_part ? " " : "", is_part ? last : std::string_view());
}

absl::StatusOr<std::unique_ptr<Replayer>> Replayer::Open(TraceReader* reader, ReplayOptions options) {
  std::unique_ptr<Replayer> replayer(new Replayer(reader, std::move(options)));
  Timestamp serve_began;
  while (true) {
    const absl::StatusOr<bool> more = replayer->ReadOne();
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (const TraceEvent& event = replayer->ahead_.back(); !event.start && !BeganWith(event, &serve_began)) break;
    replayer->start_.push_back(std::move(replayer->ahead_.back()));
    replayer->ahead_.pop_back();
  }
  if (!replayer->start_.empty()) {
    replayer->begin_ = replayer->start_.front().time;
  } else if (!replayer->ahead_.empty()) {
    replayer->begin_ = replayer->ahead_.front().time;
  } else {
    return absl::InvalidArgumentError("the trace has no event and no start state that could be replayed");
  }
  // Whose work it is decides how it is simulated.
  while (replayer->options_.start_as_recorded && !replayer->first_write_ && replayer->ahead_.size() < kMostAhead) {
    const absl::StatusOr<bool> more = replayer->ReadOne();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return replayer;
}

void Replayer::Prepare(SimulationOptions* options) const {
  options->wall_start = begin_;
  options->server.create_missing_namespaces = true;
  // What a start state alone shows going would else stay for ever.
  options->server.end_graceful_deletions = ahead_.empty();
  options->server.collect_slices = !options_.start_as_recorded;
}

Instant Replayer::At(Timestamp time) const { return Instant(std::max<std::int64_t>(time.nanos - begin_.nanos, 0)); }

absl::StatusOr<bool> Replayer::ReadOne() {
  if (ended_) return false;
  TraceEvent event;
  const absl::StatusOr<bool> more = reader_.Next(&event);
  if (!more.ok()) return more.status();
  ended_ = !*more;
  if (ended_) return false;
  read_to_ = event.time;
  if (HasSelector(event.object) && !first_service_) first_service_ = event.time;
  const bool write = !event.start && IsRecordedWrite(event);
  if (write && !started_ && !first_write_) {
    first_write_ = event.time;
    first_actor_ = event.actor;
  }
  if (options_.start_as_recorded) {
    if (write) NoteInstance(event);
    // Where some slices are not shown, silence says nothing.
    const std::optional<Silence::Away> away = silence_.OnEvent(event, write);
    if (away && reader_.summary().unseen_slices.empty()) RestartAsRecorded(away->last_write, away->next_write, true);
  }
  ahead_.push_back(std::move(event));
  return true;
}

bool Replayer::IsRecordedWrite(const TraceEvent& event) {
  if (!IsSliceOf(event.object, options_.controller_name)) return false;
  // Who creates such slices for a Service is their controller.
  if (event.type == WatchEventType::kAdded && !event.actor.empty() && !IsCollector(event.actor) &&
      !event.actor.starts_with(kServesOwnAgent) && HasController(*event.object.As<EndpointSlice>())) {
    recorded_actors_.insert(ActorProgram(event.actor));
  }
  return IsRecordedActor(event.actor);
}

bool Replayer::IsRecordedActor(std::string_view actor) const {
  if (actor.empty()) return true;
  // Not the slices that `serve` began with, either.
  if (IsCollector(actor) || actor.starts_with(kServesOwnAgent)) return false;
  return IsSliceController(actor) || recorded_actors_.count(ActorProgram(actor)) > 0;
}

void Replayer::NoteInstance(const TraceEvent& event) {
  std::string instance = Concat(event.actor, "\n", event.source);
  const bool another = !instance_.empty() && instance != instance_;
  const Timestamp last = std::exchange(last_write_, event.time);
  const bool after_silence = last.is_set() && Duration(event.time.nanos - last.nanos) >= kLeastSilence;
  // Through several load balancers one instance has several addresses: back and
  // forth. One that took over at once does not come back.
  if (another && !after_silence && earlier_instances_.count(instance) > 0) instances_alternate_ = true;
  earlier_instances_.insert(std::exchange(instance_, std::move(instance)));
  if (!another || !after_silence || instances_alternate_) return;
  RestartAsRecorded(last, event.time, false);
}

void Replayer::RestartAsRecorded(Timestamp last_write, Timestamp next_write, bool by_silence) {
  if (simulation_ == nullptr || (!restarts_.empty() && restarts_.back().last_write >= last_write)) return;
  const Instant from = std::max(At(last_write) + kListTime, simulation_->now());
  restarts_.push_back({last_write, next_write, Timestamp{begin_.nanos + from.count()}, by_silence});
  simulation_->scheduler().At(from, [this, next = At(next_write)] {
    simulation_->RestartController(std::max(next - kListTime - simulation_->now(), Duration{0}));
  });
}

bool Replayer::ReadsThroughSilence() const {
  if (!options_.start_as_recorded || !last_write_.is_set()) return false;
  return ahead_.empty() || last_write_ < ahead_.front().time || silence_.undecided();
}

TraceRole Replayer::RoleOf(const TraceEvent& event) {
  if (event.object.kind() == Kind::kService && event.type != WatchEventType::kDeleted) {
    services_.insert(KeyOf(event.object.meta()));
  }
  if (!IsRecordedWrite(event) || WentWithItsService(event)) return TraceRole::kHappened;
  const auto slice = event.object.As<EndpointSlice>();
  const ObjectKey service = ServiceOfSlice(*slice);
  if (services_.count(service) > 0) return TraceRole::kRecordedWrite;
  const ObjectKey key = KeyOf(slice->metadata);
  if (event.type == WatchEventType::kDeleted) {
    slices_of_unknown_[service].erase(key);
  } else {
    slices_of_unknown_[service][key] = event.object;
  }
  return TraceRole::kUnknownService;
}

absl::Status Replayer::ReadAhead() {
  while (ahead_.size() < kMostAhead) {
    const Duration span(ahead_.empty() ? 0 : ahead_.back().time.nanos - ahead_.front().time.nanos);
    const Duration wanted = options_.start_as_recorded && !instances_alternate_ ? kRestartAhead
                            : started_ || first_write_                          ? Duration{-1}
                                                                                : kLead;
    if (!ahead_.empty() && span > wanted && !ReadsThroughSilence()) break;
    const absl::StatusOr<bool> more = ReadOne();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return absl::OkStatus();
}

absl::Status Replayer::Start(Simulation* simulation) {
  simulation_ = simulation;
  bool has_slices = false;
  for (const TraceEvent& event : start_) {
    if (absl::Status s = simulation->Load(event.object); !s.ok()) return s;
    if (options_.on_event) options_.on_event(event, TraceRole::kHappened);
    if (event.object.kind() == Kind::kService) {
      services_.insert(KeyOf(event.object.meta()));
      services_now_[KeyOf(event.object.meta())] = {event.object.meta().uid, event.object.meta().resourceVersion};
    }
    if (IsSliceOf(event.object, options_.controller_name)) {
      slices_now_[ServiceOfSlice(*event.object.As<EndpointSlice>())].insert(KeyOf(event.object.meta()));
    }
    // Of what `serve` began with it is not known when a controller came.
    has_slices |= event.start && IsSliceOf(event.object, options_.controller_name);
    if (event.object.kind() == Kind::kNode) nodes_.insert(event.object.meta().name.str());
  }
  for (const TraceEvent& event : start_) NoteNode(event.object);
  start_.clear();
  start_.shrink_to_fit();
  if (options_.on_loaded) {
    if (absl::Status s = options_.on_loaded(); !s.ok()) return s;
  }
  if (!options_.start_as_recorded || has_slices) StartController();
  ScheduleNext();
  return status_;
}

void Replayer::StartController() {
  if (std::exchange(started_, true)) return;
  simulation_->StartController();
}

void Replayer::ScheduleNext() {
  if (absl::Status s = ReadAhead(); !s.ok()) {
    status_ = std::move(s);
    done_ = true;
    return;
  }
  if (!started_ && first_write_) {
    // It was running if Services did not have to wait for it.
    const bool waited = first_service_ && first_write_->nanos - first_service_->nanos > kLead.count();
    const Duration lead = waited ? kListTime : kLead;
    started_ = true;
    simulation_->scheduler().At(At(Timestamp{first_write_->nanos - lead.count()}),
                                [this] { simulation_->StartController(); });
  }
  if (ahead_.empty()) {
    // A trace in which no controller writes: it shows what one would do.
    if (!started_) StartController();
    done_ = true;
    return;
  }
  simulation_->scheduler().At(At(ahead_.front().time), [this] { Fire(); });
}

void Replayer::Fire() {
  const TraceEvent event = std::move(ahead_.front());
  ahead_.pop_front();
  end_ = std::max(end_, At(event.time));
  if (absl::Status s = Put(event); !s.ok()) {
    status_ = std::move(s);
    done_ = true;
    return;
  }
  ScheduleNext();
}

absl::Status Replayer::Put(const TraceEvent& event) {
  const TraceRole role = RoleOf(event);
  if (options_.on_event) options_.on_event(event, role);
  if (options_.start_as_recorded && IsSliceOf(event.object, options_.controller_name)) {
    if (absl::Status s = NoteSlice(event, role); !s.ok()) return s;
  }
  if (role != TraceRole::kHappened) {
    ++counts_.recorded_writes;
    if (role == TraceRole::kUnknownService) {
      ++counts_.unknown_service_writes;
      counts_.unknown_services.insert(ServiceOfSlice(*event.object.As<EndpointSlice>()));
    }
    return absl::OkStatus();
  }
  if (options_.skip && options_.skip(event.object)) return absl::OkStatus();
  if (IsSliceOf(event.object, options_.controller_name)) return PutForeignEdit(event);
  if (event.object.kind() == Kind::kNode) {
    if (event.type == WatchEventType::kDeleted) {
      nodes_.erase(event.object.meta().name.str());
    } else {
      nodes_.insert(event.object.meta().name.str());
    }
  }
  if (event.type != WatchEventType::kDeleted) NoteNode(event.object);
  if (event.object.kind() == Kind::kService) return PutService(event);
  ++counts_.replayed;
  return simulation_->Replay(event.type, event.object, IsHeededWhileItGoes(event));
}

bool Replayer::IsHeededWhileItGoes(const TraceEvent& event) {
  if (!options_.start_as_recorded || event.object.kind() != Kind::kPod) return false;
  const BasicMeta& meta = event.object.meta();
  if (event.type == WatchEventType::kDeleted || !meta.deletionTimestamp.is_set()) {
    going_.erase(KeyOf(meta));
    return false;
  }
  return std::exchange(going_[KeyOf(meta)], meta.resourceVersion) != meta.resourceVersion;
}

absl::Status Replayer::PutService(const TraceEvent& event) {
  const BasicMeta& meta = event.object.meta();
  const ObjectKey key = KeyOf(meta);
  const bool deleted = event.type == WatchEventType::kDeleted;
  const auto before = services_now_.extract(key);
  if (deleted) {
    slices_of_unknown_.erase(key);
  } else {
    services_now_[key] = {meta.uid, meta.resourceVersion};
    const std::int64_t adopted = counts_.adopted_slices;
    if (absl::Status s = AdoptSlices(event.object); !s.ok()) return s;
    if (counts_.adopted_slices > adopted) return absl::OkStatus();
  }
  ++counts_.replayed;
  // Controllers work on a Service whatever of it changed, its status included.
  const bool news = !before.empty() && !meta.resourceVersion.empty() && before.mapped().version != meta.resourceVersion;
  if (absl::Status s = simulation_->Replay(event.type, event.object, news); !s.ok()) return s;
  const bool replaced = !before.empty() && !meta.uid.empty() && before.mapped().uid != meta.uid;
  if (!options_.start_as_recorded || (!deleted && !replaced)) return absl::OkStatus();
  std::set<ObjectKey>& left = left_behind_[key];
  left.merge(slices_now_[key]);
  slices_now_.erase(key);
  return left.empty() ? Collect(key) : absl::OkStatus();
}

void Replayer::NoteNode(const AnyObject& object) {
  const auto pod = object.As<Pod>();
  if (pod == nullptr || pod->nodeName.empty()) return;
  const bool in_trace = nodes_.count(pod->nodeName.str()) > 0;
  // Who else decides about objects may have removed it.
  if (in_trace && (!options_.skip || simulation_->Get(Kind::kNode, "", pod->nodeName).has_value())) return;
  ++(in_trace ? counts_.removed_nodes : counts_.unknown_nodes);
  std::string& first = in_trace ? counts_.first_removed_node : counts_.first_unknown_node;
  if (first.empty()) first = pod->nodeName.str();
}

}  // namespace epslice::sim

#include "sim/engine/simulation.h"

#include <utility>
#include <vector>

#include "apis/fnv.h"
#include "sim/engine/controller_process.h"
#include "sim/engine/observed_server.h"

namespace epslice::sim {
namespace {

Request RequestFor(Verb verb, AnyObject object) {
  Request request;
  request.verb = verb;
  if (!object.has_value()) return request;
  request.kind = object.kind();
  request.namespace_ = object.meta().namespace_.str();
  request.name = object.meta().name.str();
  request.object = std::move(object);
  return request;
}

}  // namespace

struct Simulation::Impl {
  explicit Impl(SimulationOptions given)
      : options(std::move(given)),
        scheduler(options.wall_start),
        server(&scheduler, ServerOptions(), options.on_outside_change) {
    SetApiSlowdown(1);
  }

  Random Stream(std::string_view purpose) const { return Random(options.seed).Fork(Fnv1a(purpose)); }

  MemoryApiServerOptions ServerOptions() const {
    MemoryApiServerOptions server_options = options.server;
    server_options.seed = Stream("api server").Next();
    return server_options;
  }

  void SetApiSlowdown(double factor) {
    watch_latency = options.models.watch_latency.Times(factor);
    write_latency = options.models.write_latency.Times(factor);
  }

  void StartProcess() {
    ControllerProcessOptions process;
    process.controller = options.controller;
    process.watcher = options.watcher;
    process.min_resync_period = options.min_resync_period;
    process.sync_time = options.models.sync_time;
    process.sync_time_per_endpoint = options.models.sync_time_per_endpoint;
    process.qps = options.models.qps;
    process.burst = options.models.burst;
    process.workers = options.models.workers;
    process.scheduler = &scheduler;
    process.server = &server;
    process.watch_latency = &watch_latency;
    process.write_latency = &write_latency;
    process.sync_slowdown = &sync_slowdown;
    process.faults = options.faults;
    const Random random = Stream("controller " + std::to_string(processes.size()));
    processes.push_back(std::make_unique<ControllerProcess>(process, random));
    processes.back()->Start();
  }

  // Null: none runs.
  ControllerProcess* process() const {
    return processes.empty() || processes.back()->stopped() ? nullptr : processes.back().get();
  }
  // A controller was started, and has nothing to do now; or none was.
  bool Quiet() const { return starts == 0 && (processes.empty() || (process() != nullptr && process()->settled())); }

  const SimulationOptions options;
  Scheduler scheduler;
  ObservedServer server;
  Latency watch_latency, write_latency;
  double sync_slowdown = 1;
  // The last one runs; what the others scheduled may still come.
  std::vector<std::unique_ptr<ControllerProcess>> processes;
  int starts = 0;  // that are scheduled
  // What controller() shows while no process runs.
  const ServiceController nobody{{}};
};

Simulation::Simulation(SimulationOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Simulation::~Simulation() = default;

void Simulation::AddObserver(RunObserver* observer) { impl_->server.AddObserver(observer); }

Scheduler& Simulation::scheduler() { return impl_->scheduler; }

Instant Simulation::now() const { return impl_->scheduler.now(); }

MemoryApiServer& Simulation::server() { return impl_->server.server(); }

const ServiceController& Simulation::controller() const {
  const ControllerProcess* process = impl_->process();
  return process == nullptr ? impl_->nobody : process->controller();
}

const SimulationOptions& Simulation::options() const { return impl_->options; }

Random Simulation::Stream(std::string_view purpose) const { return impl_->Stream(purpose); }

absl::Status Simulation::Load(const AnyObject& object) { return impl_->server.Load(object); }

void Simulation::StartController() {
  if (impl_->processes.empty() && impl_->starts == 0) impl_->StartProcess();
}

void Simulation::RestartController(Duration downtime) {
  if (impl_->processes.empty() && impl_->starts == 0) return;
  if (impl_->process() != nullptr) impl_->process()->Stop();
  ++impl_->starts;
  impl_->scheduler.After(downtime, [this] {
    // Of several restarts in one downtime the longest counts.
    if (--impl_->starts == 0) impl_->StartProcess();
  });
}

Response Simulation::Do(const Request& request) { return impl_->server.Handle(request, false); }

Response Simulation::Create(AnyObject object) { return Do(RequestFor(Verb::kCreate, std::move(object))); }

Response Simulation::Update(AnyObject object) { return Do(RequestFor(Verb::kUpdate, std::move(object))); }

Response Simulation::UpdateStatus(AnyObject object) {
  Request request = RequestFor(Verb::kUpdate, std::move(object));
  request.subresource = "status";
  return Do(request);
}

Response Simulation::Delete(Kind kind, std::string_view ns, std::string_view name, DeleteOptions how) {
  Request request;
  request.verb = Verb::kDelete;
  request.kind = kind;
  request.namespace_ = ns;
  request.name = name;
  request.deletion = std::move(how);
  return Do(request);
}

absl::Status Simulation::Replay(WatchEventType type, const AnyObject& object, bool always) {
  return impl_->server.Replay(type, object, always);
}

AnyObject Simulation::Get(Kind kind, std::string_view ns, std::string_view name) {
  Request request;
  request.kind = kind;
  request.namespace_ = ns;
  request.name = name;
  return server().Handle(request).object;
}

void Simulation::SetApiSlowdown(double factor) { impl_->SetApiSlowdown(factor); }

void Simulation::SetSyncSlowdown(double factor) { impl_->sync_slowdown = factor; }

void Simulation::JumpWallClock(Duration by) { impl_->server.JumpWallClock(by); }

void Simulation::SetPodServing(const ObjectKey& pod, bool serving) {
  for (RunObserver* observer : impl_->server.observers()) observer->OnPodServing(now(), pod, serving);
}

void Simulation::SetNodeUp(const Text& node, bool up) {
  for (RunObserver* observer : impl_->server.observers()) observer->OnNodeUp(now(), node, up);
}

void Simulation::Note(const std::string& text) {
  for (RunObserver* observer : impl_->server.observers()) observer->OnNote(now(), text);
}

void Simulation::TakeOutsideChanges() { impl_->server.TakeOutsideChanges(); }

void Simulation::RunUntil(Instant end) { impl_->scheduler.RunUntil(end); }

bool Simulation::Settle(Instant limit) {
  Scheduler& scheduler = impl_->scheduler;
  while (!impl_->Quiet()) {
    const std::optional<Instant> next = scheduler.next();
    if (!next || *next > limit) {
      scheduler.RunUntil(limit);
      return false;
    }
    scheduler.Step();
  }
  return true;
}

void Simulation::Finish() {
  for (RunObserver* observer : impl_->server.observers()) observer->OnEnd(now());
}

std::string Simulation::digest() const { return impl_->server.digest().ToString(); }

}  // namespace epslice::sim

// A small cluster in a Simulation.
#ifndef EPSLICE_TEST_SIM_ENGINE_ENGINE_FIXTURE_H_
#define EPSLICE_TEST_SIM_ENGINE_ENGINE_FIXTURE_H_

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/simulation.h"

namespace epslice::sim {

inline DeleteOptions AtOnce() {
  DeleteOptions how;
  how.gracePeriodSeconds = 0;
  return how;
}

// Latencies that one can add up. The answer to a write comes before its echo:
// else a sync would follow that finds nothing to do.
inline SimulationOptions Exact() {
  SimulationOptions options;
  options.models.watch_latency = Latency::Constant(std::chrono::milliseconds(3));
  options.models.write_latency = Latency::Constant(std::chrono::milliseconds(4));
  options.models.sync_time = std::chrono::milliseconds(1);
  options.models.sync_time_per_endpoint = std::chrono::microseconds(100);
  options.models.qps = 0;
  return options;
}

inline AnyObject NodeOf(const std::string& name, const std::string& zone) {
  Node node;
  node.metadata.name = Text::Intern(name);
  node.metadata.labels = StringMap({{Text::Intern(kLabelZone), Text::Intern(zone)}});
  node.ready = true;
  node.allocatableCpuMilli = 4000;
  return AnyObject::Of(std::move(node));
}

inline AnyObject ServiceOf(const std::string& name) {
  Service service;
  service.metadata.namespace_ = Text::Intern("shop");
  service.metadata.name = Text::Intern(name);
  service.spec.selector = StringMap({{Text::Intern("app"), Text::Intern(name)}});
  service.spec.clusterIP = Text::Intern("10.96.0.1");
  service.spec.clusterIPs = {service.spec.clusterIP};
  service.spec.ipFamilies = {Text::Intern("IPv4")};
  ServicePort port;
  port.protocol = Text::Intern("TCP");
  port.port = 80;
  port.targetPort.number = 8080;
  service.spec.ports.push_back(port);
  return AnyObject::Of(std::move(service));
}

inline Pod PodOf(const std::string& app, int number, bool ready = true) {
  Pod pod;
  pod.metadata.namespace_ = Text::Intern("shop");
  pod.metadata.name = Text(app + "-" + std::to_string(number));
  pod.metadata.labels = StringMap({{Text::Intern("app"), Text::Intern(app)}});
  pod.nodeName = Text::Intern("node-" + std::to_string(number % 3));
  pod.podIPs = {*ParseIpLenient("10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1))};
  pod.hasPodIP = true;
  pod.phase = PodPhase::kRunning;
  pod.ready = ready;
  return pod;
}

// Three nodes in three zones, and a Service with some pods.
inline void LoadShop(Simulation* simulation, const std::string& app, int pods) {
  std::vector<AnyObject> objects;
  for (int i = 0; i < 3; ++i) objects.push_back(NodeOf("node-" + std::to_string(i), "zone-" + std::to_string(i)));
  objects.push_back(ServiceOf(app));
  for (int i = 0; i < pods; ++i) objects.push_back(AnyObject::Of(PodOf(app, i)));
  for (const AnyObject& object : objects) {
    if (const absl::Status status = simulation->Load(object); !status.ok()) {
      throw std::runtime_error(std::string(status.message()));
    }
  }
}

inline std::vector<std::shared_ptr<const EndpointSlice>> SlicesOf(Simulation* simulation) {
  Request request;
  request.verb = Verb::kList;
  request.kind = Kind::kEndpointSlice;
  std::vector<std::shared_ptr<const EndpointSlice>> slices;
  for (const AnyObject& item : simulation->Do(request).list.items) slices.push_back(item.As<EndpointSlice>());
  return slices;
}

// Addresses of ready endpoints in all slices; each once, or it throws.
inline std::set<std::string> ReadyAddresses(Simulation* simulation) {
  std::set<std::string> addresses;
  for (const auto& slice : SlicesOf(simulation)) {
    for (const Endpoint& endpoint : slice->endpoints) {
      if (!endpoint.conditions.ready.value_or(false)) continue;
      if (!addresses.insert(endpoint.addresses.front().str()).second) throw std::runtime_error("an endpoint twice");
    }
  }
  return addresses;
}

// What the observers were told, in words.
class Story : public RunObserver {
 public:
  void OnCommit(const Commit& c) override {
    commits.push_back(c);
    Say("commit " + std::string(WatchEventTypeName(c.type)) + " " + KeyOf(c.object.meta()).ToString());
  }
  void OnWrite(const ControllerWrite& w) override {
    writes.push_back(w);
    Say("write " + std::string(VerbName(w.verb)) + " " + std::to_string(w.status.code));
  }
  void OnSync(const Job& job, const Plan&, const Outcome&, SyncResult result, Instant queued, Instant begun,
              Instant ended) override {
    syncs.push_back({job.service, result, queued, begun, ended});
    Say("sync " + job.service.ToString());
  }
  void OnPutOff(Instant, std::int64_t count) override { put_off += count; }
  void OnQueue(Instant, std::size_t ready, std::size_t delayed, std::size_t processing) override {
    queue.push_back({ready, delayed, processing});
  }
  void OnPodServing(Instant, const ObjectKey& pod, bool serving) override {
    Say("serving " + pod.ToString() + (serving ? " yes" : " no"));
  }
  void OnNodeUp(Instant, const Text& node, bool up) override { Say("node " + node.str() + (up ? " up" : " down")); }
  void OnNote(Instant, const std::string& text) override { Say("note " + text); }
  void OnEnd(Instant) override { Say("end"); }

  struct Sync {
    ObjectKey service;
    SyncResult result;
    Instant queued, begun, ended;
  };
  std::vector<std::string> lines;
  std::vector<Commit> commits;
  std::int64_t put_off = 0;
  std::vector<ControllerWrite> writes;
  std::vector<Sync> syncs;
  std::vector<std::array<std::size_t, 3>> queue;

 private:
  void Say(std::string line) { lines.push_back(std::move(line)); }
};

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_ENGINE_ENGINE_FIXTURE_H_

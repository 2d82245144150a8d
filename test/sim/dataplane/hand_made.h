// A cluster for tests of the data plane, told to observers by hand.
#ifndef EPSLICE_TEST_SIM_DATAPLANE_HAND_MADE_H_
#define EPSLICE_TEST_SIM_DATAPLANE_HAND_MADE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/dataplane/data_plane.h"
#include "sim/engine/observer.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim::testkit {

inline Instant AtSeconds(double seconds) { return Instant(static_cast<std::int64_t>(seconds * 1e9 + 0.5)); }

// An endpoint of pod `pod` (address "10.0.0.<pod>" or "fd00::<pod>").
struct End {
  int pod;
  std::string node, zone;
  std::string hint_zone = "", hint_node = "";
  bool ready = true, serving = true, terminating = false;
};

inline EndpointSlice MakeSlice(const std::string& name, const std::vector<End>& ends,
                               const std::string& service = "web", const std::string& family = "IPv4") {
  EndpointSlice slice;
  slice.metadata.namespace_ = Text::Intern("shop");
  slice.metadata.name = Text(name);
  slice.metadata.labels = StringMap{{Text::Intern(kLabelServiceName), Text(service)}};
  slice.addressType = Text::Intern(family);
  EndpointPort port;
  port.name = Text::Intern("http");
  port.port = 8080;
  slice.ports = {port};
  for (const End& end : ends) {
    Endpoint e;
    e.addresses = {Text((family == "IPv4" ? "10.0.0." : "fd00::") + std::to_string(end.pod))};
    e.conditions = {end.ready, end.serving, end.terminating};
    e.nodeName = Text::Intern(end.node);
    e.zone = Text::Intern(end.zone);
    ObjectReference ref;
    ref.kind = Text::Intern("Pod");
    ref.namespace_ = slice.metadata.namespace_;
    ref.name = Text("p" + std::to_string(end.pod));
    e.targetRef = ref;
    if (!end.hint_zone.empty() || !end.hint_node.empty()) {
      e.hints.emplace();
      if (!end.hint_zone.empty()) e.hints->forZones = {Text::Intern(end.hint_zone)};
      if (!end.hint_node.empty()) e.hints->forNodes = {Text::Intern(end.hint_node)};
    }
    slice.endpoints.push_back(std::move(e));
  }
  return slice;
}

inline Node MakeNode(const std::string& name, const std::string& zone, std::int64_t cpu_milli) {
  Node node;
  node.metadata.name = Text(name);
  if (!zone.empty()) node.metadata.labels = StringMap{{Text::Intern(kLabelZone), Text::Intern(zone)}};
  node.ready = true;
  node.allocatableCpuMilli = cpu_milli;
  return node;
}

inline Pod MakePod(int number, const std::string& node, bool ready = true, bool terminating = false) {
  Pod pod;
  pod.metadata.namespace_ = Text::Intern("shop");
  pod.metadata.name = Text("p" + std::to_string(number));
  pod.nodeName = Text::Intern(node);
  pod.podIPs = {*ParseIpLenient("10.0.0." + std::to_string(number)),
                *ParseIpLenient("fd00::" + std::to_string(number))};
  pod.hasPodIP = true;
  pod.phase = PodPhase::kRunning;
  pod.ready = ready;
  if (terminating) pod.metadata.deletionTimestamp = Timestamp::FromSeconds(1);
  return pod;
}

inline Service MakeService(const std::string& name = "web") {
  Service service;
  service.metadata.namespace_ = Text::Intern("shop");
  service.metadata.name = Text(name);
  service.spec.type = Text::Intern("ClusterIP");
  service.spec.clusterIP = Text("10.96.0.1");
  service.spec.ipFamilies = {Text::Intern("IPv4")};
  service.spec.selector = StringMap{{Text::Intern("app"), Text(name)}};
  ServicePort port;
  port.name = Text::Intern("http");
  port.port = 80;
  service.spec.ports = {port};
  return service;
}

// One data plane, with other observers beside it.
struct HandMade {
  explicit HandMade(DataPlaneOptions options) : plane(std::move(options), &scheduler, 1) { observers = {&plane}; }

  template <typename T>
  void Tell(T object, WatchEventType type = WatchEventType::kModified, bool by_controller = false) {
    Commit commit;
    commit.at = scheduler.now();
    commit.type = type;
    commit.object = AnyObject::Of(std::move(object));
    commit.by_controller = by_controller;
    commit.start = starting;
    for (RunObserver* observer : observers) observer->OnCommit(commit);
  }
  template <typename T>
  void Load(T object) {
    starting = true;
    Tell(std::move(object), WatchEventType::kAdded);
    starting = false;
  }
  void RunTo(double seconds) { scheduler.RunUntil(AtSeconds(seconds)); }
  void Up(const std::string& node, bool up) {
    for (RunObserver* observer : observers) observer->OnNodeUp(scheduler.now(), Text(node), up);
  }
  void End(double seconds) {
    RunTo(seconds);
    for (RunObserver* observer : observers) observer->OnEnd(scheduler.now());
  }
  const TrafficTotals& Of(const std::string& service) const {
    return plane.by_service().at({Text("shop"), Text(service)});
  }

  Scheduler scheduler{Timestamp::FromSeconds(1'767'225'600)};
  DataPlane plane;
  std::vector<RunObserver*> observers;
  bool starting = false;
};

// Every lag is the same: 0.1 s to the proxy, a sync at most each second, 0.2 s
// long.
inline DataPlaneOptions ConstantLags() {
  DataPlaneOptions options;
  options.proxy_watch_latency = Latency::Constant(std::chrono::milliseconds(100));
  options.proxy_sync_period = std::chrono::seconds(1);
  options.proxy_sync_time = Latency::Constant(std::chrono::milliseconds(200));
  options.proxy_groups = 1;
  options.default_rps = 90;
  return options;
}

}  // namespace epslice::sim::testkit

#endif  // EPSLICE_TEST_SIM_DATAPLANE_HAND_MADE_H_

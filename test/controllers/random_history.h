// Random histories of a cluster from a seed, and an oracle of what the slices
// have to be then: each pod against each Service, straight from the rules.
// Whatever is done to pods, nodes, Services and slices, once the controller is
// at rest the slices hold exactly the desired endpoints, none twice, none over
// the maximum.
#ifndef EPSLICE_TEST_CONTROLLERS_RANDOM_HISTORY_H_
#define EPSLICE_TEST_CONTROLLERS_RANDOM_HISTORY_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apis/json.h"
#include "controllers/endpointslice/service_controller.h"
#include "informers/random.h"
#include "test/controllers/builders.h"

namespace epslice::testkit {

// The cluster that a history happens to, with a controller that runs in it.
class HistoryCluster {
 public:
  virtual ~HistoryCluster() = default;
  virtual Response Handle(const Request& request) = 0;
  virtual void RunFor(Duration duration) = 0;
  virtual Timestamp WallNow() = 0;
  // Something happens to connections and servers.
  virtual void Disturb(Random* random) = 0;

  Response Do(Verb verb, AnyObject object, const std::string& subresource = "") {
    Request request;
    request.verb = verb;
    request.kind = object.kind();
    request.namespace_ = object.meta().namespace_.str();
    request.name = object.meta().name.str();
    request.subresource = subresource;
    request.object = std::move(object);
    return Handle(request);
  }
  Response Delete(Kind kind, const std::string& ns, const std::string& name, std::optional<std::int64_t> grace = {}) {
    Request request;
    request.verb = Verb::kDelete;
    request.kind = kind;
    request.namespace_ = ns;
    request.name = name;
    request.deletion.gracePeriodSeconds = grace;
    return Handle(request);
  }
  template <typename T>
  std::vector<std::shared_ptr<const T>> List() {
    Request request;
    request.verb = Verb::kList;
    request.kind = T::kKind;
    std::vector<std::shared_ptr<const T>> objects;
    for (const AnyObject& item : Handle(request).list.items) objects.push_back(item.As<T>());
    return objects;
  }
};

inline const char* const kApps[] = {"web", "api", "db"};
// Rarely none: one node without a zone takes the proportional hints from all.
inline const char* const kZones[] = {"a", "b", "a", "b", "c", ""};

class RandomHistory {
 public:
  static constexpr int kMaxEndpoints = 4;  // --max-endpoints-per-slice

  // The controller's options for this seed.
  static ServiceControllerOptions Options(std::uint64_t seed) {
    ServiceControllerOptions options;
    options.reconcile.max_endpoints_per_slice = kMaxEndpoints;
    if (seed % 3 == 0) options.batch_period = std::chrono::milliseconds(500);
    return options;
  }

  // Begins with some nodes, Services and pods.
  RandomHistory(std::uint64_t seed, HistoryCluster* cluster) : random_(Random(seed).Fork(99)), cluster_(*cluster) {
    for (int i = 0; i < 3; ++i) PutNode(i);
    for (int i = 0; i < 2; ++i) PutService(i);
    for (int i = 0; i < 6; ++i) PutPod();
  }

  void Play(int steps) {
    for (int i = 0; i < steps; ++i) {
      Step();
      if (random_.Chance(0.6)) cluster_.RunFor(std::chrono::milliseconds(random_.Below(1500)));
    }
  }

  // Ends all that keeps a queue busy: pods on nodes that do not exist.
  void Finish() {
    for (int i = 0; i < kNodes; ++i) PutNode(i);
  }

  // Deletes everything but the nodes.
  void DeleteAll() {
    for (const auto& service : cluster_.List<Service>()) {
      cluster_.Delete(Kind::kService, service->metadata.namespace_.str(), service->metadata.name.str());
    }
    for (const auto& pod : cluster_.List<Pod>()) {
      cluster_.Delete(Kind::kPod, pod->metadata.namespace_.str(), pod->metadata.name.str(), 0);
    }
  }

  void Check() {
    std::map<std::string, std::multiset<std::string>> want;
    std::map<std::string, std::multiset<std::string>> have;
    Desired(&want);
    for (const auto& slice : cluster_.List<EndpointSlice>()) {
      if (slice->metadata.labels.Get(kLabelManagedBy) != kDefaultControllerName) continue;
      const std::string service = ServiceOfSlice(*slice).ToString();
      if (want.contains(service)) {
        EXPECT_LE(slice->endpoints.size(), static_cast<std::size_t>(kMaxEndpoints)) << slice->metadata.name;
      }
      for (Endpoint e : slice->endpoints) {
        if (proportional_.contains(service)) CheckHint(service, slice->addressType, &e);
        have[service].insert(Describe(*slice, e));
      }
    }
    for (const auto& [key, kinds] : hinted_) EXPECT_LE(kinds.size(), 1U) << key << ": hints on all or on none";
    for (const auto& [service, endpoints] : want) EXPECT_EQ(have[service], endpoints) << service;
    // Nobody looks after slices that name a Service that does not exist; if
    // that was their owner, they went with it.
    for (const auto& [service, endpoints] : have) {
      if (!want.contains(service)) continue;
      EXPECT_EQ(std::set<std::string>(endpoints.begin(), endpoints.end()).size(), endpoints.size()) << service;
    }
  }

 private:
  static constexpr int kNodes = 5;

  void Step() {
    switch (random_.Below(20)) {
      case 0:
      case 1:
      case 2:
      case 3: return PutPod();
      case 4:
      case 5:
      case 6:
      case 7: return FlipPod();
      case 8:
      case 9: return DeletePod();
      case 10: return RelabelPod();
      case 11: return PutNode(static_cast<int>(random_.Below(kNodes)));
      case 12: cluster_.Delete(Kind::kNode, "", "n" + std::to_string(random_.Below(kNodes))); return;
      case 13:
      case 14: return PutService(static_cast<int>(random_.Below(4)));
      case 15: cluster_.Delete(Kind::kService, "shop", ServiceName(static_cast<int>(random_.Below(4)))); return;
      case 16:
      case 17: return MeddleWithSlice();
      case 18: return cluster_.Disturb(&random_);
      default: return ForeignSlice();
    }
  }

  static std::string ServiceName(int i) { return "svc-" + std::to_string(i); }

  void PutNode(int i) {
    Node node;
    node.metadata.name = Text("n" + std::to_string(i));
    node.ready = random_.Chance(0.9);
    node.allocatableCpuMilli = random_.Between(1, 4) * 1000;
    const char* zone = kZones[random_.Below(6)];
    if (*zone != '\0') node.metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
    Put(node);
  }

  void PutService(int i) {
    Service service = testkit::ServiceBuilder(ServiceName(i)).service;
    service.metadata.uid = Text();
    service.metadata.resourceVersion = Text();
    service.metadata.creationTimestamp = Timestamp();
    service.spec.selector = StringMap{{Text("app"), Text(kApps[random_.Below(3)])}};
    if (random_.Chance(0.1)) service.spec.selector = StringMap{};
    if (random_.Chance(0.1)) service.spec.selector.reset();
    if (random_.Chance(0.3)) service.spec.ports[0].targetPort = {0, Text("http")};
    if (random_.Chance(0.3)) service.metadata.labels = StringMap{{Text("team"), Text(random_.Chance(0.5) ? "a" : "b")}};
    service.spec.publishNotReadyAddresses = random_.Chance(0.1);
    if (random_.Chance(0.3))
      service.spec.trafficDistribution = Text(random_.Chance(0.5) ? "PreferClose" : "PreferSameNode");
    if (random_.Chance(0.3)) {
      service.metadata.annotations = StringMap{{Text(kAnnotationTopologyMode), Text("Auto")}};
    }
    // A Service keeps its cluster IP and its first family for life.
    service.spec.clusterIP = Text(i == 3   ? "None"
                                  : i == 2 ? "fd00:10::" + std::to_string(i)
                                           : "10.96.0." + std::to_string(10 + i));
    service.spec.ipFamilies = {Text(i == 2 ? "IPv6" : "IPv4")};
    if (random_.Chance(0.4)) service.spec.ipFamilies.push_back(Text(i == 2 ? "IPv4" : "IPv6"));
    Put(service);
  }

  void PutPod() {
    const int i = pods_made_++;
    Pod pod = testkit::PodBuilder("pod-" + std::to_string(i)).pod;
    pod.metadata.uid = Text();
    pod.metadata.resourceVersion = Text();
    pod.metadata.creationTimestamp = Timestamp();
    pod.metadata.labels = StringMap{{Text("app"), Text(kApps[random_.Below(3)])}};
    pod.nodeName = Text::Intern("n" + std::to_string(random_.Below(kNodes)));
    pod.ready = random_.Chance(0.7);
    pod.readyTransitionTime = cluster_.WallNow();
    pod.phase = PodPhase::kRunning;
    if (random_.Chance(0.9))
      pod.podIPs.push_back(*ParseIpLenient("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
    if (random_.Chance(0.5)) pod.podIPs.push_back(*ParseIpLenient("fd00::" + std::to_string(i + 1)));
    pod.hasPodIP = !pod.podIPs.empty();
    if (random_.Chance(0.7)) {
      pod.namedPorts = std::make_shared<const std::vector<NamedPort>>(
          std::vector<NamedPort>{{Text("http"), Text("TCP"), random_.Chance(0.7) ? 8080 : 9090}});
    }
    if (random_.Chance(0.2)) pod.hostname = Text("host-" + std::to_string(i)), pod.subdomain = Text("svc-0");
    Put(pod);
  }

  std::shared_ptr<const Pod> AnyPod() {
    const auto pods = cluster_.List<Pod>();
    return pods.empty() ? nullptr : pods[random_.Below(pods.size())];
  }

  void FlipPod() {
    const auto pod = AnyPod();
    if (pod == nullptr) return;
    Pod flipped = *pod;
    flipped.metadata.resourceVersion = Text();
    flipped.ready = !pod->ready;
    flipped.readyTransitionTime = cluster_.WallNow();
    if (random_.Chance(0.1)) flipped.phase = PodPhase::kFailed;
    EXPECT_EQ(cluster_.Do(Verb::kUpdate, AnyObject::Of(flipped), "status").status.code, 200);
  }

  void RelabelPod() {
    const auto pod = AnyPod();
    if (pod == nullptr) return;
    Pod relabelled = *pod;
    relabelled.metadata.resourceVersion = Text();
    relabelled.metadata.labels = StringMap{{Text("app"), Text(kApps[random_.Below(3)])}};
    EXPECT_EQ(cluster_.Do(Verb::kUpdate, AnyObject::Of(relabelled)).status.code, 200);
  }

  void DeletePod() {
    const auto pod = AnyPod();
    if (pod == nullptr) return;
    cluster_.Delete(Kind::kPod, "shop", pod->metadata.name.str(), static_cast<std::int64_t>(random_.Below(3) * 2));
  }

  std::shared_ptr<const EndpointSlice> AnySlice() {
    const auto slices = cluster_.List<EndpointSlice>();
    return slices.empty() ? nullptr : slices[random_.Below(slices.size())];
  }

  // Somebody edits or deletes a slice by hand.
  void MeddleWithSlice() {
    const auto slice = AnySlice();
    if (slice == nullptr) return;
    EndpointSlice edited = *slice;
    edited.metadata.resourceVersion = Text();
    switch (random_.Below(5)) {
      case 0: cluster_.Delete(Kind::kEndpointSlice, "shop", slice->metadata.name.str()); return;
      case 1: edited.endpoints.clear(); break;
      case 2:
        if (edited.endpoints.empty()) return;
        edited.endpoints.push_back(edited.endpoints[0]);
        edited.endpoints[0].conditions.ready = !edited.endpoints[0].conditions.ready.value_or(true);
        break;
      case 3: edited.metadata.labels = edited.metadata.labels.With(Text("stray"), Text("x")); break;
      default:
        edited.metadata.labels =
            edited.metadata.labels.With(Text(kLabelServiceName), Text(ServiceName(static_cast<int>(random_.Below(4)))));
        break;
    }
    cluster_.Do(Verb::kUpdate, AnyObject::Of(edited));
  }

  // A slice of another controller, or one with our labels that nobody owns.
  void ForeignSlice() {
    EndpointSlice slice;
    slice.metadata.generateName = Text("foreign-");
    slice.metadata.namespace_ = Text("shop");
    const bool ours = random_.Chance(0.5);
    slice.metadata.labels = StringMap{{Text(kLabelServiceName), Text(ServiceName(static_cast<int>(random_.Below(4))))},
                                      {Text(kLabelManagedBy), Text(ours ? kDefaultControllerName : "somebody-else")}};
    slice.addressType = Text("IPv4");
    Endpoint endpoint;
    endpoint.addresses = {Text("192.0.2.1")};
    slice.endpoints = {endpoint};
    cluster_.Do(Verb::kCreate, AnyObject::Of(slice));
  }

  template <typename T>
  void Put(const T& object) {
    Response response = cluster_.Do(Verb::kCreate, AnyObject::Of(object));
    if (response.status.code == 409) response = cluster_.Do(Verb::kUpdate, AnyObject::Of(object));
    EXPECT_TRUE(response.status.ok()) << response.status.ToString();
  }

  // Proportional hints depend on the history: all ready endpoints have one zone
  // or none has. Takes the hint off, for the comparison.
  void CheckHint(const std::string& service, const Text& address_type, Endpoint* e) {
    if (e->conditions.ready == true) {
      hinted_[service + " " + address_type.str()].insert(e->hints.has_value());
      if (e->hints) {
        EXPECT_EQ(e->hints->forZones.size(), 1U);
        EXPECT_FALSE(e->zone.empty());
      }
    }
    e->hints.reset();
  }

  static std::string Describe(const EndpointSlice& slice, const Endpoint& e) {
    EndpointSlice one;
    one.addressType = slice.addressType;
    one.ports = slice.ports;
    one.endpoints = {e};
    return EncodeJson(one);
  }

  // The oracle: each pod against each Service, straight from the rules.
  void Desired(std::map<std::string, std::multiset<std::string>>* want) {
    std::map<std::string, std::string> zones;
    for (const auto& node : cluster_.List<Node>()) {
      zones[node->metadata.name.str()] = std::string(node->metadata.labels.Get(kLabelZone));
    }
    for (const auto& service : cluster_.List<Service>()) {
      const std::string key = KeyOf(service->metadata).ToString();
      if (!service->spec.selector) continue;
      if (service->metadata.annotations.Contains(kAnnotationTopologyMode)) proportional_.insert(key);
      std::multiset<std::string>& endpoints = (*want)[key];
      for (const auto& pod : cluster_.List<Pod>()) AddDesired(*service, *pod, zones, &endpoints);
    }
  }

  static void AddDesired(const Service& service, const Pod& pod, const std::map<std::string, std::string>& zones,
                         std::multiset<std::string>* endpoints) {
    if (pod.phase == PodPhase::kFailed || !zones.contains(pod.nodeName.str())) return;
    for (const auto& [k, v] : *service.spec.selector) {
      if (pod.metadata.labels.Get(k) != v.view()) return;
    }
    EndpointSlice slice;
    EndpointPort port;
    port.name = Text("http");
    port.port = 8080;
    if (!service.spec.ports[0].targetPort.name.empty()) {
      port.port.reset();
      if (pod.namedPorts != nullptr) port.port = (*pod.namedPorts)[0].containerPort;
    }
    if (port.port) slice.ports = {port};
    for (const Text& type : AddressTypesOf(service)) {
      slice.addressType = type;
      for (const IpAddress& ip : pod.podIPs) {
        if ((ip.family == IpFamily::kIPv6) != (type == "IPv6")) continue;
        Endpoint e;
        e.addresses = {ip.text};
        const bool gone = pod.metadata.deletionTimestamp.is_set();
        e.conditions = {service.spec.publishNotReadyAddresses || (pod.ready && !gone), pod.ready, gone};
        if (pod.subdomain == service.metadata.name.view()) e.hostname = pod.hostname;
        e.nodeName = pod.nodeName;
        e.zone = Text(zones.at(pod.nodeName.str()));
        e.targetRef = ObjectReference{Text("Pod"), Text("shop"), pod.metadata.name, pod.metadata.uid, {}, {}, {}};
        AddHints(service, &e);
        endpoints->insert(Describe(slice, e));
      }
    }
  }

  static void AddHints(const Service& service, Endpoint* e) {
    if (service.metadata.annotations.Contains(kAnnotationTopologyMode)) return;
    if (!service.spec.trafficDistribution || e->conditions.ready != true) return;
    EndpointHints hints;
    if (!e->zone.empty()) hints.forZones = {e->zone};
    if (*service.spec.trafficDistribution == "PreferSameNode") hints.forNodes = {e->nodeName};
    if (!hints.empty()) e->hints = hints;
  }

  Random random_;
  HistoryCluster& cluster_;
  std::set<std::string> proportional_;
  std::map<std::string, std::set<bool>> hinted_;
  int pods_made_ = 0;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_RANDOM_HISTORY_H_

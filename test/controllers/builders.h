// Short ways to say objects in tests.
#ifndef EPSLICE_TEST_CONTROLLERS_BUILDERS_H_
#define EPSLICE_TEST_CONTROLLERS_BUILDERS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice::testkit {

inline constexpr std::int64_t kCreated = 1'767'323'045;  // 2026-01-02T03:04:05Z

// A running, ready pod "shop/<name>" on node n1 with label app=web.
struct PodBuilder {
  Pod pod;
  explicit PodBuilder(const std::string& name, const std::string& ip = "") {
    pod.metadata.name = Text(name);
    pod.metadata.namespace_ = Text::Intern("shop");
    pod.metadata.uid = Text("uid-" + name);
    pod.metadata.resourceVersion = Text("1");
    pod.metadata.labels = StringMap{{Text::Intern("app"), Text::Intern("web")}};
    pod.metadata.creationTimestamp = Timestamp::FromSeconds(kCreated);
    pod.nodeName = Text::Intern("n1");
    pod.phase = PodPhase::kRunning;
    pod.ready = true;
    pod.readyTransitionTime = Timestamp::FromSeconds(kCreated);
    if (!ip.empty()) Ip(ip);
  }
  PodBuilder& Ip(const std::string& ip) {
    pod.podIPs.push_back(*ParseIpLenient(ip));
    pod.hasPodIP = true;
    return *this;
  }
  PodBuilder& Node(const std::string& node) { return pod.nodeName = Text::Intern(node), *this; }
  PodBuilder& Ready(bool ready) { return pod.ready = ready, *this; }
  PodBuilder& Terminating() { return pod.metadata.deletionTimestamp = Timestamp::FromSeconds(kCreated + 60), *this; }
  PodBuilder& Phase(PodPhase phase) { return pod.phase = phase, *this; }
  PodBuilder& Host(const std::string& host, const std::string& sub) {
    return pod.hostname = Text(host), pod.subdomain = Text(sub), *this;
  }
  PodBuilder& Labels(StringMap labels) { return pod.metadata.labels = std::move(labels), *this; }
  PodBuilder& Port(const std::string& name, int port, const std::string& protocol = "TCP") {
    auto ports = pod.namedPorts == nullptr ? std::vector<NamedPort>() : *pod.namedPorts;
    ports.push_back({Text::Intern(name), Text::Intern(protocol), port});
    pod.namedPorts = std::make_shared<const std::vector<NamedPort>>(std::move(ports));
    return *this;
  }
  PodBuilder& ReadySince(std::int64_t seconds) {
    return pod.readyTransitionTime = Timestamp::FromSeconds(seconds), *this;
  }
  operator std::shared_ptr<const Pod>() const { return std::make_shared<const Pod>(pod); }  // NOLINT
};

// Service "shop/web", selector app=web, port http 80 -> 8080, IPv4.
struct ServiceBuilder {
  Service service;
  explicit ServiceBuilder(const std::string& name = "web") {
    service.metadata.name = Text(name);
    service.metadata.namespace_ = Text::Intern("shop");
    service.metadata.uid = Text("svc-" + name);
    service.metadata.resourceVersion = Text("1");
    service.metadata.creationTimestamp = Timestamp::FromSeconds(kCreated);
    service.spec.type = Text::Intern("ClusterIP");
    service.spec.clusterIP = Text("10.96.0.10");
    service.spec.ipFamilies = {Text::Intern("IPv4")};
    service.spec.selector = StringMap{{Text::Intern("app"), Text::Intern("web")}};
    ServicePort port;
    port.name = Text::Intern("http");
    port.protocol = Text::Intern("TCP");
    port.port = 80;
    port.targetPort.number = 8080;
    service.spec.ports = {port};
  }
  ServiceBuilder& Families(const std::vector<std::string>& families) {
    service.spec.ipFamilies.clear();
    for (const auto& f : families) service.spec.ipFamilies.emplace_back(f);
    return *this;
  }
  ServiceBuilder& ClusterIp(const std::string& ip) { return service.spec.clusterIP = Text(ip), *this; }
  ServiceBuilder& TargetPort(const std::string& name) {
    return service.spec.ports[0].targetPort = {0, Text::Intern(name)}, *this;
  }
  ServiceBuilder& Labels(StringMap labels) { return service.metadata.labels = std::move(labels), *this; }
  ServiceBuilder& Selector(StringMap labels) { return service.spec.selector = std::move(labels), *this; }
  ServiceBuilder& Distribution(const std::string& value) {
    return service.spec.trafficDistribution = Text(value), *this;
  }
  ServiceBuilder& Annotation(const std::string& key, const std::string& value) {
    service.metadata.annotations = service.metadata.annotations.With(Text(key), Text(value));
    return *this;
  }
  ServiceBuilder& PublishNotReady() { return service.spec.publishNotReadyAddresses = true, *this; }
  ServiceBuilder& Deleting() {
    return service.metadata.deletionTimestamp = Timestamp::FromSeconds(kCreated + 9), *this;
  }
  operator std::shared_ptr<const Service>() const { return std::make_shared<const Service>(service); }  // NOLINT
};

inline std::shared_ptr<const NodeZones> Zones(const std::map<std::string, std::string>& zones) {
  auto result = std::make_shared<NodeZones>();
  for (const auto& [node, zone] : zones) (*result)[Text::Intern(node)] = Text::Intern(zone);
  return result;
}

inline std::vector<std::shared_ptr<const Pod>> Pods(int count, int first = 0) {
  std::vector<std::shared_ptr<const Pod>> pods;
  for (int i = first; i < first + count; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 5 - number.size(), '0');
    pods.push_back(PodBuilder("web-" + number, "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
  }
  return pods;
}

// What an API server would hold after a plan was applied to `before`: names
// made, uids and generations given.
inline std::vector<std::shared_ptr<const EndpointSlice>> ApplyPlan(
    const std::vector<std::shared_ptr<const EndpointSlice>>& before, const Plan& plan) {
  std::map<Text, std::shared_ptr<const EndpointSlice>> by_name;
  for (const auto& slice : before) by_name[slice->metadata.name] = slice;
  int made = static_cast<int>(before.size());
  for (const SliceWrite& write : plan.writes) {
    if (write.op == SliceWrite::Op::kDelete) {
      by_name.erase(write.slice->metadata.name);
      continue;
    }
    auto slice = std::make_shared<EndpointSlice>(*write.slice);
    if (write.op == SliceWrite::Op::kCreate) {
      std::string number = std::to_string(made++);
      number.insert(0, 5 - number.size(), '0');
      slice->metadata.name = Text(slice->metadata.generateName.str() + number);
      slice->metadata.uid = Text("slice-" + slice->metadata.name.str());
      slice->metadata.generation = 1;
    } else {
      const auto& old = by_name.at(slice->metadata.name);
      slice->metadata.uid = old->metadata.uid;
      slice->metadata.generation = old->metadata.generation + 1;
    }
    slice->metadata.resourceVersion = Text(std::to_string(1000 + made));
    by_name[slice->metadata.name] = std::move(slice);
  }
  std::vector<std::shared_ptr<const EndpointSlice>> after;
  for (auto& [name, slice] : by_name) after.push_back(std::move(slice));
  return after;
}

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_BUILDERS_H_

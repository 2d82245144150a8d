// core/v1: Namespace, Node, Pod, Service, Event. The fields we use, no others.
//
// These are projections, made once when an object is decoded: what needs
// working out for every use (canonical addresses, CPU as a number, the Ready
// condition) is worked out there, and the rest of the object is dropped. An
// object that must come back whole keeps its JSON beside it (AnyObject in
// request.h).
#ifndef EPSLICE_APIS_CORE_H_
#define EPSLICE_APIS_CORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "apis/ip.h"
#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/text.h"

namespace epslice {

struct Namespace {
  static constexpr Kind kKind = Kind::kNamespace;
  ObjectMeta metadata;
  Text phase;  // status.phase: "Active", "Terminating"
  friend bool operator==(const Namespace&, const Namespace&) = default;
};

// core/v1 Taint, for the nodes that do not count as capacity.
struct Taint {
  Text key;
  Text value;
  Text effect;
  friend bool operator==(const Taint&, const Taint&) = default;
};

struct Node {
  static constexpr Kind kKind = Kind::kNode;
  ObjectMeta metadata;
  bool unschedulable = false;  // spec.unschedulable
  std::vector<Taint> taints;   // spec.taints
  bool ready = false;          // condition Ready is True
  // status.allocatable.cpu in thousandths of a CPU, rounded up as
  // resource.Quantity.MilliValue does; nullopt when absent.
  std::optional<std::int64_t> allocatableCpuMilli;
  friend bool operator==(const Node&, const Node&) = default;
};

// A named port of a container that traffic can reach: of spec.containers in
// order, then of spec.initContainers with restartPolicy Always. Ports without
// a name cannot be looked up and are not kept.
struct NamedPort {
  Text name;
  Text protocol;  // "TCP" where the object left it out
  std::int32_t containerPort = 0;
  friend bool operator==(const NamedPort&, const NamedPort&) = default;
};

enum class PodPhase : std::uint8_t { kUnknown, kPending, kRunning, kSucceeded, kFailed };
std::string_view PodPhaseName(PodPhase phase);  // "Running", ...; "" for kUnknown

struct Pod {
  static constexpr Kind kKind = Kind::kPod;
  BasicMeta metadata;
  Text nodeName;   // spec.nodeName
  Text hostname;   // spec.hostname
  Text subdomain;  // spec.subdomain
  // Shared by copies; null when there are none.
  std::shared_ptr<const std::vector<NamedPort>> namedPorts;
  // status.podIPs, canonical, in order; an entry that is no IP is dropped.
  IpList podIPs;
  // status.conditions[Ready].lastTransitionTime.
  Timestamp readyTransitionTime;
  PodPhase phase = PodPhase::kUnknown;  // status.phase
  bool ready = false;                   // condition Ready is True
  bool hasPodIP = false;                // status.podIP or podIPs present
  friend bool operator==(const Pod& a, const Pod& b);
};

// meta/v1 IntOrString.
struct IntOrString {
  std::int32_t number = 0;
  Text name;  // a name when not empty
  friend bool operator==(const IntOrString&, const IntOrString&) = default;
};

struct ServicePort {
  Text name;
  Text protocol;  // "TCP" where the object left it out
  std::optional<Text> appProtocol;
  std::int32_t port = 0;
  std::int32_t nodePort = 0;
  IntOrString targetPort;
  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct ServiceSpec {
  Text type;                          // "" counts as ClusterIP
  std::optional<StringMap> selector;  // nullopt: no selector; empty: every pod
  Text clusterIP;
  std::vector<Text> clusterIPs;
  std::vector<Text> ipFamilies;  // "IPv4", "IPv6"
  Text ipFamilyPolicy;
  std::vector<ServicePort> ports;
  bool publishNotReadyAddresses = false;
  std::optional<Text> trafficDistribution;
  Text internalTrafficPolicy;
  Text externalTrafficPolicy;
  std::int32_t healthCheckNodePort = 0;
  friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

struct Service {
  static constexpr Kind kKind = Kind::kService;
  ObjectMeta metadata;
  ServiceSpec spec;
  friend bool operator==(const Service&, const Service&) = default;
};

// core/v1 ObjectReference.
struct ObjectReference {
  Text kind;
  Text namespace_;
  Text name;
  Text uid;
  Text apiVersion;
  Text resourceVersion;
  Text fieldPath;
  friend bool operator==(const ObjectReference&, const ObjectReference&) = default;
};

// core/v1 Event, which events.k8s.io/v1 serves under other names
// (regarding = involvedObject, note = message).
struct Event {
  static constexpr Kind kKind = Kind::kEvent;
  ObjectMeta metadata;
  ObjectReference involvedObject;
  Text type;  // "Normal", "Warning"
  Text reason;
  Text message;
  Text action;
  Text sourceComponent;      // source.component
  Text reportingController;  // reportingComponent in core/v1
  Text reportingInstance;
  std::int32_t count = 0;
  Timestamp firstTimestamp;
  Timestamp lastTimestamp;
  Timestamp eventTime;  // microseconds on the wire
  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_CORE_H_

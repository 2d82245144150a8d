// discovery.k8s.io/v1: EndpointSlice.
#ifndef EPSLICE_APIS_DISCOVERY_H_
#define EPSLICE_APIS_DISCOVERY_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "apis/core.h"
#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/text.h"
#include "apis/text_list.h"

namespace epslice {

// Labels and annotations with a meaning of their own.
inline constexpr std::string_view kLabelServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kLabelManagedBy = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view kLabelHeadless = "service.kubernetes.io/headless";
inline constexpr std::string_view kLabelZone = "topology.kubernetes.io/zone";
inline constexpr std::string_view kAnnotationTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";
inline constexpr std::string_view kAnnotationTopologyMode = "service.kubernetes.io/topology-mode";
inline constexpr std::string_view kAnnotationTopologyHints = "service.kubernetes.io/topology-aware-hints";
inline constexpr std::string_view kDefaultControllerName = "endpointslice-controller.k8s.io";

// EndpointConditions; nullopt is "not said".
struct EndpointConditions {
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;
  friend bool operator==(const EndpointConditions&, const EndpointConditions&) = default;
};

// EndpointHints: names of the zones and of the nodes this endpoint is for.
struct EndpointHints {
  TextList forZones;
  TextList forNodes;
  bool empty() const { return forZones.empty() && forNodes.empty(); }
  friend bool operator==(const EndpointHints&, const EndpointHints&) = default;
};

struct Endpoint {
  TextList addresses;
  EndpointConditions conditions;
  Text hostname;
  Text nodeName;
  Text zone;
  std::optional<ObjectReference> targetRef;
  // nullopt: the field is absent.
  std::optional<EndpointHints> hints;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// EndpointPort. The API server stores "" and "TCP" for an absent name and
// protocol, so absent and default are one here; an absent port ("all ports")
// and an absent appProtocol are not.
struct EndpointPort {
  Text name;
  Text protocol = Text("TCP");
  std::optional<std::int32_t> port;
  std::optional<Text> appProtocol;
  friend bool operator==(const EndpointPort&, const EndpointPort&) = default;
  friend auto operator<=>(const EndpointPort&, const EndpointPort&) = default;
};

struct EndpointSlice {
  static constexpr Kind kKind = Kind::kEndpointSlice;
  ObjectMeta metadata;
  Text addressType;  // "IPv4", "IPv6", "FQDN"
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
  friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_DISCOVERY_H_

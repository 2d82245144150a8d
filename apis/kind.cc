#include "apis/kind.h"

namespace epslice {
namespace {

constexpr std::array<KindInfo, kAllKinds.size()> kInfos = {{
    {Kind::kNamespace, "Namespace", "", "v1", "v1", "namespaces", "namespace", "/api/v1", false},
    {Kind::kNode, "Node", "", "v1", "v1", "nodes", "node", "/api/v1", false},
    {Kind::kPod, "Pod", "", "v1", "v1", "pods", "pod", "/api/v1", true},
    {Kind::kService, "Service", "", "v1", "v1", "services", "service", "/api/v1", true},
    {Kind::kEndpointSlice, "EndpointSlice", "discovery.k8s.io", "v1", "discovery.k8s.io/v1", "endpointslices",
     "endpointslice", "/apis/discovery.k8s.io/v1", true},
    {Kind::kEvent, "Event", "", "v1", "v1", "events", "event", "/api/v1", true},
    {Kind::kLease, "Lease", "coordination.k8s.io", "v1", "coordination.k8s.io/v1", "leases", "lease",
     "/apis/coordination.k8s.io/v1", true},
}};

}  // namespace

const KindInfo& InfoOf(Kind kind) { return kInfos[static_cast<std::size_t>(kind)]; }

std::optional<Kind> KindFromName(std::string_view api_version, std::string_view kind) {
  for (const KindInfo& info : kInfos) {
    if (info.name == kind && info.apiVersion == api_version) return info.kind;
  }
  if (kind == "Event" && api_version == "events.k8s.io/v1") return Kind::kEvent;
  return std::nullopt;
}

}  // namespace epslice

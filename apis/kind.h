// The kinds of object we speak, and how the API server names them.
#ifndef EPSLICE_APIS_KIND_H_
#define EPSLICE_APIS_KIND_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace epslice {

enum class Kind : std::uint8_t { kNamespace, kNode, kPod, kService, kEndpointSlice, kEvent, kLease };

inline constexpr std::array<Kind, 7> kAllKinds = {Kind::kNamespace,     Kind::kNode,  Kind::kPod,  Kind::kService,
                                                  Kind::kEndpointSlice, Kind::kEvent, Kind::kLease};

struct KindInfo {
  Kind kind;
  std::string_view name;        // "EndpointSlice"
  std::string_view group;       // "discovery.k8s.io", "" for core
  std::string_view version;     // "v1"
  std::string_view apiVersion;  // "discovery.k8s.io/v1"
  std::string_view resource;    // "endpointslices"
  std::string_view singular;    // "endpointslice"
  std::string_view path;        // "/apis/discovery.k8s.io/v1"
  bool namespaced;
};

const KindInfo& InfoOf(Kind kind);
// By apiVersion and kind as an object names itself. Event is found under both
// "v1" and "events.k8s.io/v1".
std::optional<Kind> KindFromName(std::string_view api_version, std::string_view kind);

}  // namespace epslice

#endif  // EPSLICE_APIS_KIND_H_

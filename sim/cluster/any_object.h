// Code over the kinds of object: one template, called with the right type.
#ifndef EPSLICE_SIM_CLUSTER_ANY_OBJECT_H_
#define EPSLICE_SIM_CLUSTER_ANY_OBJECT_H_

#include <type_traits>
#include <utility>

#include "apis/object.h"

namespace epslice::sim {

// Calls f.operator()<T>() with the struct of `kind`.
template <typename F>
decltype(auto) WithType(Kind kind, F&& f) {
  switch (kind) {
    case Kind::kNamespace: return f.template operator()<Namespace>();
    case Kind::kNode: return f.template operator()<Node>();
    case Kind::kPod: return f.template operator()<Pod>();
    case Kind::kService: return f.template operator()<Service>();
    case Kind::kEndpointSlice: return f.template operator()<EndpointSlice>();
    case Kind::kEvent: return f.template operator()<Event>();
    case Kind::kLease: break;
  }
  return f.template operator()<Lease>();
}

// All of the metadata of a struct, or null for a Pod, which has a part of it.
template <typename T>
ObjectMeta* FullMeta(T* object) {
  if constexpr (std::is_same_v<T, Pod>) {
    return nullptr;
  } else {
    return &object->metadata;
  }
}

// What the subresource "status" of such an object holds, of that which the
// struct knows.
inline void CopyStatus(const Pod& from, Pod* to) {
  to->phase = from.phase;
  to->podIPs = from.podIPs;
  to->hasPodIP = from.hasPodIP;
  to->ready = from.ready;
  to->readyTransitionTime = from.readyTransitionTime;
}
inline void CopyStatus(const Node& from, Node* to) {
  to->ready = from.ready;
  to->allocatableCpuMilli = from.allocatableCpuMilli;
}

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_ANY_OBJECT_H_

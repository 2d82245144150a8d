#include "apis/object.h"

namespace epslice {

const BasicMeta& AnyObject::meta() const {
  if (kind_ == Kind::kPod) return static_cast<const Pod*>(object_.get())->metadata;
  return *object_meta();
}

const ObjectMeta* AnyObject::object_meta() const {
  const void* p = object_.get();
  switch (kind_) {
    case Kind::kNamespace: return &static_cast<const Namespace*>(p)->metadata;
    case Kind::kNode: return &static_cast<const Node*>(p)->metadata;
    case Kind::kPod: return nullptr;
    case Kind::kService: return &static_cast<const Service*>(p)->metadata;
    case Kind::kEndpointSlice: return &static_cast<const EndpointSlice*>(p)->metadata;
    case Kind::kEvent: return &static_cast<const Event*>(p)->metadata;
    case Kind::kLease: return &static_cast<const Lease*>(p)->metadata;
  }
  return nullptr;
}

}  // namespace epslice

// ReferenceTo(): an object as Events and other objects name it.
#ifndef EPSLICE_INFORMERS_OBJECT_REFERENCE_H_
#define EPSLICE_INFORMERS_OBJECT_REFERENCE_H_

#include "apis/core.h"
#include "apis/kind.h"

namespace epslice {

// All but the field path, with the version that `object` is of.
template <typename T>
ObjectReference ReferenceTo(const T& object) {
  ObjectReference reference;
  reference.kind = InfoOf(T::kKind).name;
  reference.apiVersion = InfoOf(T::kKind).apiVersion;
  reference.namespace_ = object.metadata.namespace_;
  reference.name = object.metadata.name;
  reference.uid = object.metadata.uid;
  reference.resourceVersion = object.metadata.resourceVersion;
  return reference;
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_OBJECT_REFERENCE_H_

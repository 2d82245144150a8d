// coordination.k8s.io/v1: Lease.
#ifndef EPSLICE_APIS_COORDINATION_H_
#define EPSLICE_APIS_COORDINATION_H_

#include <cstdint>
#include <optional>

#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/text.h"

namespace epslice {

struct Lease {
  static constexpr Kind kKind = Kind::kLease;
  ObjectMeta metadata;
  Text holderIdentity;  // empty: nobody holds it
  std::optional<std::int32_t> leaseDurationSeconds;
  Timestamp acquireTime;  // microseconds on the wire (MicroTime)
  Timestamp renewTime;
  std::optional<std::int32_t> leaseTransitions;
  friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_COORDINATION_H_

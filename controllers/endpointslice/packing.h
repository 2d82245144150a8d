// Packing: which slice each desired endpoint goes into, with few writes.
// A part of reconcile(); pure. It is the same for endpoints that stand for pods
// and for those that are given: of a desired endpoint it asks for its place in
// the order of new ones (ComesBefore), what it says (MakeEndpoint), and whether an
// existing one says so (SameBeyondIdentity); of a matcher, Find().
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_PACKING_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_PACKING_H_

#include <memory>
#include <vector>

#include "apis/discovery.h"
#include "controllers/endpointslice/endpoints.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice::internal {

using SlicePtr = std::shared_ptr<const EndpointSlice>;
// A slice that is still being put together.
using DraftPtr = std::shared_ptr<EndpointSlice>;

// What becomes of the slices of one address type.
struct SliceChanges {
  std::vector<DraftPtr> create;
  std::vector<DraftPtr> update;
  std::vector<SlicePtr> remove;
  std::vector<SlicePtr> unchanged;
  std::int64_t endpoints_added = 0;
  std::int64_t endpoints_removed = 0;
};

// What all slices of a Service have in common.
struct SliceTemplate {
  SliceTemplate(const Service& service, const ReconcileConfig& config);

  // A new slice without endpoints.
  DraftPtr Make(const Text& address_type, std::vector<EndpointPort> ports) const;
  // Whether the labels of `slice` that mirror the Service's are what they
  // should be; the reserved ones are not looked at.
  bool LabelsMatch(const EndpointSlice& slice) const;

  const Service& service;
  int max_endpoints;
  std::uint64_t new_endpoints_seed;  // ReconcileConfig
  Text generate_name;
  StringMap labels;           // of every slice
  StringMap mirrored_labels;  // the Service's, without the reserved ones
};

// Whether `slice` is owned by this very Service (by uid).
bool OwnedBy(const EndpointSlice& slice, const Service& service);

// Packs the endpoints of one port group, which has `ports`. `existing` are the
// slices that have these ports, in key order; `desired` is the group's unplaced
// part of the endpoints behind `matcher`. Appends to `changes`.
// Made for DesiredEndpoint with EndpointMatcher, GivenEndpoint with GivenMatcher.
template <typename Desired, typename Matcher>
void PackGroup(const SliceTemplate& shape, const Text& address_type, IpFamily family, std::uint32_t group,
               const std::vector<EndpointPort>& ports, const std::vector<Desired*>& desired, Matcher* matcher,
               const std::vector<SlicePtr>& existing, SliceChanges* changes);

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_PACKING_H_

#include "controllers/endpointslice/given_endpoints.h"

#include <algorithm>
#include <compare>
#include <iterator>
#include <optional>

namespace epslice::internal {
namespace {

const ObjectReference& TargetOf(const Endpoint& endpoint) {
  static const auto* none = new ObjectReference();
  return endpoint.targetRef ? *endpoint.targetRef : *none;
}

std::strong_ordering CompareIdentity(const Endpoint& a, const Endpoint& b) {
  const auto by_addresses = std::lexicographical_compare_three_way(a.addresses.begin(), a.addresses.end(),
                                                                   b.addresses.begin(), b.addresses.end());
  if (by_addresses != 0) return by_addresses;
  if (const auto order = a.hostname <=> b.hostname; order != 0) return order;
  const ObjectReference& target = TargetOf(a);
  const ObjectReference& other = TargetOf(b);
  if (const auto order = target.kind <=> other.kind; order != 0) return order;
  if (const auto order = target.namespace_ <=> other.namespace_; order != 0) return order;
  return target.name <=> other.name;
}

bool IsOf(const Endpoint& endpoint, IpFamily family) {
  if (endpoint.addresses.empty()) return false;
  const std::optional<IpAddress> first = ParseIpLenient(endpoint.addresses.front());
  return first && first->family == family;
}

PortGroup PortsOf(const Service& service) {
  PortGroup group;
  for (const ServicePort& port : service.spec.ports) {
    if (!port.targetPort.name.empty()) continue;
    group.ports.push_back({port.name, port.protocol, port.targetPort.number, port.appProtocol});
  }
  std::sort(group.ports.begin(), group.ports.end());
  return group;
}

}  // namespace

GivenState::GivenState(const ReconcileInput& input, IpFamily family) {
  // As with pods: a group is there even if none of its endpoints is of this family.
  if (!input.endpoints->empty()) groups.push_back(PortsOf(*input.service));
  for (const Endpoint& endpoint : *input.endpoints) {
    if (IsOf(endpoint, family)) endpoints.push_back({&endpoint});
  }
  const auto in_order = [](const GivenEndpoint& a, const GivenEndpoint& b) { return ComesBefore(a, b); };
  std::stable_sort(endpoints.begin(), endpoints.end(), in_order);
  // Of equal ones the last counts: the first, seen from behind.
  const auto same = [](const GivenEndpoint& a, const GivenEndpoint& b) {
    return CompareIdentity(*a.endpoint, *b.endpoint) == 0;
  };
  endpoints.erase(endpoints.begin(), std::unique(endpoints.rbegin(), endpoints.rend(), same).base());
}

bool ComesBefore(const GivenEndpoint& a, const GivenEndpoint& b) {
  return CompareIdentity(*a.endpoint, *b.endpoint) < 0;
}

Endpoint MakeEndpoint(const GivenEndpoint& desired, IpFamily /*family*/) {
  Endpoint endpoint = *desired.endpoint;
  endpoint.hints.reset();
  return endpoint;
}

bool SameBeyondIdentity(const GivenEndpoint& desired, const Endpoint& existing) {
  const Endpoint& want = *desired.endpoint;
  const ObjectReference& target = TargetOf(want);
  const ObjectReference& other = TargetOf(existing);
  return want.conditions == existing.conditions && want.nodeName == existing.nodeName && want.zone == existing.zone &&
         want.targetRef.has_value() == existing.targetRef.has_value() && target.apiVersion == other.apiVersion &&
         target.uid == other.uid && target.fieldPath == other.fieldPath;
}

GivenEndpoint* GivenMatcher::Find(const Endpoint& existing, std::uint32_t /*group*/) {
  const auto found = std::lower_bound(
      desired_.begin(), desired_.end(), existing,
      [](const GivenEndpoint& given, const Endpoint& e) { return CompareIdentity(*given.endpoint, e) < 0; });
  if (found == desired_.end() || found->placed || CompareIdentity(*found->endpoint, existing) != 0) return nullptr;
  return &*found;
}

}  // namespace epslice::internal

#include "controllers/endpointslice/endpoints.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>

namespace epslice::internal {
namespace {

bool MayBeEndpoint(const Pod& pod) {
  return pod.phase != PodPhase::kSucceeded && pod.phase != PodPhase::kFailed && pod.hasPodIP;
}

const Text& KindPod() {
  static const Text* pod = new Text(Text::Intern("Pod"));
  return *pod;
}

// Pods lie scattered in memory, and what is read of each one waits for the last:
// asks for those that come next in time.
void FetchAhead(const std::vector<std::shared_ptr<const Pod>>& pods, std::size_t i) {
  constexpr std::size_t kPod = 12, kParts = 6;
  if (i + kPod < pods.size()) {
    const Pod* pod = pods[i + kPod].get();
    __builtin_prefetch(&pod->metadata);
    __builtin_prefetch(&pod->nodeName);
    __builtin_prefetch(&pod->phase);
  }
  if (i + kParts < pods.size()) {
    const Pod* pod = pods[i + kParts].get();
    if (!pod->podIPs.empty()) __builtin_prefetch(pod->podIPs[0].text.identity());
    __builtin_prefetch(pod->nodeName.identity());
  }
}

// Looks nodes up by name. Pods share the interned names of their nodes, so a
// small table keyed by address answers nearly all look-ups; it falls back to
// the map, so it only ever saves time.
class NodeLookup {
 public:
  explicit NodeLookup(const NodeZones& nodes) : nodes_(nodes) {}

  // The zone of the node; null when the node is not known.
  const Text* Find(const Text& name) {
    Slot& slot = slots_[(reinterpret_cast<std::uintptr_t>(name.identity()) >> 4) % slots_.size()];
    if (slot.identity == name.identity() && slot.identity != nullptr) return slot.zone;
    auto it = nodes_.find(name);
    slot = {name.identity(), it == nodes_.end() ? nullptr : &it->second};
    return slot.zone;
  }

 private:
  struct Slot {
    const void* identity = nullptr;
    const Text* zone = nullptr;
  };
  const NodeZones& nodes_;
  std::array<Slot, 256> slots_{};
};

// Resolves the Service's ports for a pod and keeps the groups found so far.
class PortGroups {
 public:
  explicit PortGroups(const Service& service) : service_(service) {
    for (const ServicePort& port : service.spec.ports) any_named_ |= !port.targetPort.name.empty();
  }

  std::uint32_t GroupOf(const Pod& pod) {
    if (!any_named_ && !groups_.empty()) return 0;
    numbers_.clear();
    for (const ServicePort& port : service_.spec.ports) numbers_.push_back(Resolve(port, pod));
    if (last_ < resolved_.size() && resolved_[last_] == numbers_) return last_;
    auto it = std::find(resolved_.begin(), resolved_.end(), numbers_);
    last_ = static_cast<std::uint32_t>(it - resolved_.begin());
    if (it == resolved_.end()) {
      resolved_.push_back(numbers_);
      groups_.push_back(MakeGroup());
    }
    return last_;
  }

  std::vector<PortGroup> Take() { return std::move(groups_); }

 private:
  std::optional<std::int32_t> Resolve(const ServicePort& port, const Pod& pod) const {
    if (port.targetPort.name.empty()) return port.targetPort.number;
    if (pod.namedPorts == nullptr) return std::nullopt;
    for (const NamedPort& named : *pod.namedPorts) {
      if (named.name == port.targetPort.name && named.protocol == port.protocol) return named.containerPort;
    }
    return std::nullopt;
  }

  PortGroup MakeGroup() const {
    PortGroup group;
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      if (!numbers_[i]) continue;
      const ServicePort& port = service_.spec.ports[i];
      group.ports.push_back({port.name, port.protocol, numbers_[i], port.appProtocol});
    }
    std::sort(group.ports.begin(), group.ports.end());
    return group;
  }

  const Service& service_;
  bool any_named_ = false;
  std::vector<std::optional<std::int32_t>> numbers_;
  std::vector<std::vector<std::optional<std::int32_t>>> resolved_;  // beside groups_
  std::vector<PortGroup> groups_;
  std::uint32_t last_ = 0;
};

// Different resolutions can give equal ports (two Service ports, the first or
// the second of which a pod lacks, may look alike): such groups are one.
void SortAndMergeGroups(DesiredState* state) {
  std::vector<std::uint32_t> order(state->groups.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tie(state->groups[a].ports, a) < std::tie(state->groups[b].ports, b);
  });
  std::vector<std::uint32_t> renamed(order.size());
  std::vector<PortGroup> merged;
  for (std::uint32_t old : order) {
    if (merged.empty() || merged.back().ports != state->groups[old].ports) {
      merged.push_back(std::move(state->groups[old]));
    }
    renamed[old] = static_cast<std::uint32_t>(merged.size() - 1);
  }
  state->groups = std::move(merged);
  for (DesiredEndpoint& endpoint : state->endpoints) endpoint.group = renamed[endpoint.group];
}

void SetAddresses(const Pod& pod, IpFamily family, DesiredEndpoint* desired) {
  for (const IpAddress& ip : pod.podIPs) {
    if (ip.family != family) continue;
    if (desired->first_ip == nullptr) {
      desired->first_ip = &ip;
    } else {
      desired->single_ip = false;
    }
  }
}

// Whether two endpoints have the same identity (endpoints.h, EndpointMatcher).
bool SameIdentity(const DesiredEndpoint& a, const DesiredEndpoint& b, IpFamily family) {
  if (a.group != b.group || a.single_ip != b.single_ip || a.has_hostname != b.has_hostname) return false;
  if (a.first_ip->text != b.first_ip->text || (a.has_hostname && a.pod->hostname != b.pod->hostname)) return false;
  if (a.pod->metadata.name != b.pod->metadata.name) return false;
  if (a.single_ip) return true;
  const auto ips = [family](const Pod& pod) {
    std::vector<Text> texts;
    for (const IpAddress& ip : pod.podIPs) {
      if (ip.family == family) texts.push_back(ip.text);
    }
    return texts;
  };
  return ips(*a.pod) == ips(*b.pod);
}

// Pods of one name come only where a list repeats them. Of equal identities
// the last one counts; pods being in key order, they are side by side.
void DropRepeated(IpFamily family, std::vector<DesiredEndpoint>* endpoints) {
  const auto same_name = [](const DesiredEndpoint& a, const DesiredEndpoint& b) {
    return a.pod->metadata.name == b.pod->metadata.name;
  };
  if (std::adjacent_find(endpoints->begin(), endpoints->end(), same_name) == endpoints->end()) return;
  std::vector<DesiredEndpoint> kept;
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    const DesiredEndpoint& endpoint = (*endpoints)[i];
    bool again = false;
    for (std::size_t j = i + 1; j < endpoints->size() && same_name(endpoint, (*endpoints)[j]) && !again; ++j) {
      again = SameIdentity(endpoint, (*endpoints)[j], family);
    }
    if (!again) kept.push_back(endpoint);
  }
  *endpoints = std::move(kept);
}

}  // namespace

DesiredState DesireEndpoints(const ReconcileInput& input, IpFamily family) {
  const Service& service = *input.service;
  DesiredState state;
  state.endpoints.reserve(input.pods.size());
  NodeLookup nodes(*input.nodes);
  PortGroups groups(service);
  for (std::size_t i = 0; i < input.pods.size(); ++i) {
    FetchAhead(input.pods, i);
    const Pod& pod = *input.pods[i];
    if (!MayBeEndpoint(pod)) continue;
    DesiredEndpoint desired;
    // The group exists even if the pod turns out to have no endpoint.
    desired.group = groups.GroupOf(pod);
    const Text* zone = nodes.Find(pod.nodeName);
    if (zone == nullptr && !service.spec.publishNotReadyAddresses) {
      state.errors.push_back("Pod " + KeyOf(pod.metadata).ToString() + ": " +
                             (pod.nodeName.empty() ? std::string("is not on a node yet")
                                                   : "its Node " + pod.nodeName.str() + " is not known"));
      continue;
    }
    SetAddresses(pod, family, &desired);
    if (desired.first_ip == nullptr) continue;
    desired.pod = &pod;
    desired.zone = zone == nullptr || zone->empty() ? nullptr : zone;
    desired.serving = pod.ready;
    desired.terminating = pod.metadata.deletionTimestamp.is_set();
    desired.ready = service.spec.publishNotReadyAddresses || (desired.serving && !desired.terminating);
    desired.has_hostname = !pod.hostname.empty() && pod.subdomain == service.metadata.name;
    state.endpoints.push_back(desired);
  }
  state.groups = groups.Take();
  if (state.groups.size() > 1) SortAndMergeGroups(&state);
  DropRepeated(family, &state.endpoints);
  return state;
}

Endpoint MakeEndpoint(const DesiredEndpoint& desired, IpFamily family) {
  const Pod& pod = *desired.pod;
  Endpoint endpoint;
  if (desired.single_ip) {
    endpoint.addresses.push_back(desired.first_ip->text);
  } else {
    for (const IpAddress& ip : pod.podIPs) {
      if (ip.family == family) endpoint.addresses.push_back(ip.text);
    }
  }
  endpoint.conditions = {desired.ready, desired.serving, desired.terminating};
  if (desired.has_hostname) endpoint.hostname = pod.hostname;
  endpoint.nodeName = pod.nodeName;
  if (desired.zone != nullptr) endpoint.zone = *desired.zone;
  ObjectReference& target = endpoint.targetRef.emplace();
  target.kind = KindPod();
  target.namespace_ = pod.metadata.namespace_;
  target.name = pod.metadata.name;
  target.uid = pod.metadata.uid;
  return endpoint;
}

bool SameBeyondIdentity(const DesiredEndpoint& desired, const Endpoint& existing) {
  const Pod& pod = *desired.pod;
  const EndpointConditions& c = existing.conditions;
  const ObjectReference& target = *existing.targetRef;
  const bool same_zone = desired.zone == nullptr ? existing.zone.empty() : existing.zone == *desired.zone;
  return c.ready == desired.ready && c.serving == desired.serving && c.terminating == desired.terminating &&
         same_zone && existing.nodeName == pod.nodeName && target.uid == pod.metadata.uid && target.kind == KindPod() &&
         target.apiVersion.empty() && target.fieldPath.empty();
}

bool EndpointMatcher::Matches(const DesiredEndpoint& desired, const Endpoint& existing) const {
  const Pod& pod = *desired.pod;
  const ObjectReference& target = *existing.targetRef;
  if (!(target.name == pod.metadata.name) || !(target.namespace_ == pod.metadata.namespace_)) return false;
  if (desired.has_hostname ? existing.hostname != pod.hostname : !existing.hostname.empty()) return false;
  if (desired.single_ip) return existing.addresses.size() == 1 && existing.addresses[0] == desired.first_ip->text;
  std::size_t i = 0;
  for (const IpAddress& ip : pod.podIPs) {
    if (ip.family != family_) continue;
    if (i == existing.addresses.size() || existing.addresses[i] != ip.text) return false;
    ++i;
  }
  return i == existing.addresses.size();
}

void EndpointMatcher::Table::Build(const std::vector<DesiredEndpoint>& desired) {
  std::size_t size = 16;
  while (size < desired.size() * 2) size *= 2;
  slots.assign(size, 0);
  for (std::size_t i = 0; i < desired.size(); ++i) {
    std::size_t at = hash(desired[i].pod->metadata.name) & (size - 1);
    while (slots[at] != 0) at = (at + 1) & (size - 1);
    slots[at] = static_cast<std::uint32_t>(i + 1);
  }
}

std::size_t EndpointMatcher::HashOfIdentity(const Text& name) {
  const auto address = reinterpret_cast<std::uintptr_t>(name.identity());
  return (address >> 4) ^ (address >> 12);
}

std::size_t EndpointMatcher::HashOfName(const Text& name) { return std::hash<std::string_view>()(name.view()); }

DesiredEndpoint* EndpointMatcher::Find(const Endpoint& existing, std::uint32_t group) {
  if (!existing.targetRef) return nullptr;
  const auto usable = [&](const DesiredEndpoint& d) { return !d.placed && d.group == group && Matches(d, existing); };
  if (cursor_ < desired_.size() && usable(desired_[cursor_])) return &desired_[cursor_++];
  const Text& name = existing.targetRef->name;
  for (Table* const table : {&by_identity_, &by_name_}) {
    if (table->slots.empty()) table->Build(desired_);
    const std::size_t mask = table->slots.size() - 1;
    for (std::size_t at = table->hash(name) & mask; table->slots[at] != 0; at = (at + 1) & mask) {
      const std::uint32_t slot = table->slots[at];
      DesiredEndpoint& candidate = desired_[slot - 1];
      if (table == &by_identity_ && candidate.pod->metadata.name.identity() != name.identity()) continue;
      if (!usable(candidate)) continue;
      cursor_ = slot;
      return &candidate;
    }
  }
  return nullptr;
}

}  // namespace epslice::internal

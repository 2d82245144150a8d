#include "sim/dataplane/service_state.h"

#include <algorithm>
#include <span>
#include <utility>

namespace epslice::sim::internal {
namespace {

void Unbind(std::uint32_t number, ServiceState* service, ClusterState* cluster) {
  PodState* pod = std::exchange(service->targets[number].pod, nullptr);
  if (pod == nullptr) return;
  std::vector<PodState::User>& users = pod->users;
  users.erase(std::remove_if(users.begin(), users.end(),
                             [&](const auto& user) { return user.service == service && user.target == number; }),
              users.end());
  cluster->Forget(pod);
}

// An address may go from a pod to the next one: whoever sends to it reaches
// the pod that the latest slice names.
void Bind(std::uint32_t number, const Endpoint& endpoint, ServiceState* service, ClusterState* cluster) {
  Target& target = service->targets[number];
  PodState* pod = nullptr;
  if (endpoint.targetRef && endpoint.targetRef->kind == "Pod") {
    const Text& given = endpoint.targetRef->namespace_;
    const Text& ns = given.empty() ? service->key.namespace_ : given;
    const Text& name = endpoint.targetRef->name;
    if (target.pod != nullptr && target.pod->key.name == name && target.pod->key.namespace_ == ns) return;
    pod = cluster->PodAt({ns, name});
  }
  if (target.pod == pod) return;
  Unbind(number, service, cluster);
  if (pod != nullptr) pod->users.push_back({service, number});
  target.pod = pod;
  target.matches = pod == nullptr || pod->HasAddress(target.address);
}

// `known`: the number that the address has, for who knows it.
std::uint32_t TakeTarget(const Endpoint& endpoint, std::optional<std::uint32_t> known, ServiceState* service,
                         ClusterState* cluster) {
  const Text& address = endpoint.addresses[0];
  std::uint32_t number = 0;
  bool is_new = false;
  if (known) {
    number = *known;
  } else if (const auto found = service->target_of.find(address); found != service->target_of.end()) {
    number = found->second;
  } else {
    is_new = true;
    if (service->free_targets.empty()) {
      number = static_cast<std::uint32_t>(service->targets.size());
      service->targets.emplace_back();
    } else {
      number = service->free_targets.back();
      service->free_targets.pop_back();
    }
  }
  Target& target = service->targets[number];
  if (is_new) {
    target.address = address;
    service->target_of.emplace(address, number);
  }
  ++target.slices;
  target.slice_zone = cluster->zones.Number(endpoint.zone);
  Bind(number, endpoint, service, cluster);
  return number;
}

void ReleaseTarget(std::uint32_t number, ServiceState* service, ClusterState* cluster) {
  Target& target = service->targets[number];
  if (--target.slices > 0) return;
  service->Settle();
  service->sums.End(number, target.address, target.zone());
  Unbind(number, service, cluster);
  service->target_of.erase(target.address);
  target = Target();
  service->free_targets.push_back(number);
}

int FamilyOf(const EndpointSlice& slice) {
  return slice.addressType == "IPv4" ? 0 : slice.addressType == "IPv6" ? 1 : -1;
}

// Controllers keep the order of the endpoints that they keep, so most are where
// they were, or somewhat further on.
class KnownTargets {
 public:
  explicit KnownTargets(const SliceVersion* before) {
    if (before == nullptr || before->family() < 0) return;
    endpoints_ = before->slice().endpoints;
    targets_ = before->targets();
  }

  std::optional<std::uint32_t> Find(const Text& address) {
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = next_; i < std::min(next_ + kAhead, endpoints_.size()); ++i) {
      const TextList& addresses = endpoints_[i].addresses;
      if (addresses.empty() || !(addresses[0] == address)) continue;
      next_ = i + 1;
      return targets_[i];
    }
    return std::nullopt;
  }

 private:
  std::span<const Endpoint> endpoints_;
  std::span<const std::uint32_t> targets_;
  std::size_t next_ = 0;
};

std::vector<NodeState*> ByName(std::vector<NodeState*> nodes) {
  std::sort(nodes.begin(), nodes.end(), [](const NodeState* a, const NodeState* b) { return a->name < b->name; });
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

}  // namespace

SliceVersion::SliceVersion(std::shared_ptr<const EndpointSlice> slice, const SliceVersion* before,
                           ServiceState* service, ClusterState* cluster)
    : slice_(std::move(slice)), service_(service), cluster_(cluster), family_(FamilyOf(*slice_)) {
  if (family_ < 0) return;
  targets_.reserve(slice_->endpoints.size());
  KnownTargets known(before);
  for (const Endpoint& endpoint : slice_->endpoints) {
    targets_.push_back(
        endpoint.addresses.empty() ? 0 : TakeTarget(endpoint, known.Find(endpoint.addresses[0]), service_, cluster_));
  }
}

SliceVersion::~SliceVersion() {
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (!slice_->endpoints[i].addresses.empty()) ReleaseTarget(targets_[i], service_, cluster_);
  }
}

const FamilyView* ViewOf(ServiceVersion* version, int family, const ServiceState& service, ClusterState* cluster) {
  if (version == nullptr) return nullptr;
  if (version->port != service.port || (service.any_local() && !version->by_node)) {
    for (auto& view : version->views) view.reset();
    version->port = service.port;
    version->by_node = service.any_local();
  }
  std::unique_ptr<const FamilyView>& kept = version->views[static_cast<std::size_t>(family)];
  if (kept != nullptr) return kept.get();

  std::size_t most = 0;
  for (const auto& slice : version->slices) most += slice->targets().size();
  std::vector<const Endpoint*> chosen;
  std::vector<std::uint32_t> targets;
  chosen.reserve(most);
  targets.reserve(most);
  ForEachEndpoint(*version, family, service, &cluster->marks, [&](const SliceVersion& slice, std::size_t i) {
    chosen.push_back(&slice.slice().endpoints[i]);
    targets.push_back(slice.targets()[i]);
  });
  auto made = std::make_unique<FamilyView>(FamilyView{
      ++cluster->last_view, ProxyView::OfChosen(std::move(chosen), version->by_node), std::move(targets), {}, {}});
  const std::vector<const Endpoint*>& endpoints = made->view.endpoints();
  if (version->by_node) {
    std::vector<NodeState*> local;
    for (const ProxyView::Indexes some : {made->view.ready(), made->view.serving_terminating()}) {
      for (const std::uint32_t i : some) {
        if (!endpoints[i]->nodeName.empty()) local.push_back(cluster->NodeAt(endpoints[i]->nodeName));
      }
    }
    made->local_nodes = ByName(std::move(local));
  }
  if (made->view.node_hints_complete()) {
    std::vector<NodeState*> hinted;
    for (const std::uint32_t i : made->view.ready()) {
      for (const Text& node : endpoints[i]->hints->forNodes) hinted.push_back(cluster->NodeAt(node));
    }
    made->hinted_nodes = ByName(std::move(hinted));
  }
  kept = std::move(made);
  return kept.get();
}

}  // namespace epslice::sim::internal

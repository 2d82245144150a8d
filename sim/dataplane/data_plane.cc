#include "sim/dataplane/data_plane.h"

#include <algorithm>
#include <utility>

#include "controllers/endpointslice/reconcile.h"
#include "controllers/topologyhints/zone_capacity.h"
#include "sim/cluster/service_defaults.h"
#include "sim/dataplane/data_plane_impl.h"

namespace epslice::sim {
namespace {

// Labels of what kube-proxy leaves to others.
constexpr std::string_view kLabelProxyName = "service.kubernetes.io/service-proxy-name";

}  // namespace

using internal::ProxyGroups;
using internal::ServiceVersion;
using internal::SliceVersion;
using internal::VersionPtr;

DataPlane::Impl::Impl(DataPlaneOptions given, Scheduler* given_scheduler, std::uint64_t given_seed)
    : options(std::move(given)),
      scheduler(given_scheduler),
      seed(given_seed),
      groups(options, scheduler, seed,
             {[this](int group, ServiceState* service, const VersionPtr& version) { Program(group, service, version); },
              [this](const ServiceState& service, const ServiceVersion& version) {
                if (on_programmed && !ended) on_programmed(service.key, version.committed, scheduler->now());
              }}),
      split(options, &cluster, groups, sources) {}

void DataPlane::Impl::ChangeNode(NodeState* node, bool sends, const std::function<void()>& change) {
  sends ? TouchAll() : TouchBalanced();
  const bool was_up = node->exists && node->up;
  sources.Remove(*node);
  change();
  sources.Insert(*node);
  const bool is_up = node->exists && node->up;
  if (was_up != is_up && node->group >= 0 && groups.Count(node->group, is_up)) CatchUp(node->group);
  ProbeNode(node);
}

// Into a group of its zone; into another one when it has another zone now.
// What load balancers hold of it stays.
void DataPlane::Impl::Adopt(NodeState* node, const Text& zone) {
  const int number = cluster.zones.Number(zone);
  if (node->group >= 0 && node->zone == number) return;
  const bool is_up = node->exists && node->up;
  sources.Remove(*node);
  if (is_up && node->group >= 0) groups.Count(node->group, false);
  bool is_new = false;
  node->zone = number;
  node->group = groups.Join(number, zone, &is_new);
  sources.Insert(*node);
  if (is_up && groups.Count(node->group, true)) CatchUp(node->group);
}

void DataPlane::Impl::OnNode(const Node& object, bool deleted) {
  NodeState* node = cluster.NodeAt(object.metadata.name);
  const Text zone = Text::Intern(object.metadata.labels.Get(kLabelZone));
  const bool consumer = CountsAsCapacity(object);
  const bool balanced =
      consumer && !object.metadata.labels.Contains("node.kubernetes.io/exclude-from-external-load-balancers");
  const std::int64_t cpu = CapacityCpuMilli(object);
  if (node->exists == !deleted && node->group >= 0 && cluster.zones.Number(zone) == node->zone &&
      node->consumer == consumer && node->balanced == balanced && node->cpu_milli == cpu) {
    return;  // a heartbeat
  }
  // A node that is down sends nothing, whatever the API says of it.
  const bool sends = node->exists != !deleted || (node->exists && (node->up || node->group < 0)) ||
                     cluster.zones.Number(zone) != node->zone;
  if (sends) TouchAll();
  Adopt(node, zone);
  ChangeNode(node, sends, [&] {
    node->exists = !deleted;
    node->consumer = consumer;
    node->balanced = balanced;
    node->cpu_milli = cpu;
  });
}

void DataPlane::Impl::SetNodeUp(const Text& name, bool up) {
  NodeState* node = cluster.NodeAt(name);
  if (node->up == up) return;
  ChangeNode(node, /*sends=*/true, [&] { node->up = up; });
}

// A group whose first node is up: its proxy has listed before it serves.
void DataPlane::Impl::CatchUp(int group) {
  for (const auto& service : services) Program(group, service.get(), service->current);
}

void DataPlane::Impl::OnPod(const Pod& object, bool deleted) {
  const ObjectKey key = KeyOf(object.metadata);
  PodState* pod = cluster.FindPod(key);
  if (pod == nullptr) {
    if (deleted) return;
    pod = cluster.PodAt(key);
  }
  TouchUsers(*pod);
  if (deleted) {
    // The next one of this name begins anew.
    std::vector<PodState::User> users = std::move(pod->users);
    *pod = PodState();
    pod->key = key;
    pod->users = std::move(users);
    cluster.Forget(pod);
    return;
  }
  pod->exists = true;
  pod->node = object.nodeName.empty() ? nullptr : cluster.NodeAt(object.nodeName);
  pod->ready = object.ready;
  pod->started |= object.ready;
  pod->terminating = object.metadata.deletionTimestamp.is_set();
  pod->finished = object.phase == PodPhase::kSucceeded || object.phase == PodPhase::kFailed;
  const auto same = [](const Text& a, const IpAddress& b) { return a == b.text; };
  if (!std::equal(pod->addresses.begin(), pod->addresses.end(), object.podIPs.begin(), object.podIPs.end(), same)) {
    pod->addresses.clear();
    for (const IpAddress& ip : object.podIPs) pod->addresses.push_back(ip.text);
  }
  for (const PodState::User& user : pod->users) {
    internal::Target& target = user.service->targets[user.target];
    target.matches = pod->HasAddress(target.address);
  }
}

void DataPlane::Impl::SetDemand(internal::ServiceState* service) {
  const std::string name = service->key.ToString();
  const auto by_zone = options.rps_by_zone.find(name);
  const auto given = options.rps.find(name);
  const auto covers = [service](const DataPlaneOptions::Demand& demand) { return demand.covers(service->key); };
  const auto demand = std::find_if(options.demands.rbegin(), options.demands.rend(), covers);
  if (by_zone != options.rps_by_zone.end()) {
    service->rps_by_zone = &by_zone->second;
  } else if (given != options.rps.end()) {
    service->rps = given->second;
  } else if (demand != options.demands.rend() && !demand->by_zone.empty()) {
    service->rps_by_zone = &demand->by_zone;
  } else {
    used_default_rps |= demand == options.demands.rend();
    service->rps = demand == options.demands.rend() ? options.default_rps : demand->rps;
  }
  if (service->rps_by_zone == nullptr) return;
  for (const auto& [zone, rps] : *service->rps_by_zone) service->rps += rps;
}

internal::ServiceState* DataPlane::Impl::ServiceAt(const ObjectKey& key) {
  ServiceState*& service = by_key[key];
  if (service == nullptr) {
    services.push_back(std::make_unique<ServiceState>());
    service = services.back().get();
    service->key = key;
    service->since = scheduler->now();
    SetDemand(service);
  }
  return service;
}

void DataPlane::Impl::OnService(const Service& object, bool deleted) {
  ServiceState* service = ServiceAt(KeyOf(object.metadata));
  Touch(service);
  const bool asked_nodes = service->routed && service->external && !service->external_local;
  const ServiceSpec& spec = object.spec;
  const bool headless = spec.clusterIP == "None" || spec.clusterIP.empty() || spec.ports.empty();
  service->routed =
      !deleted && IsManagedService(object) && !headless && !object.metadata.labels.Contains(kLabelProxyName);
  service->internal_local = spec.internalTrafficPolicy == "Local";
  service->external = HasNodePorts(spec);
  service->external_local = service->external && spec.externalTrafficPolicy == "Local";
  service->publish_not_ready = spec.publishNotReadyAddresses;
  service->port.reset();
  if (!spec.ports.empty()) service->port = spec.ports[0].name;
  service->families = {};
  for (const Text& type : AddressTypesOf(object)) {
    if (type == "IPv4") service->families[0] = true;
    if (type == "IPv6") service->families[1] = true;
  }
  if (!service->external_local || !service->routed) return service->probed.clear();
  ProbeAnew(service, asked_nodes);
}

bool IsForKubeProxy(const EndpointSlice& slice) {
  const StringMap& labels = slice.metadata.labels;
  return !labels.Contains(kLabelProxyName) && !labels.Contains(kLabelHeadless);
}

void DataPlane::Impl::OnSlice(const std::shared_ptr<const EndpointSlice>& slice, bool deleted, bool start) {
  const ObjectKey key = KeyOf(slice->metadata);
  const std::string_view name = slice->metadata.labels.Get(kLabelServiceName);
  ServiceState* service =
      name.empty() || !IsForKubeProxy(*slice) || deleted ? nullptr : ServiceAt({key.namespace_, Text(name)});
  const auto before = service_of_slice.find(key);
  if (before != service_of_slice.end() && before->second != service) {
    Commit(before->second, slice, /*deleted=*/true, start);
    service_of_slice.erase(before);
  }
  if (service == nullptr) return;
  service_of_slice[key] = service;
  Commit(service, slice, /*deleted=*/false, start);
}

void DataPlane::Impl::Commit(ServiceState* service, const std::shared_ptr<const EndpointSlice>& slice, bool deleted,
                             bool start) {
  Touch(service);
  auto version = std::make_shared<ServiceVersion>();
  if (service->current != nullptr) version->slices = service->current->slices;
  version->committed = scheduler->now();
  auto& slices = version->slices;
  const Text& name = slice->metadata.name;
  auto at = std::lower_bound(slices.begin(), slices.end(), name,
                             [](const auto& s, const Text& n) { return s->slice().metadata.name < n; });
  const bool found = at != slices.end() && (*at)->slice().metadata.name == name;
  if (deleted) {
    if (found) slices.erase(at);
  } else if (found) {
    *at = std::make_shared<const SliceVersion>(slice, at->get(), service, &cluster);
  } else {
    slices.insert(at, std::make_shared<const SliceVersion>(slice, nullptr, service, &cluster));
  }
  service->current = version;
  if (start) {
    for (int group = 0; group < groups.size(); ++group) Program(group, service, version);
  } else {
    groups.Deliver(service, version, scheduler->now());
  }
}

void DataPlane::Impl::Program(int group, ServiceState* service, const VersionPtr& version) {
  if (ended) return;
  const auto number = static_cast<std::size_t>(group);
  if (service->programmed.size() <= number) service->programmed.resize(number + 1);
  if (service->programmed[number] == version) return;
  BringUp(service);
  const VersionPtr before = std::exchange(service->programmed[number], version);
  if (service->routed && service->external_local) ProbeService(service, before.get(), version.get());
}

DataPlane::DataPlane(DataPlaneOptions options, Scheduler* scheduler, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(options), scheduler, seed)) {}

DataPlane::~DataPlane() = default;

void DataPlane::OnCommit(const Commit& commit) {
  const bool deleted = commit.type == WatchEventType::kDeleted;
  const AnyObject& object = commit.object;
  if (const auto slice = object.As<EndpointSlice>()) return impl_->OnSlice(slice, deleted, commit.start);
  if (const auto pod = object.As<Pod>()) return impl_->OnPod(*pod, deleted);
  if (const auto node = object.As<Node>()) return impl_->OnNode(*node, deleted);
  if (const auto service = object.As<Service>()) return impl_->OnService(*service, deleted);
}

void DataPlane::OnPodServing(Instant /*now*/, const ObjectKey& key, bool serving) {
  internal::PodState* pod = impl_->cluster.PodAt(key);
  impl_->TouchUsers(*pod);
  pod->serving = serving;
}

void DataPlane::OnNodeUp(Instant /*now*/, const Text& node, bool up) { impl_->SetNodeUp(node, up); }

void DataPlane::OnEnd(Instant /*now*/) { impl_->Finish(); }

void DataPlane::OnInterval(std::function<void(const Interval&)> callback) { impl_->on_interval = std::move(callback); }

void DataPlane::OnProgrammed(std::function<void(const ObjectKey&, Instant, Instant)> callback) {
  impl_->on_programmed = std::move(callback);
}

bool DataPlane::used_default_rps() const { return impl_->used_default_rps; }
const std::map<ObjectKey, TrafficTotals>& DataPlane::by_service() const { return impl_->by_service; }
const std::vector<DataPlane::ZoneFlow>& DataPlane::zone_flows() const { return impl_->zone_flows; }
const std::vector<DataPlane::ZoneLoad>& DataPlane::zone_loads() const { return impl_->zone_loads; }
const std::map<ObjectKey, std::vector<DataPlane::EndpointLoad>>& DataPlane::busiest() const { return impl_->busiest; }
const std::vector<DataPlane::EndpointLoad>& DataPlane::most_above() const { return impl_->most_above; }

}  // namespace epslice::sim

// ScenarioDriver: what is there when the run begins.
#include <algorithm>
#include <set>
#include <utility>

#include "apis/concat.h"
#include "apis/discovery.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "sim/cluster/dump_cluster.h"
#include "sim/cluster/generated_name.h"
#include "sim/scenario/driver.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kLabelApp = "app.kubernetes.io/name";
// As the API server generates names.

// What the pods of a Service open: a port for each target port with a name.
std::shared_ptr<const std::vector<NamedPort>> PortsOfPods(const ServiceSpec& spec) {
  auto ports = std::make_shared<std::vector<NamedPort>>();
  for (const ServicePort& port : spec.ports) {
    if (!port.targetPort.name.empty()) ports->push_back({port.targetPort.name, port.protocol, port.port});
  }
  if (ports->empty()) return nullptr;
  return ports;
}

std::vector<IpFamily> FamiliesOf(const ServiceSpec& spec) {
  std::vector<IpFamily> families;
  families.reserve(spec.ipFamilies.size());
  for (const Text& family : spec.ipFamilies) {
    families.push_back(family == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4);
  }
  return families;
}

bool Earlier(const AnyObject& a, const AnyObject& b) {
  if (a.kind() != b.kind()) return a.kind() < b.kind();
  return KeyOf(a.meta()) < KeyOf(b.meta());
}

}  // namespace

absl::Status ScenarioDriver::LoadService(const ServiceTemplate& service, int number, ServiceAddresses* addresses,
                                         std::vector<AnyObject>* loaded) {
  const ObjectKey key = service.KeyOf(number);
  if (simulation_.Get(Kind::kService, key.namespace_, key.name).has_value()) {
    return absl::InvalidArgumentError(Concat("Service ", key.ToString(), " is in the trace, too"));
  }
  Service object = service.service;
  object.metadata.name = key.name;
  object.metadata.namespace_ = key.namespace_;
  object.metadata.creationTimestamp = simulation_.scheduler().clock().WallNow();
  const StringMap labels{{Text::Intern(kLabelApp), key.name}};
  object.spec.selector = labels;
  SetServiceDefaults(&object, nullptr);
  if (const auto cause = addresses->Allocate(&object, nullptr)) {
    return absl::InvalidArgumentError(Concat("Service ", key.ToString(), ": ", cause->message));
  }
  WorkloadTemplate made_from;
  made_from.service = key;
  made_from.labels = labels;
  made_from.named_ports = PortsOfPods(object.spec);
  made_from.families = FamiliesOf(object.spec);
  made_from.replicas = service.replicas;
  made_from.cpu_milli = service.cpu_milli;
  made_from.placement = service.placement;
  made_from.behaviour = service.behaviour;
  if (absl::Status status = simulation_.Load(AnyObject::Of(std::move(object))); !status.ok()) return status;
  loaded->push_back(simulation_.Get(Kind::kService, key.namespace_, key.name));
  std::vector<std::shared_ptr<const Pod>> pods;
  absl::Status status = workloads_.LoadSettled(std::move(made_from), &pods);
  for (auto& pod : pods) loaded->emplace_back(std::move(pod));
  return status;
}

absl::Status ScenarioDriver::LoadSlices(std::vector<AnyObject> loaded) {
  loaded.reserve(loaded.size() + index_.nodes().size());
  for (const auto& [name, node] : index_.nodes()) loaded.emplace_back(node.object);
  Dump dump;
  dump.objects = std::move(loaded);
  std::sort(dump.objects.begin(), dump.objects.end(), Earlier);
  const ReconcileConfig& config = simulation_.options().controller.reconcile;
  Random names = simulation_.Stream("scenario slices");
  for (const ReconcileInput& input : MakeDumpCluster(dump, config).inputs) {
    for (const SliceWrite& write : Reconcile(input, config).writes) {
      EndpointSlice slice = *write.slice;
      std::string name;
      do {
        name = slice.metadata.generateName.str() + GeneratedSuffix(&names);
      } while (simulation_.Get(Kind::kEndpointSlice, slice.metadata.namespace_, name).has_value());
      slice.metadata.name = Text(name);
      slice.metadata.creationTimestamp = simulation_.scheduler().clock().WallNow();
      slice.metadata.generation = 1;
      if (absl::Status status = simulation_.Load(AnyObject::Of(std::move(slice))); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

std::vector<AnyObject> ScenarioDriver::ServicesWithoutSlices() {
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEndpointSlice;
  std::set<ObjectKey> with;
  const std::string_view ours = simulation_.options().controller.reconcile.controller_name;
  for (const AnyObject& slice : simulation_.server().Handle(list).list.items) {
    if (slice.meta().labels.Get(kLabelManagedBy) == ours) with.insert(ServiceOfSlice(*slice.As<EndpointSlice>()));
  }
  std::vector<AnyObject> without;
  for (const ObjectKey& key : index_.services()) {
    AnyObject object = simulation_.Get(Kind::kService, key.namespace_, key.name);
    const auto service = object.As<Service>();
    const bool wanted =
        service->spec.selector && service->spec.type != "ExternalName" && !service->metadata.deletionTimestamp.is_set();
    if (wanted && with.count(key) == 0) without.push_back(std::move(object));
  }
  return without;
}

absl::Status ScenarioDriver::LoadStartState() {
  const auto at_line = [this](int line, const absl::Status& status) {
    return absl::InvalidArgumentError(Concat(scenario_.file, ": line ", line, ": ", std::string(status.message())));
  };
  for (const NodePool& pool : scenario_.cluster.value_or(std::vector<NodePool>())) {
    if (absl::Status status = nodes_.Load(pool); !status.ok()) return at_line(pool.line, status);
  }
  const MemoryApiServerOptions& server = simulation_.options().server;
  ServiceAddresses addresses(server.service_cidr, server.service_cidr_v6, simulation_.Stream("scenario addresses"));
  std::vector<AnyObject> loaded, of_trace;
  if (scenario_.warm_start) of_trace = ServicesWithoutSlices();
  for (const ServiceTemplate& service : scenario_.services) {
    for (int n = 1; n <= service.count; ++n) {
      absl::Status status = LoadService(service, n, &addresses, &loaded);
      if (!status.ok()) return at_line(service.line, status);
    }
  }
  if (!scenario_.warm_start) return absl::OkStatus();
  if (of_trace.empty()) return LoadSlices(std::move(loaded));
  made_up_.push_back(Concat("EndpointSlices of ", of_trace.size(), of_trace.size() == 1 ? " Service" : " Services",
                            " that the start state shows without any, as a controller would have left them"));
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  // The scenario's own are among them.
  std::erase_if(loaded, [](const AnyObject& object) { return object.kind() == Kind::kPod; });
  for (const AnyObject& pod : simulation_.server().Handle(list).list.items) loaded.push_back(pod);
  loaded.insert(loaded.end(), of_trace.begin(), of_trace.end());
  return LoadSlices(std::move(loaded));
}

}  // namespace epslice::sim

// The pods of workloads: made, found, placed. How many there are to be is in
// rollouts.cc.
#include "sim/scenario/workloads.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/cluster/generated_name.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kLabelHash = "pod-template-hash";
constexpr int kHashLetters = 9;

std::string SelectorText(const StringMap& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += Concat(text.empty() ? "" : ",", key, '=', value);
  return text;
}

}  // namespace

Workloads::Workloads(Simulation* simulation, ClusterIndex* index, std::shared_ptr<const PodBehaviour> pods)
    : simulation_(*simulation), index_(*index), behaviour_(std::move(pods)), life_(simulation, index) {
  life_.OnChange([this](const LivePodPtr& pod) { OnPodChange(pod); });
  index_.OnRoom([this] {
    if (unplaced_.empty() || std::exchange(retry_scheduled_, true)) return;
    // As often as the scheduler's queue is flushed, at most.
    simulation_.scheduler().After(std::chrono::seconds(1), [this] { RetryUnplaced(); });
  });
}

Workload* Workloads::Make(WorkloadTemplate made_from) {
  auto workload = std::make_unique<Workload>();
  workload->random = simulation_.Stream("workload " + made_from.service.ToString());
  workload->replicas = made_from.replicas;
  workload->made_from = std::move(made_from);
  workload->revision = 0;
  NewRevision(workload.get());
  return (workloads_[workload->made_from.service] = std::move(workload)).get();
}

void Workloads::NewRevision(Workload* workload) {
  // A stream of its own: pods draw from others.
  Random random = workload->random.Fork(static_cast<std::uint64_t>(++workload->revision) << 32);
  workload->hash = Text::Intern(GeneratedSuffix(&random, kHashLetters));
}

Pod Workloads::TemplateOf(Workload* workload, const LivePod& pod) {
  Pod object;
  object.metadata.name = pod.key.name;
  object.metadata.namespace_ = pod.key.namespace_;
  object.metadata.labels = workload->made_from.labels.With(Text::Intern(kLabelHash), workload->hash);
  object.namedPorts = workload->made_from.named_ports;
  return object;
}

LivePodPtr Workloads::NewPod(Workload* workload) {
  auto pod = std::make_shared<LivePod>();
  pod->workload = workload;
  pod->ordinal = workload->next_ordinal++;
  pod->revision = workload->revision;
  pod->cpu_milli = workload->made_from.cpu_milli;
  pod->families = workload->made_from.families;
  pod->since = simulation_.now();
  Random random = workload->random.Fork(static_cast<std::uint64_t>(pod->ordinal));
  const ObjectKey& service = workload->made_from.service;
  do {
    pod->key = {service.namespace_, Text(Concat(service.name, '-', workload->hash, '-', GeneratedSuffix(&random)))};
  } while (pods_.count(pod->key) > 0);
  pod->Draw(*workload->made_from.behaviour, random);
  return pod;
}

void Workloads::File(const LivePodPtr& pod) {
  Workload* workload = pod->workload;
  if (workload == nullptr || pod->terminating || pod->gone) return;
  const bool present = pod->revision == workload->revision;
  // Later times first: the youngest goes.
  pod->filed = PodRank{pod->ready, -pod->since.count(), -pod->ordinal};
  (present ? workload->present : workload->old).emplace(*pod->filed, pod);
  (present ? workload->present_ready : workload->old_ready) += pod->ready ? 1 : 0;
}

void Workloads::Unfile(const LivePodPtr& pod) {
  if (!pod->filed) return;
  Workload* workload = pod->workload;
  const bool present = pod->revision == workload->revision;
  (present ? workload->present : workload->old).erase(*pod->filed);
  (present ? workload->present_ready : workload->old_ready) -= pod->filed->ready ? 1 : 0;
  pod->filed.reset();
}

void Workloads::CountPlace(const LivePodPtr& pod, const NodeEntry& node) {
  pod->counted_node = node.name;
  pod->counted_zone = node.zone;
  pod->workload->spread.Add(node.zone, node.name, 1);
}

void Workloads::OnPodChange(const LivePodPtr& pod) {
  if (pod->gone) pods_.erase(pod->key);
  Workload* workload = pod->workload;
  if (workload == nullptr) {
    if (pod->gone) ended_.insert(pod->object->metadata.uid);
    return;
  }
  Unfile(pod);
  if ((pod->gone || pod->terminating) && !pod->counted_node.empty()) {
    workload->spread.Add(pod->counted_zone, pod->counted_node, -1);
    pod->counted_node = Text();
  }
  File(pod);
  ScheduleSync(workload);
}

absl::Status Workloads::LoadSettled(WorkloadTemplate made_from, std::vector<std::shared_ptr<const Pod>>* loaded) {
  Workload* workload = Make(std::move(made_from));
  for (int i = 0; i < workload->replicas; ++i) {
    const LivePodPtr pod = NewPod(workload);
    NodeEntry* node = index_.Place(workload->made_from.placement, pod->cpu_milli, workload->spread);
    if (node == nullptr) {
      return absl::InvalidArgumentError(Concat("there is no room for pod ", i + 1, " of ", workload->replicas,
                                               " of Service ", workload->made_from.service.ToString()));
    }
    Pod object = life_.StartState(TemplateOf(workload, *pod), pod->families, node->name);
    if (absl::Status status = simulation_.Load(AnyObject::Of(std::move(object))); !status.ok()) return status;
    pod->object = simulation_.Get(Kind::kPod, pod->key.namespace_, pod->key.name).As<Pod>();
    pod->ready = pod->was_ready = true;
    index_.Reserve(node->name, pod->cpu_milli);
    pods_[pod->key] = pod;
    CountPlace(pod, *node);
    File(pod);
    loaded->push_back(pod->object);
  }
  return absl::OkStatus();
}

LivePodPtr Workloads::Wrap(const std::shared_ptr<const Pod>& object, Workload* workload) {
  auto pod = std::make_shared<LivePod>();
  pod->key = KeyOf(object->metadata);
  pod->object = object;
  pod->workload = workload;
  pod->ready = pod->was_ready = object->ready;
  pod->terminating = object->metadata.deletionTimestamp.is_set();
  pod->families = {IpFamily::kIPv4};
  if (!object->podIPs.empty()) {
    pod->families.clear();
    pod->families.reserve(object->podIPs.size());
    for (const IpAddress& ip : object->podIPs) pod->families.push_back(ip.family);
  }
  const Timestamp since = object->ready && object->readyTransitionTime.is_set() ? object->readyTransitionTime
                                                                                : object->metadata.creationTimestamp;
  if (since.is_set()) pod->since = simulation_.scheduler().InstantOf(since);
  if (workload != nullptr) {
    pod->ordinal = workload->next_ordinal++;
    pod->revision = workload->revision;
    pod->Draw(*workload->made_from.behaviour, workload->random.Fork(static_cast<std::uint64_t>(pod->ordinal)));
  } else {
    pod->Draw(*behaviour_, simulation_.Stream("pod " + pod->key.ToString()));
  }
  pods_[pod->key] = pod;
  if (workload != nullptr && !pod->terminating) {
    if (const NodeEntry* node = index_.Find(object->nodeName)) CountPlace(pod, *node);
  }
  File(pod);
  return pod;
}

Workload* Workloads::Adopt(const ObjectKey& key) {
  if (const auto it = workloads_.find(key); it != workloads_.end()) return it->second.get();
  const auto service = simulation_.Get(Kind::kService, key.namespace_, key.name).As<Service>();
  if (service == nullptr || !service->spec.selector) return nullptr;
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  list.namespace_ = key.namespace_.str();
  list.list.labelSelector = SelectorText(*service->spec.selector);
  std::vector<std::shared_ptr<const Pod>> pods;
  for (const AnyObject& object : simulation_.server().Handle(list).list.items) {
    const auto pod = object.As<Pod>();
    const bool ended = pod->phase == PodPhase::kSucceeded || pod->phase == PodPhase::kFailed;
    if (!ended && pods_.count(KeyOf(pod->metadata)) == 0) pods.push_back(pod);
  }
  WorkloadTemplate made_from;
  made_from.service = key;
  made_from.labels = *service->spec.selector;
  made_from.families = {IpFamily::kIPv4};
  made_from.behaviour = behaviour_;
  std::shared_ptr<const Pod> like;
  for (const auto& pod : pods) {
    const bool stays = !pod->metadata.deletionTimestamp.is_set();
    made_from.replicas += stays ? 1 : 0;
    if (stays && (like == nullptr || like->metadata.creationTimestamp <= pod->metadata.creationTimestamp)) like = pod;
  }
  if (like != nullptr) {
    made_from.labels = like->metadata.labels.Without(kLabelHash);
    made_from.named_ports = like->namedPorts;
    if (!like->podIPs.empty()) {
      made_from.families.clear();
      made_from.families.reserve(like->podIPs.size());
      for (const IpAddress& ip : like->podIPs) made_from.families.push_back(ip.family);
    }
  }
  Workload* workload = Make(std::move(made_from));
  adopted_.Set(key, *service->spec.selector);
  for (const auto& object : pods) {
    const LivePodPtr pod = Wrap(object, workload);
    if (pod->terminating) {
      life_.GoOnTerminating(pod);
    } else if (pod->object->nodeName.empty()) {
      Place(pod);
    } else if (!pod->ready) {
      life_.GoOnStarting(pod);
    }
  }
  return workload;
}

LivePodPtr Workloads::Take(const ObjectKey& key) {
  if (const auto it = pods_.find(key); it != pods_.end()) return it->second;
  const auto object = simulation_.Get(Kind::kPod, key.namespace_, key.name).As<Pod>();
  if (object == nullptr) return nullptr;
  for (const ObjectKey& service : index_.SelectorsOf(key.namespace_, object->metadata.labels)) {
    Adopt(service);
    if (const auto it = pods_.find(key); it != pods_.end()) return it->second;
  }
  LivePodPtr pod = Wrap(object, nullptr);
  if (pod->terminating) life_.GoOnTerminating(pod);
  return pod;
}

bool Workloads::Owns(const Pod& pod) const {
  if (pods_.count(KeyOf(pod.metadata)) > 0 || ended_.count(pod.metadata.uid) > 0) return true;
  std::vector<ObjectKey> services;
  adopted_.Find(pod.metadata.namespace_, pod.metadata.labels, &services);
  return !services.empty();
}

void Workloads::ChangedOutside(const std::shared_ptr<const Pod>& object, bool gone) {
  const auto it = pods_.find(KeyOf(object->metadata));
  if (it == pods_.end()) {
    if (gone) ended_.insert(object->metadata.uid);
    if (gone) return;
    if (!object->metadata.deletionTimestamp.is_set()) return TakeUnbound(object);
    const LivePodPtr pod = Wrap(object, nullptr);
    // Nobody ends pods of a node that is not there; the garbage collector does.
    if (index_.Find(object->nodeName) == nullptr) return life_.Remove(pod);
    pod->terminating = false;  // as far as it was told
    return life_.ChangedOutside(pod, object);
  }
  const LivePodPtr pod = it->second;
  if (pod->object->metadata.uid != object->metadata.uid) return;
  if (gone) return life_.RemovedOutside(pod);
  life_.ChangedOutside(pod, object);
}

void Workloads::TakeUnbound(const std::shared_ptr<const Pod>& object) {
  const bool ended = object->phase == PodPhase::kSucceeded || object->phase == PodPhase::kFailed;
  if (!object->nodeName.empty() || ended) return;
  const LivePodPtr pod = Wrap(object, nullptr);
  pod->was_ready = false;  // whatever its status says
  simulation_.scheduler().After(pod->scheduling, [this, pod] { Place(pod); });
}

void Workloads::Place(const LivePodPtr& pod) {
  if (pod->gone || pod->terminating) return;
  // A client was the scheduler.
  if (!pod->object->nodeName.empty()) return life_.GoOnStarting(pod);
  Workload* workload = pod->workload;
  NodeEntry* node = workload == nullptr ? index_.Place({}, pod->cpu_milli, {})
                                        : index_.Place(workload->made_from.placement, pod->cpu_milli, workload->spread);
  if (node == nullptr) {
    unplaced_.push_back(pod);
    return;
  }
  if (workload != nullptr) CountPlace(pod, *node);
  life_.Bind(pod, node->name);
}

void Workloads::RetryUnplaced() {
  retry_scheduled_ = false;
  std::deque<LivePodPtr> pods;
  pods.swap(unplaced_);
  // After one of a workload found no room its others find none either.
  std::set<ObjectKey> full;
  for (const LivePodPtr& pod : pods) {
    if (pod->gone || pod->terminating) continue;
    if (pod->workload == nullptr) {
      Place(pod);
      continue;
    }
    const ObjectKey& service = pod->workload->made_from.service;
    if (full.count(service) > 0) {
      unplaced_.push_back(pod);
      continue;
    }
    Place(pod);
    if (!unplaced_.empty() && unplaced_.back() == pod) full.insert(service);
  }
}

std::vector<LivePodPtr> Workloads::ReadyPods(const Workload& workload, int count) const {
  std::vector<LivePodPtr> pods;
  for (const Workload::Pods* set : {&workload.old, &workload.present}) {
    for (auto it = set->rbegin(); it != set->rend() && it->first.ready; ++it) {
      if (pods.size() == static_cast<std::size_t>(count)) return pods;
      pods.push_back(it->second);
    }
  }
  return pods;
}

}  // namespace epslice::sim

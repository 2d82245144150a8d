// The pods of workloads: made and placed. How many there are to be is in
// rollouts.cc, those that a trace brought in adoption.cc.
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
// Of pods of sets.
constexpr std::string_view kLabelSetHash = "controller-revision-hash";
constexpr std::string_view kLabelSetPod = "statefulset.kubernetes.io/pod-name";
constexpr std::string_view kLabelSetIndex = "apps.kubernetes.io/pod-index";

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

Workload* Workloads::Make(WorkloadTemplate made_from, const Group& group) {
  auto workload = std::make_unique<Workload>();
  std::string stream = "workload " + made_from.service.ToString();
  if (group.first != Workload::Kind::kReplicas) {
    stream += Concat(" of kind ", static_cast<int>(group.first), " ", group.second.view());
  }
  workload->random = simulation_.Stream(stream);
  workload->kind = group.first;
  workload->set_name = group.second;
  workload->replicas = made_from.replicas;
  workload->made_from = std::move(made_from);
  workload->revision = 0;
  NewRevision(workload.get());
  all_.push_back(std::move(workload));
  return all_.back().get();
}

void Workloads::NewRevision(Workload* workload) {
  // A stream of its own: pods draw from others.
  Random random = workload->random.Fork(static_cast<std::uint64_t>(++workload->revision) << 32);
  workload->hash = Text::Intern(GeneratedSuffix(&random, kHashLetters));
}

Pod Workloads::TemplateOf(Workload* workload, const LivePod& pod) {
  const WorkloadTemplate& like = workload->made_from;
  Pod object;
  object.metadata.name = pod.key.name;
  object.metadata.namespace_ = pod.key.namespace_;
  object.namedPorts = like.named_ports;
  object.subdomain = like.subdomain;
  object.hostname = like.hostname;
  if (workload->kind == Workload::Kind::kReplicas) {
    object.metadata.labels = like.labels.With(Text::Intern(kLabelHash), workload->hash);
    return object;
  }
  object.metadata.labels = like.labels.With(Text::Intern(kLabelSetHash), workload->hash);
  if (workload->kind != Workload::Kind::kStatefulSet) return object;
  if (!like.hostname.empty()) object.hostname = pod.key.name;
  StringMap& labels = object.metadata.labels;
  if (labels.Contains(kLabelSetPod)) labels = labels.With(Text::Intern(kLabelSetPod), pod.key.name);
  if (labels.Contains(kLabelSetIndex)) {
    labels = labels.With(Text::Intern(kLabelSetIndex), Text(std::to_string(pod.slot->first)));
  }
  return object;
}

LivePodPtr Workloads::NewPod(Workload* workload, const std::optional<PodSlot>& slot) {
  auto pod = std::make_shared<LivePod>();
  pod->workload = workload;
  pod->ordinal = workload->next_ordinal++;
  pod->revision = workload->revision;
  pod->cpu_milli = workload->made_from.cpu_milli;
  pod->families = workload->made_from.families;
  pod->since = simulation_.now();
  pod->slot = slot;
  pod->bound_to_node = workload->kind == Workload::Kind::kDaemonSet;
  Random random = workload->random.Fork(static_cast<std::uint64_t>(pod->ordinal));
  const ObjectKey& service = workload->made_from.service;
  const std::string base = workload->kind == Workload::Kind::kReplicas
                               ? Concat(service.name.view(), "-", workload->hash.view(), "-")
                               : Concat(workload->set_name.view(), "-");
  do {
    const std::string tail =
        workload->kind == Workload::Kind::kStatefulSet ? std::to_string(slot->first) : GeneratedSuffix(&random);
    pod->key = {service.namespace_, Text(base + tail)};
  } while (workload->kind != Workload::Kind::kStatefulSet && pods_.count(pod->key) > 0);
  pod->Draw(*workload->made_from.behaviour, random);
  return pod;
}

void Workloads::File(const LivePodPtr& pod) {
  Workload* workload = pod->workload;
  if (workload == nullptr || pod->terminating || pod->gone) return;
  const bool present = pod->revision == workload->revision;
  // Later times first: the youngest goes; of a StatefulSet the last one.
  const bool by_number = workload->kind == Workload::Kind::kStatefulSet;
  pod->filed =
      by_number ? PodRank{pod->ready, 0, -pod->slot->first} : PodRank{pod->ready, -pod->since.count(), -pod->ordinal};
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
  if (pod->gone && pod->slot) {
    const auto seat = workload->slots.find(*pod->slot);
    if (seat != workload->slots.end() && seat->second == pod) seat->second = nullptr;
  }
  File(pod);
  ScheduleSync(workload);
}

absl::Status Workloads::LoadSettled(WorkloadTemplate made_from, std::vector<std::shared_ptr<const Pod>>* loaded) {
  Workload* workload = Make(std::move(made_from));
  workloads_[workload->made_from.service] = workload;
  for (int i = 0; i < workload->replicas; ++i) {
    const LivePodPtr pod = NewPod(workload);
    NodeEntry* node = index_.Place(workload->made_from.placement, pod->cpu_milli, workload->spread);
    if (node == nullptr) {
      return absl::InvalidArgumentError(Concat("there is no room for pod ", i + 1, " of ", workload->replicas,
                                               " of Service ", workload->made_from.service.ToString()));
    }
    index_.SetRequest(pod->key, pod->cpu_milli);
    Pod object = life_.StartState(TemplateOf(workload, *pod), pod->families, node->name);
    if (absl::Status status = simulation_.Load(AnyObject::Of(std::move(object))); !status.ok()) return status;
    pod->object = simulation_.Get(Kind::kPod, pod->key.namespace_, pod->key.name).As<Pod>();
    pod->ready = pod->was_ready = true;
    pods_[pod->key] = pod;
    CountPlace(pod, *node);
    File(pod);
    loaded->push_back(pod->object);
  }
  return absl::OkStatus();
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
  if (!object->nodeName.empty() || HasEnded(*object)) return;
  const LivePodPtr pod = Wrap(object, nullptr);
  pod->was_ready = false;  // whatever its status says
  simulation_.scheduler().After(pod->scheduling, [this, pod] { Place(pod); });
}

void Workloads::Place(const LivePodPtr& pod) {
  if (pod->gone || pod->terminating) return;
  // A client was the scheduler.
  if (!pod->object->nodeName.empty()) return life_.GoOnStarting(pod);
  Workload* workload = pod->workload;
  if (workload != nullptr && workload->kind == Workload::Kind::kDaemonSet) {
    const NodeEntry* node = index_.Find(pod->slot->second);
    if (node == nullptr) return life_.Remove(pod);
    CountPlace(pod, *node);
    return life_.Bind(pod, node->name);
  }
  NodeEntry* node = workload == nullptr ? index_.Place({}, pod->cpu_milli, {})
                                        : index_.Place(workload->made_from.placement, pod->cpu_milli, workload->spread);
  if (node == nullptr) {
    unplaced_.push_back(pod);
    return;
  }
  if (workload != nullptr) CountPlace(pod, *node);
  life_.Bind(pod, node->name);
}

std::size_t Workloads::unplaced() const {
  const auto waits = [](const LivePodPtr& pod) { return !pod->gone && !pod->terminating; };
  return static_cast<std::size_t>(std::count_if(unplaced_.begin(), unplaced_.end(), waits));
}

void Workloads::RetryUnplaced() {
  retry_scheduled_ = false;
  std::deque<LivePodPtr> pods;
  pods.swap(unplaced_);
  // After one of a workload found no room its others find none either.
  std::set<const Workload*> full;  // looked up only
  for (const LivePodPtr& pod : pods) {
    if (pod->gone || pod->terminating) continue;
    if (pod->workload == nullptr) {
      Place(pod);
      continue;
    }
    if (full.count(pod->workload) > 0) {
      unplaced_.push_back(pod);
      continue;
    }
    Place(pod);
    if (!unplaced_.empty() && unplaced_.back() == pod) full.insert(pod->workload);
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

// The pods that a trace brought, as those of workloads.
#include <charconv>
#include <string>
#include <utility>

#include "apis/concat.h"
#include "sim/scenario/workloads.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kLabelTemplateHash = "pod-template-hash";

std::string SelectorText(const StringMap& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += Concat(text.empty() ? "" : ",", key, '=', value);
  return text;
}

// Beyond it are no StatefulSets, and no numbers left to scale up to.
constexpr int kMostNumber = 1'000'000'000;

// Of a StatefulSet's pod; none where it is named otherwise.
std::optional<int> NumberOf(std::string_view pod, std::string_view set) {
  if (pod.size() < set.size() + 2 || !pod.starts_with(set) || pod[set.size()] != '-') return std::nullopt;
  const std::string_view digits = pod.substr(set.size() + 1);
  // Of two pods of one number one would be lost.
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0 || number > kMostNumber) {
    return std::nullopt;
  }
  return number;
}

std::vector<IpFamily> FamiliesOfPod(const Pod& pod) {
  if (pod.podIPs.empty()) return {IpFamily::kIPv4};
  std::vector<IpFamily> families;
  families.reserve(pod.podIPs.size());
  for (const IpAddress& ip : pod.podIPs) families.push_back(ip.family);
  return families;
}

}  // namespace

Workloads::Group Workloads::GroupOf(const Pod& pod) const {
  const PodFacts* facts = index_.FactsOf(pod);
  if (facts == nullptr) return {};
  switch (facts->owner) {
    case PodOwner::kNode: return {Workload::Kind::kStatic, Text()};
    case PodOwner::kDaemonSet:
      // It is known to be for no node.
      if (pod.nodeName.empty() && facts->for_node.empty()) return {Workload::Kind::kStatic, Text()};
      return {Workload::Kind::kDaemonSet, facts->owner_name};
    case PodOwner::kStatefulSet:
      if (!NumberOf(pod.metadata.name, facts->owner_name)) return {};
      return {Workload::Kind::kStatefulSet, facts->owner_name};
    case PodOwner::kNone:
    case PodOwner::kOther: break;
  }
  return {};
}

WorkloadTemplate Workloads::TemplateLike(const ObjectKey& service, const StringMap& selector,
                                         const std::vector<PodPtr>& pods) const {
  WorkloadTemplate made_from;
  made_from.service = service;
  made_from.labels = selector;
  made_from.families = {IpFamily::kIPv4};
  made_from.behaviour = behaviour_;
  PodPtr like;
  for (const PodPtr& pod : pods) {
    const bool stays = !pod->metadata.deletionTimestamp.is_set();
    made_from.replicas += stays ? 1 : 0;
    if (stays && (like == nullptr || like->metadata.creationTimestamp <= pod->metadata.creationTimestamp)) like = pod;
  }
  const PodFacts* facts = like == nullptr ? nullptr : index_.FactsOf(*like);
  made_from.cpu_unknown = facts == nullptr;
  if (facts != nullptr) made_from.cpu_milli = facts->cpu_milli;
  if (like == nullptr) return made_from;
  made_from.labels = like->metadata.labels.Without(kLabelTemplateHash);
  made_from.named_ports = like->namedPorts;
  made_from.hostname = like->hostname;
  made_from.subdomain = like->subdomain;
  made_from.families = FamiliesOfPod(*like);
  return made_from;
}

LivePodPtr Workloads::Wrap(const std::shared_ptr<const Pod>& object, Workload* workload) {
  auto pod = std::make_shared<LivePod>();
  pod->key = KeyOf(object->metadata);
  pod->object = object;
  pod->workload = workload;
  pod->ready = pod->was_ready = object->ready;
  pod->terminating = object->metadata.deletionTimestamp.is_set();
  pod->families = FamiliesOfPod(*object);
  if (const PodFacts* facts = index_.FactsOf(*object)) {
    pod->cpu_milli = facts->cpu_milli;
    pod->bound_to_node = facts->owner == PodOwner::kDaemonSet || facts->owner == PodOwner::kNode;
  }
  const Timestamp since = object->ready && object->readyTransitionTime.is_set() ? object->readyTransitionTime
                                                                                : object->metadata.creationTimestamp;
  if (since.is_set()) pod->since = simulation_.scheduler().InstantOf(since);
  if (workload != nullptr) {
    pod->ordinal = workload->next_ordinal++;
    pod->revision = workload->revision;
    pod->Draw(*workload->made_from.behaviour, workload->random.Fork(static_cast<std::uint64_t>(pod->ordinal)));
    if (workload->kind == Workload::Kind::kStatefulSet) {
      pod->slot = PodSlot(NumberOf(pod->key.name, workload->set_name).value_or(0), Text());
    } else if (workload->kind == Workload::Kind::kDaemonSet) {
      const PodFacts* facts = index_.FactsOf(*object);
      pod->slot =
          PodSlot(0, Text::Intern(object->nodeName.empty() && facts != nullptr ? facts->for_node : object->nodeName));
    }
  } else {
    pod->Draw(*behaviour_, simulation_.Stream("pod " + pod->key.ToString()));
  }
  pods_[pod->key] = pod;
  if (workload != nullptr && !pod->terminating) {
    if (const NodeEntry* node = index_.Find(object->nodeName)) CountPlace(pod, *node);
  }
  Seat(pod);
  File(pod);
  return pod;
}

void Workloads::AdoptPods(Workload* workload, const std::vector<PodPtr>& pods) {
  for (const PodPtr& object : pods) {
    const LivePodPtr pod = Wrap(object, workload);
    if (pod->terminating) {
      life_.GoOnTerminating(pod);
    } else if (pod->object->nodeName.empty()) {
      if (workload->kind != Workload::Kind::kStatic) Place(pod);
    } else if (!pod->ready) {
      life_.GoOnStarting(pod);
    }
  }
}

Workload* Workloads::WorkloadOf(const ObjectKey& service, const StringMap& selector, const Group& group,
                                const std::vector<PodPtr>& pods) {
  if (group.second.empty()) return Make(TemplateLike(service, selector, pods), group);
  // Another Service may have brought some of its pods.
  Workload*& set = sets_[{service.namespace_, group}];
  if (set == nullptr) set = Make(TemplateLike(service, selector, pods), group);
  return set;
}

Workload* Workloads::Adopt(const ObjectKey& key) {
  if (const auto it = workloads_.find(key); it != workloads_.end()) return it->second;
  const auto service = simulation_.Get(Kind::kService, key.namespace_, key.name).As<Service>();
  if (service == nullptr || !service->spec.selector) return nullptr;
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  list.namespace_ = key.namespace_.str();
  list.list.labelSelector = SelectorText(*service->spec.selector);
  std::map<Group, std::vector<PodPtr>> groups;
  Workload* theirs = nullptr;  // of pods that another Service brought
  for (const AnyObject& object : simulation_.server().Handle(list).list.items) {
    const auto pod = object.As<Pod>();
    if (HasEnded(*pod)) continue;
    if (const auto it = pods_.find(KeyOf(pod->metadata)); it == pods_.end()) {
      groups[GroupOf(*pod)].push_back(pod);
    } else if (theirs == nullptr) {
      theirs = it->second->workload;
    }
  }
  adopted_.Set(key, *service->spec.selector);
  if (groups.empty() && theirs != nullptr) return workloads_[key] = theirs;
  if (groups.empty()) groups[{}];
  Workload* first = nullptr;
  std::size_t most = 0;
  for (const auto& [group, pods] : groups) {
    Workload* workload = WorkloadOf(key, *service->spec.selector, group, pods);
    if (first == nullptr || (first->kind != Workload::Kind::kReplicas && pods.size() > most)) {
      first = workload;
      most = pods.size();
    }
    AdoptPods(workload, pods);
  }
  return workloads_[key] = first;
}

LivePodPtr Workloads::Take(const ObjectKey& key) {
  if (LivePodPtr pod = Find(key)) return pod;
  const auto object = simulation_.Get(Kind::kPod, key.namespace_, key.name).As<Pod>();
  if (object == nullptr) return nullptr;
  for (const ObjectKey& service : index_.SelectorsOf(key.namespace_, object->metadata.labels)) {
    Adopt(service);
    if (LivePodPtr pod = Find(key)) return pod;
  }
  LivePodPtr pod = Wrap(object, nullptr);
  if (pod->terminating) life_.GoOnTerminating(pod);
  return pod;
}

LivePodPtr Workloads::Find(const ObjectKey& pod) const {
  const auto it = pods_.find(pod);
  return it == pods_.end() ? nullptr : it->second;
}

}  // namespace epslice::sim

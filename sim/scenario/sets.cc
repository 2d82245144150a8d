// Pods that have places: of StatefulSets (numbers) and DaemonSets (nodes), as
// their controllers keep them (v1.36). A place is filled again when who had it is
// gone, not when it was asked to go.
#include <iterator>
#include <utility>

#include "sim/scenario/workloads.h"

namespace epslice::sim {

void Workloads::Seat(const LivePodPtr& pod) {
  if (!pod->slot) return;
  LivePodPtr& seat = pod->workload->slots[*pod->slot];
  // On a node may be a DaemonSet's next pod beside one that is going.
  if (seat == nullptr || seat->terminating) seat = pod;
  pod->workload->replicas = static_cast<int>(pod->workload->slots.size());
}

void Workloads::FillSlots(Workload* workload) {
  const bool in_order = workload->kind == Workload::Kind::kStatefulSet;
  for (auto it = workload->slots.begin(); it != workload->slots.end();) {
    const auto& [slot, pod] = *it;
    if (pod == nullptr && !in_order && index_.Find(slot.second) == nullptr) {
      it = workload->slots.erase(it);
      continue;
    }
    // OrderedReady: each waits for those before it.
    if (in_order && pod != nullptr && (pod->terminating || !pod->ready)) break;
    ++it;
    if (pod != nullptr) continue;
    CreatePod(workload, slot);
    if (in_order) break;
  }
  workload->replicas = static_cast<int>(workload->slots.size());
}

void Workloads::ScaleSet(Workload* workload, int replicas) {
  auto& slots = workload->slots;
  while (slots.size() > static_cast<std::size_t>(replicas)) {
    const auto last = std::prev(slots.end());
    const LivePodPtr pod = std::move(last->second);
    slots.erase(last);
    if (pod != nullptr) life_.Terminate(pod);
  }
  while (slots.size() < static_cast<std::size_t>(replicas)) {
    slots.emplace(PodSlot(slots.empty() ? 0 : slots.rbegin()->first.first + 1, Text()), nullptr);
  }
  workload->replicas = replicas;
}

void Workloads::CoverNodes(const std::vector<Text>& nodes) {
  if (nodes.empty() || !index_.knows_daemons()) return;
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kPod;
  for (const AnyObject& object : simulation_.server().Handle(list).list.items) {
    const auto pod = object.As<Pod>();
    if (HasEnded(*pod) || GroupOf(*pod).first != Workload::Kind::kDaemonSet) continue;
    // Of one without a Service the trace goes on telling.
    if (index_.SelectorsOf(pod->metadata.namespace_, pod->metadata.labels).empty()) continue;
    Take(KeyOf(pod->metadata));
  }
  CoverKnown(nodes);
}

void Workloads::CoverKnown(const std::vector<Text>& nodes) {
  const std::size_t others = index_.nodes().size() - nodes.size();
  for (const auto& workload : all_) {
    if (workload->kind != Workload::Kind::kDaemonSet || 2 * workload->slots.size() <= others) continue;
    for (const Text& node : nodes) workload->slots.emplace(PodSlot(0, node), nullptr);
    ScheduleSync(workload.get());
  }
}

}  // namespace epslice::sim

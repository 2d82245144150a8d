// How many pods a workload has, and of which revision: the Deployment
// controller's rules (rolling updates as in v1.36).
#include <algorithm>
#include <utility>

#include "sim/scenario/workloads.h"

namespace epslice::sim {
namespace {

// Parts of the replicas: surge is rounded up, unavailability down.
int Resolve(const IntOrPercent& value, int replicas, bool up) {
  if (!value.percent) return value.value;
  const std::int64_t part = std::int64_t{value.value} * replicas;
  return static_cast<int>((part + (up ? 99 : 0)) / 100);
}

int SizeOf(const Workload::Pods& pods) { return static_cast<int>(pods.size()); }

}  // namespace

void Workloads::Rollout(Workload* workload, const RolloutAction& action) {
  workload->max_surge = action.max_surge;
  workload->max_unavailable = action.max_unavailable;
  if (action.behaviour != nullptr) workload->made_from.behaviour = action.behaviour;
  workload->old.merge(workload->present);
  workload->old_ready += std::exchange(workload->present_ready, 0);
  NewRevision(workload);
  ScheduleSync(workload);
}

void Workloads::Scale(Workload* workload, int replicas) {
  if (workload->kind == Workload::Kind::kStatefulSet) {
    ScaleSet(workload, replicas);
  } else if (workload->kind == Workload::Kind::kReplicas) {
    workload->replicas = replicas;
  }
  ScheduleSync(workload);
}

void Workloads::ScheduleSync(Workload* workload) {
  if (std::exchange(workload->sync_scheduled, true)) return;
  // After all that happens at this instant: pods that go together are replaced
  // together.
  simulation_.scheduler().After(Duration{0}, [this, workload] {
    workload->sync_scheduled = false;
    Sync(workload);
  });
}

void Workloads::Sync(Workload* workload) {
  if (workload->kind == Workload::Kind::kStatic) return;
  if (workload->kind != Workload::Kind::kReplicas) {
    FillSlots(workload);
    if (!workload->old.empty()) ScaleDownOld(workload, 1);
    return;
  }
  const int replicas = workload->replicas;
  int surge = Resolve(workload->max_surge, replicas, true);
  int unavailable = Resolve(workload->max_unavailable, replicas, false);
  if (surge == 0 && unavailable == 0) unavailable = 1;
  ScaleUp(workload, surge);
  while (SizeOf(workload->present) > replicas) life_.Terminate(LivePodPtr(workload->present.begin()->second));
  if (!workload->old.empty()) ScaleDownOld(workload, unavailable);
}

void Workloads::ScaleUp(Workload* workload, int surge) {
  const int replicas = workload->replicas;
  int wanted = replicas - SizeOf(workload->present);
  if (!workload->old.empty()) {
    wanted = std::min(wanted, replicas + surge - SizeOf(workload->present) - SizeOf(workload->old));
  }
  for (; wanted > 0; --wanted) CreatePod(workload);
}

void Workloads::ScaleDownOld(Workload* workload, int unavailable) {
  const int min_available = workload->replicas - unavailable;
  const int present_unavailable = SizeOf(workload->present) - workload->present_ready;
  const int total = SizeOf(workload->present) + SizeOf(workload->old);
  // Those that serve nothing go first ...
  int may_go = total - min_available - present_unavailable;
  while (may_go > 0 && !workload->old.empty() && !workload->old.begin()->first.ready) {
    life_.Terminate(LivePodPtr(workload->old.begin()->second));
    --may_go;
  }
  // ... then as many as the ready ones of both revisions can spare.
  if (may_go <= 0) return;
  int spare = workload->present_ready + workload->old_ready - min_available;
  while (spare-- > 0 && !workload->old.empty()) {
    life_.Terminate(LivePodPtr(workload->old.begin()->second));
  }
}

void Workloads::CreatePod(Workload* workload, const std::optional<PodSlot>& slot) {
  const LivePodPtr pod = NewPod(workload, slot);
  // Of a StatefulSet that was scaled down and up: once the one of that name is gone.
  if (pods_.count(pod->key) > 0) return;
  const Response response = simulation_.Create(AnyObject::Of(TemplateOf(workload, *pod)));
  // Its namespace is going, or something else took the name: as a ReplicaSet,
  // again at the next occasion.
  if (!response.status.ok()) return;
  pod->object = response.object.As<Pod>();
  index_.SetRequest(pod->key, pod->cpu_milli);
  pods_[pod->key] = pod;
  made_blindly_ += workload->made_from.cpu_unknown ? 1 : 0;
  if (slot) workload->slots[*slot] = pod;
  File(pod);
  simulation_.scheduler().After(pod->scheduling, [this, pod] { Place(pod); });
}

}  // namespace epslice::sim

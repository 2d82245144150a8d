#include "sim/scenario/outside_changes.h"

#include <memory>

namespace epslice::sim {

void OutsideChanges::OnCommit(const Commit& commit) {
  if (!commit.outside) return;
  const bool gone = commit.type == WatchEventType::kDeleted;
  // As events of their own: what follows writes, which an observer may not.
  if (const auto pod = commit.object.As<Pod>(); pod != nullptr) {
    simulation_.scheduler().After(Duration{0}, [this, pod, gone] { workloads_.ChangedOutside(pod, gone); });
  } else if (commit.object.kind() == Kind::kNode && gone) {
    simulation_.scheduler().After(Duration{0},
                                  [this, node = commit.object.meta().name] { nodes_.DeletedOutside(node); });
  }
}

}  // namespace epslice::sim

#include "sim/scenario/outside_changes.h"

#include <memory>
#include <utility>

namespace epslice::sim {

void OutsideChanges::OnCommit(const Commit& commit) {
  const bool outside = commit.outside, gone = commit.type == WatchEventType::kDeleted;
  // As events of their own: what follows writes, which an observer may not.
  const auto soon = [this](auto then) { simulation_.scheduler().After(Duration{0}, std::move(then)); };
  if (const auto pod = commit.object.As<Pod>(); pod != nullptr && outside) {
    soon([this, pod, gone] { workloads_.ChangedOutside(pod, gone); });
  }
  if (commit.object.kind() != Kind::kNode || commit.type == WatchEventType::kModified) return;
  const Text& node = commit.object.meta().name;
  if (gone) {
    soon([this, node, outside] { outside ? nodes_.DeletedOutside(node) : nodes_.DeletedByTrace(node); });
  } else if (!commit.object.As<Node>()->metadata.labels.Contains(kLabelControlPlane)) {
    soon([this, node] { nodes_.AddedByOthers(node); });
  }
}

}  // namespace epslice::sim

#include "sim/cluster/watch_hub.h"

#include <string>
#include <utility>

#include "sim/cluster/stamp.h"

namespace epslice::sim {

std::uint64_t WatchHub::Add(Subscription subscription) {
  const std::uint64_t id = next_id_++;
  auto& of_kind = subscriptions_[static_cast<std::size_t>(subscription.kind)];
  of_kind.emplace(id, std::move(subscription));
  return id;
}

void WatchHub::Remove(Kind kind, std::uint64_t id) { subscriptions_[static_cast<std::size_t>(kind)].erase(id); }

void WatchHub::Tell(const Subscription& subscription, const HistoryEntry& entry) {
  const bool was_in = entry.before.has_value() && subscription.selection.Matches(entry.before);
  const bool is_in = entry.type != WatchEventType::kDeleted && subscription.selection.Matches(entry.object);
  if (!was_in && !is_in) return;
  WatchEvent event;
  if (is_in) {
    event.type = was_in ? WatchEventType::kModified : WatchEventType::kAdded;
    event.object = entry.object;
  } else {
    event.type = WatchEventType::kDeleted;
    event.object = entry.type == WatchEventType::kDeleted ? entry.object : WithVersion(entry.before, entry.version);
  }
  subscription.callback(event);
}

void WatchHub::Publish(const HistoryEntry& entry) const {
  for (const auto& [id, subscription] : subscriptions_[static_cast<std::size_t>(entry.object.kind())]) {
    Tell(subscription, entry);
  }
}

void WatchHub::Bookmark(std::uint64_t version) const {
  WatchEvent event;
  event.type = WatchEventType::kBookmark;
  event.resourceVersion = std::to_string(version);
  for (const auto& of_kind : subscriptions_) {
    for (const auto& [id, subscription] : of_kind) {
      if (subscription.bookmarks) subscription.callback(event);
    }
  }
}

}  // namespace epslice::sim

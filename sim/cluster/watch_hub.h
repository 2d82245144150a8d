// WatchHub: the running watches, and what each is told of a change.
//
// Not thread-safe: used under the server's lock.
#ifndef EPSLICE_SIM_CLUSTER_WATCH_HUB_H_
#define EPSLICE_SIM_CLUSTER_WATCH_HUB_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>

#include "apis/request.h"
#include "sim/cluster/object_store.h"
#include "sim/cluster/selection.h"

namespace epslice::sim {

using WatchCallback = std::function<void(const WatchEvent&)>;

struct Subscription {
  Kind kind = Kind::kService;
  Selection selection;
  bool bookmarks = false;
  WatchCallback callback;
};

class WatchHub {
 public:
  // Returns the id for Remove(). Watches are told in the order of their ids.
  std::uint64_t Add(Subscription subscription);
  void Remove(Kind kind, std::uint64_t id);

  // Tells every watch of the entry's kind.
  void Publish(const HistoryEntry& entry) const;
  // Tells one subscription: an object that enters its selection is ADDED, one
  // that leaves it is DELETED (its last state inside, with the new version).
  static void Tell(const Subscription& subscription, const HistoryEntry& entry);
  // A bookmark to all that asked for them.
  void Bookmark(std::uint64_t version) const;

 private:
  std::uint64_t next_id_ = 1;
  std::array<std::map<std::uint64_t, Subscription>, kAllKinds.size()> subscriptions_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_WATCH_HUB_H_

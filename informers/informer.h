// Informer<T>: the objects of one kind, kept up with an API server: a Watcher
// that says what to ask, and a Store of what was learned.
//
// The driver runs the watcher (LiveRunner in a thread for each kind, the
// simulation in virtual time) and applies its updates:
//
//   Watcher::Action action = informer.watcher().Next(now);
//   ... do it; OnList(), or OnEvent()s and OnWatchEnd(), filling an update ...
//   std::vector<Change<T>> changes = informer.Apply(update);
//
// Not thread-safe. The watcher and the store share nothing, so a driver may
// step the watcher in one thread and hold a lock for Apply() and reads only.
#ifndef EPSLICE_INFORMERS_INFORMER_H_
#define EPSLICE_INFORMERS_INFORMER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "informers/store.h"
#include "informers/watcher.h"

namespace epslice {

// Puts the update into the store; what that changed, in order: deletes first,
// then adds and updates as they came (a replace: in key order). The same
// version again is no change, nor is the end of what was not there. Objects of
// another kind are passed over.
template <typename T>
std::vector<Change<T>> ApplyUpdate(WatchUpdate update, Store<T>* store) {
  std::vector<std::shared_ptr<const T>> objects;
  objects.reserve(update.applied.size());
  for (const AnyObject& object : update.applied) {
    if (auto typed = object.As<T>()) objects.push_back(std::move(typed));
  }
  // Of a long list it is worth having back.
  update.applied = {};
  if (update.replace) return store->Replace(std::move(objects));
  std::vector<Change<T>> changes;
  for (const AnyObject& object : update.deleted) {
    if (object.As<T>() == nullptr) continue;
    Change<T> change = store->Remove(KeyOf(object.meta()));
    if (change.before != nullptr) changes.push_back(std::move(change));
  }
  for (std::shared_ptr<const T>& object : objects) {
    if (store->HasVersion(*object)) continue;
    changes.push_back(store->Apply(std::move(object)));
  }
  return changes;
}

template <typename T>
class Informer {
 public:
  // `seed`: see Watcher.
  explicit Informer(WatcherOptions options = {}, std::uint64_t seed = 0)
      : watcher_(T::kKind, std::move(options), seed) {}

  Watcher& watcher() { return watcher_; }
  const Watcher& watcher() const { return watcher_; }
  // Add indexes before the first Apply().
  Store<T>& store() { return store_; }
  const Store<T>& store() const { return store_; }

  // True once a complete list was applied; stays true. (The watcher's own
  // synced() is true as soon as it handed the list out.)
  bool synced() const { return synced_; }

  // See ApplyUpdate().
  std::vector<Change<T>> Apply(WatchUpdate update) {
    synced_ = synced_ || update.replace;
    return ApplyUpdate(std::move(update), &store_);
  }

 private:
  Watcher watcher_;
  Store<T> store_;
  bool synced_ = false;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_INFORMER_H_

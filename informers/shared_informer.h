// SharedInformer<T>: the objects of one kind, kept up with an API server by a
// thread and read by any other.
//
//   SharedInformer<Service> services;
//   std::thread thread([&] { services.Run(transport, &clock, &cancel); });
//   ... services.Get({"shop", "web"}) ...
//   cancel.Cancel();
//   thread.join();
//
// ControllerRunner makes and runs them. Informer<T> is the same without thread
// and lock.
//
// Reads are of one moment each; what they return is a snapshot, which stays as it
// is while the store moves on.
// Thread-safety: OnX() before Run(); the rest from any thread.
#ifndef EPSLICE_INFORMERS_SHARED_INFORMER_H_
#define EPSLICE_INFORMERS_SHARED_INFORMER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "informers/informer.h"
#include "informers/transport.h"
#include "informers/version.h"
#include "informers/watch_loop.h"

namespace epslice {

template <typename T>
class SharedInformer : private WatchHandler {
 public:
  using Ptr = std::shared_ptr<const T>;
  using Changes = std::vector<Change<T>>;
  // The keys that an object is filed under for For(); pure (Store::IndexFn).
  using KeysOf = typename Store<T>::IndexFn;

  // Filed under its own key.
  static void OwnKey(const T& object, std::vector<ObjectKey>* keys) { keys->push_back(KeyOf(object.metadata)); }

  // `options` say which objects (namespace, labels, fields); `seed`: see Watcher.
  explicit SharedInformer(WatcherOptions options = {}, KeysOf keys_of = OwnKey, std::uint64_t seed = 0)
      : keys_of_(std::move(keys_of)), informer_(std::move(options), seed) {
    index_ = informer_.store().AddIndex(keys_of_);
  }

  // Told of what changed, in order, once reads show it; without a lock, from
  // Run()'s thread. Never empty.
  void OnChanges(std::function<void(const Changes&)> fn) { on_changes_ = std::move(fn); }
  // Told once, when the first list is complete, after its changes.
  void OnSynced(std::function<void()> fn) { on_synced_ = std::move(fn); }
  // Told of the first failure of a list or a watch, with its status; and, once
  // the server answers again, with an ok one. In between it is tried again.
  void OnTrouble(std::function<void(const Status&)> fn) { on_trouble_ = std::move(fn); }

  // Lists and watches until `cancel`; at most once. All must outlive the call.
  void Run(Transport* transport, const Clock* clock, CancelToken* cancel) {
    RunWatcher(&informer_.watcher(), transport, clock, cancel, this);
  }

  // Whether the first list is complete; until then reads find little or nothing.
  bool synced() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return informer_.synced();
  }
  // Null when absent.
  Ptr Get(const ObjectKey& key) const {
    const std::lock_guard<std::mutex> lock(mu_);
    return informer_.store().Get(key);
  }
  // Those that are filed under `key`, in the order of their own.
  std::vector<Ptr> For(const ObjectKey& key) const {
    const std::lock_guard<std::mutex> lock(mu_);
    return informer_.store().ByIndex(index_, key);
  }
  // All, in key order.
  std::vector<Ptr> List() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return informer_.store().List();
  }

  // Reads show at once what this process wrote and the server answered, before
  // the watch brings it, and until then nothing that is older (where
  // VersionNumber() can tell). The watch's echo is no change then. `object`: all
  // of it.
  void Wrote(Ptr object) {
    const std::optional<std::uint64_t> version = VersionNumber(object->metadata.resourceVersion);
    const std::lock_guard<std::mutex> lock(mu_);
    if (version && *version <= seen_) return;
    if (version) written_.insert_or_assign(KeyOf(object->metadata), Written{*version, object});
    informer_.store().Apply(std::move(object));
  }
  // The same for what it deleted. (A list from before may show it once more.)
  void Deleted(const ObjectKey& key) {
    const std::lock_guard<std::mutex> lock(mu_);
    written_.erase(key);
    informer_.store().Remove(key);
  }

 private:
  struct Written {
    std::uint64_t version = 0;
    Ptr object;
  };

  void OnAnswer(Instant /*now*/) override {
    if (std::exchange(down_, false) && on_trouble_) on_trouble_(Status());
  }
  void OnFailure(const Status& status) override {
    constexpr int kExpired = 410;
    if (status.code == kExpired) return;
    if (!std::exchange(down_, true) && on_trouble_) on_trouble_(status);
  }
  void OnUpdate(WatchUpdate update) override {
    Changes changes;
    bool first = false;
    {
      const std::lock_guard<std::mutex> lock(mu_);
      KeepWritten(&update);
      first = !informer_.synced();
      changes = informer_.Apply(std::move(update));
      first = first && informer_.synced();
    }
    if (!changes.empty() && on_changes_) on_changes_(changes);
    if (first && on_synced_) on_synced_();
  }

  // Takes out of the update what is older than what was written. Call with mu_.
  void KeepWritten(WatchUpdate* update) {
    seen_ = std::max(seen_, VersionNumber(informer_.watcher().resource_version()).value_or(0));
    std::erase_if(written_, [this](const auto& entry) { return entry.second.version <= seen_; });
    if (written_.empty()) return;
    const auto is_old = [this](const AnyObject& object) { return written_.contains(KeyOf(object.meta())); };
    std::erase_if(update->applied, is_old);
    std::erase_if(update->deleted, is_old);
    if (!update->replace) return;
    for (const auto& [key, written] : written_) update->applied.push_back(AnyObject(written.object));
  }

  const KeysOf keys_of_;
  std::function<void(const Changes&)> on_changes_;
  std::function<void()> on_synced_;
  std::function<void(const Status&)> on_trouble_;
  bool down_ = false;  // of Run()'s thread

  mutable std::mutex mu_;
  // The store, and synced(), are guarded by mu_; the watcher is Run()'s.
  Informer<T> informer_;
  int index_ = 0;
  std::uint64_t seen_ = 0;                // guarded by mu_: everything up to this version
  std::map<ObjectKey, Written> written_;  // guarded by mu_: newer than seen_
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_SHARED_INFORMER_H_

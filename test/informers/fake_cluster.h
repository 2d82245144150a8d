// FakeCluster: a Transport to a few objects in memory, for tests with threads. It
// knows lists, watches and reads of one object, and takes them from anywhere.
#ifndef EPSLICE_TEST_INFORMERS_FAKE_CLUSTER_H_
#define EPSLICE_TEST_INFORMERS_FAKE_CLUSTER_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "informers/transport.h"

namespace epslice::testkit {

class FakeCluster : public Transport {
 public:
  // Adds or replaces, with a version of its own; watches bring it.
  template <typename T>
  void Put(T object) {
    const std::lock_guard<std::mutex> lock(mu_);
    object.metadata.resourceVersion = std::to_string(++version_);
    Note(WatchEventType::kModified, AnyObject::Of(std::move(object)));
  }
  template <typename T>
  void Remove(T object) {
    const std::lock_guard<std::mutex> lock(mu_);
    object.metadata.resourceVersion = std::to_string(++version_);
    Note(WatchEventType::kDeleted, AnyObject::Of(std::move(object)));
  }
  // Lists of this kind are not answered until it is let go.
  void HoldLists(Kind kind, bool hold) {
    const std::lock_guard<std::mutex> lock(mu_);
    held_[kind] = hold;
    changed_.notify_all();
  }
  // No call is answered, and running watches break.
  void SetDown(bool down) {
    const std::lock_guard<std::mutex> lock(mu_);
    down_ = down;
    changed_.notify_all();
  }

  // A get hangs until it is cancelled.
  Response Do(const Request& request, CancelToken* cancel) override {
    const Awake awake(this, cancel);
    std::unique_lock<std::mutex> lock(mu_);
    Response response;
    changed_.wait(lock, [&] { return cancel->cancelled() || (request.verb == Verb::kList && !held_[request.kind]); });
    if (cancel->cancelled() || down_) {
      response.status = StatusUnreachable("nobody answers");
      return response;
    }
    for (const auto& [key, object] : objects_[request.kind]) response.list.items.push_back(object);
    response.list.resourceVersion = std::to_string(version_);
    return response;
  }

  Status Watch(const Request& request, CancelToken* cancel,
               const std::function<bool(const WatchEvent&)>& on_event) override {
    const Awake awake(this, cancel);
    std::unique_lock<std::mutex> lock(mu_);
    // Versions are the places of events.
    for (auto next = static_cast<std::size_t>(std::stoul(request.list.resourceVersion));;) {
      changed_.wait(lock, [&] { return cancel->cancelled() || down_ || next < events_.size(); });
      if (cancel->cancelled() || down_) return StatusUnreachable("connection lost");
      const WatchEvent event = events_[next++];
      if (event.object.kind() != request.kind) continue;
      lock.unlock();
      if (!on_event(event)) return {};
      lock.lock();
    }
  }

 private:
  // Has those that wait look at the token when it is cancelled.
  class Awake {
   public:
    Awake(FakeCluster* cluster, CancelToken* cancel) : cancel_(*cancel) {
      id_ = cancel->Register([cluster] {
        const std::lock_guard<std::mutex> lock(cluster->mu_);
        cluster->changed_.notify_all();
      });
    }
    ~Awake() { cancel_.Unregister(id_); }
    Awake(const Awake&) = delete;
    Awake& operator=(const Awake&) = delete;

   private:
    CancelToken& cancel_;
    int id_ = 0;
  };

  void Note(WatchEventType type, const AnyObject& object) {
    auto& objects = objects_[object.kind()];
    if (type == WatchEventType::kDeleted) {
      objects.erase(KeyOf(object.meta()));
    } else {
      objects.insert_or_assign(KeyOf(object.meta()), object);
    }
    WatchEvent event;
    event.type = type;
    event.object = object;
    events_.push_back(event);
    changed_.notify_all();
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::map<Kind, std::map<ObjectKey, AnyObject>> objects_;
  std::map<Kind, bool> held_;
  std::vector<WatchEvent> events_;  // of version 1, 2, ...
  std::uint64_t version_ = 0;
  bool down_ = false;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_INFORMERS_FAKE_CLUSTER_H_

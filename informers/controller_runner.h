// ControllerRunner: the threads of a controller. It keeps up with the objects
// that the controller looks at, and calls it with the key of whatever changed,
// until that went well.
//
//   ControllerRunner runner({}, transport, &clock);
//   SharedInformer<Service>* services = runner.Watch<Service>();
//   SharedInformer<EndpointSlice>* slices =
//       runner.Watch<EndpointSlice>({}, [](const EndpointSlice& slice) { return ServiceOfSlice(slice); });
//   runner.Start([&](const ObjectKey& key) -> WorkResult {
//     std::shared_ptr<const Service> service = services->Get(key);   // null: it is gone
//     ... see that the cluster is as it should be for `key`; send requests ...
//     return absl::OkStatus();
//   });
//   WaitForStopSignal();                                             // stop_signals.h
//   runner.Stop();
//
// A key is not what happened, but where to look: many changes make one call, and
// one after a restart makes good for what was missed. Calls begin when the first
// list of every informer is complete, with a call for each key in them. A key is
// never in two calls at once; one that is added meanwhile is called again after
// (WorkQueue). What fails is tried again with backoff (WorkQueueOptions).
//
// With a LeaderRunner it is one of several replicas of which one works.
//
// Thread-safety: Watch() and Every() before Start(); Start() and Stop() from one
// thread, the rest from any, also from within calls.
#ifndef EPSLICE_INFORMERS_CONTROLLER_RUNNER_H_
#define EPSLICE_INFORMERS_CONTROLLER_RUNNER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/kind.h"
#include "informers/shared_informer.h"
#include "informers/work_queue.h"

namespace epslice {

class LeaderRunner;

struct ControllerRunnerOptions {
  int workers = 1;  // threads that call, each with a key of its own
  WorkQueueOptions queue;
  // How long Stop() lets calls that are under way finish before it cancels their
  // requests.
  Duration shutdown_grace = std::chrono::seconds(10);
  // Told what somebody should know, one line each: calls that failed; lists and
  // watches that fail, once, and once that they work again. From any of the
  // threads; null: nobody is told.
  std::function<void(std::string_view line)> log;
  std::uint64_t seed = 1;  // of the jitter of the informers' waits
  // Of several replicas the one that leads works (leader_runner.h): lists and watches
  // run at once, calls begin when it leads, and cancel() lets no request through
  // that a former leader may not send. When the Lease is lost, calls under way are
  // cancelled, and there are no others. Must outlive the runner, which neither
  // starts nor stops it. Null: works at once.
  LeaderRunner* leader = nullptr;
};

// What came of a call.
struct WorkResult {
  // Not ok: the key is tried again after its backoff, which doubles with each
  // failure; after `again_after`, where that is longer (what a server asked for).
  // Ok: the backoff starts anew, and the key is called again after `again_after`,
  // if that is not 0, or when something changes.
  WorkResult(absl::Status s, Duration again = Duration(0)) : status(std::move(s)), again_after(again) {}
  absl::Status status;
  Duration again_after;
};

class ControllerRunner {
 public:
  using Call = std::function<WorkResult(const ObjectKey& key)>;

  // Both must outlive the runner. `clock` must run at the speed of real time:
  // waits are made of its differences.
  ControllerRunner(ControllerRunnerOptions options, Transport* transport, const Clock* clock);
  // Stops.
  ~ControllerRunner();
  ControllerRunner(const ControllerRunner&) = delete;
  ControllerRunner& operator=(const ControllerRunner&) = delete;

  // Keeps up with the objects of a kind, as `options` select them. A change of one
  // adds the keys that `keys_of` says of it, before and after; they are what
  // SharedInformer::For() finds it by. `keys_of`: pure; from an object to a key, or
  // an IndexFn (store.h). Without it: the object's own key. The informer lives as
  // long as the runner.
  template <typename T, typename Fn>
  SharedInformer<T>* Watch(WatcherOptions options, Fn keys_of);
  template <typename T>
  SharedInformer<T>* Watch(WatcherOptions options = {}) {
    return Watch<T>(std::move(options), SharedInformer<T>::OwnKey);
  }

  // Calls `fn` again and again, from a thread of its own, with `period` between:
  // for what tells of no changes by itself, such as a file. Not before Start().
  void Every(Duration period, std::function<void()> fn);

  // Starts the threads; at most once.
  void Start(Call call);
  // Has the key called soon; after a while (of several the earliest stands).
  void Add(const ObjectKey& key);
  void AddAfter(const ObjectKey& key, Duration delay);
  // Has all keys called that the informers' objects have: something changed that
  // concerns any of them.
  void Resync();
  // Calls no more, lets those that are under way finish (shutdown_grace at most),
  // and joins all threads. False when one had to be cancelled. Again: does nothing.
  bool Stop();

  // Whether calls have begun.
  bool synced() const;
  // Nothing is to be called now, or later, and nothing is under way.
  bool idle() const;
  // For the requests of calls: cancelled when Stop() waits no longer, or the Lease is
  // lost.
  CancelToken* cancel() { return &calls_; }

 private:
  // Adds the keys of changed objects, with one lock for all.
  void AddAll(const std::vector<ObjectKey>& keys);
  void NoteSynced();
  void BeginLeading();
  void EndLeading();
  // Whether calls may be made. Call with mu_.
  bool CallsBegan() const { return unsynced_ == 0 && !standby_; }
  void NoteTrouble(Kind kind, const Status& status) const;
  void RunWorker();
  void RunEvery(Duration period, const std::function<void()>& fn);
  // Back in the queue or out of it. Call with mu_.
  void Finish(const ObjectKey& key, const WorkResult& result);
  void Log(std::string_view line) const;

  const ControllerRunnerOptions options_;
  Transport* const transport_;
  const Clock* const clock_;
  CancelToken reads_;  // of the informers
  CancelToken calls_;
  std::optional<int> listener_;  // with the leader
  Call call_;
  // What the threads do; each ends with reads_ or with stopping_.
  std::vector<std::function<void()>> bodies_;
  std::vector<std::thread> threads_;
  struct AnyInformer {
    std::shared_ptr<void> informer;
    std::function<std::vector<ObjectKey>()> keys;  // of all of its objects
  };
  std::vector<AnyInformer> informers_;

  mutable std::mutex mu_;
  std::condition_variable wake_;      // something to do, or stopping_
  std::condition_variable finished_;  // a call ended while stopping_
  WorkQueue<ObjectKey> queue_;        // guarded by mu_, as is all that follows
  int unsynced_ = 0;                  // informers without a complete list
  bool standby_ = false;              // does not lead
  int busy_ = 0;                      // calls under way
  bool stopping_ = false;
  bool stopped_in_time_ = true;
};

template <typename T, typename Fn>
SharedInformer<T>* ControllerRunner::Watch(WatcherOptions options, Fn keys_of) {
  typename SharedInformer<T>::KeysOf all_keys;
  if constexpr (std::is_invocable_v<Fn, const T&>) {
    all_keys = [keys_of](const T& object, std::vector<ObjectKey>* keys) { keys->push_back(keys_of(object)); };
  } else {
    all_keys = std::move(keys_of);
  }
  const std::uint64_t seed = Random(options_.seed).Fork(informers_.size() + 1).Next();
  auto informer = std::make_shared<SharedInformer<T>>(std::move(options), all_keys, seed);
  informer->OnChanges([this, all_keys](const std::vector<Change<T>>& changes) {
    std::vector<ObjectKey> keys;
    for (const Change<T>& change : changes) {
      if (change.before != nullptr) all_keys(*change.before, &keys);
      if (change.after != nullptr) all_keys(*change.after, &keys);
    }
    AddAll(keys);
  });
  informer->OnSynced([this] { NoteSynced(); });
  informer->OnTrouble([this](const Status& status) { NoteTrouble(T::kKind, status); });
  SharedInformer<T>* const raw = informer.get();
  bodies_.emplace_back([this, raw] { raw->Run(transport_, clock_, &reads_); });
  informers_.push_back({std::move(informer), [raw, all_keys] {
                          std::vector<ObjectKey> keys;
                          for (const auto& object : raw->List()) all_keys(*object, &keys);
                          return keys;
                        }});
  ++unsynced_;
  return raw;
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_CONTROLLER_RUNNER_H_

// InformerFeed: one Watcher with an API server at some distance.
//
// What LiveRunner's informer thread is to a connection, this is to virtual
// time: it does what the Watcher asks for, and hands it the answers and events
// after a latency. Events of one watch keep their order. The server ends a
// watch when its time is over, after a bookmark, as a kube-apiserver does.
// Not thread-safe.
#ifndef EPSLICE_SIM_ENGINE_INFORMER_FEED_H_
#define EPSLICE_SIM_ENGINE_INFORMER_FEED_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "informers/random.h"
#include "informers/watcher.h"
#include "sim/cluster/faults.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/engine/latency.h"
#include "sim/engine/scheduler.h"

namespace epslice::sim {

class InformerFeed {
 public:
  // Who is told of what comes.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Apply(Kind kind, const WatchUpdate& update, const std::string& resource_version) = 0;
    // All that is due at this instant was applied.
    virtual void AfterDelivery() = 0;
  };
  struct Links {
    Owner* owner = nullptr;
    Scheduler* scheduler = nullptr;
    MemoryApiServer* server = nullptr;
    // Read for each event: it may change.
    const Latency* latency = nullptr;
    Faults* faults = nullptr;  // null: nothing goes wrong
  };
  // `random` makes the latencies and seeds the watcher. What is linked must
  // outlive the feed, and the feed the events it scheduled.
  InformerFeed(Kind kind, const WatcherOptions& options, Random random, const Links& links);
  InformerFeed(const InformerFeed&) = delete;
  InformerFeed& operator=(const InformerFeed&) = delete;

  void Start() { Continue(); }
  // Ends for good; nothing more comes.
  void Stop();
  // The connection breaks; what was under way is lost.
  void Break(const Status& status);

  const Watcher& watcher() const { return watcher_; }
  // Watching, and all that happened has arrived.
  bool idle() const { return state_ == State::kWatching && watcher_.synced() && pending_.empty(); }

 private:
  enum class State : std::uint8_t { kIdle, kWaiting, kListing, kWatching };
  // On its way. An ending is that of the watch: clean, or with a status.
  struct Message {
    explicit Message(WatchEventType event_type) : type(event_type) {}
    Instant due{0};
    WatchEventType type;
    bool initial_end = false;
    bool ending = false;
    AnyObject object;
    std::string version;             // of a bookmark
    std::shared_ptr<Status> status;  // of an ERROR event, of an ending
  };

  // Does what the watcher asks for, until it is waiting for something.
  void Continue();
  void List(const Request& request);
  void Watch(const Request& request);
  void OnTimeout();
  void OnWatchEvent(const WatchEvent& event);
  // The message is posted, or what a fault makes of it.
  void PostWithFaults(Message message);
  void PostEnding(const Status& status);
  void Post(Message message, Duration delay = Duration{0});
  void ScheduleDelivery();
  void Deliver();
  void Hand(const Message& message);
  void Apply(const WatchUpdate& update);

  const Kind kind_;
  const Links links_;
  Random random_;
  Watcher watcher_;
  State state_ = State::kIdle;
  bool stopped_ = false;
  // Of the list or watch that runs: what belongs to an earlier one is void.
  std::uint64_t epoch_ = 0;
  std::unique_ptr<MemoryApiServer::WatchHandle> handle_;
  std::deque<Message> pending_;
  bool delivery_scheduled_ = false;
  // Faults only. Nothing comes any more on a connection that looks well.
  bool silent_ = false;
  // What was delivered last, to come again.
  std::deque<Message> delivered_;
  WatchUpdate update_;  // kept for its memory
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_INFORMER_FEED_H_

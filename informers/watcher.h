// Watcher: the list-and-watch protocol of one kind, as named states.
//
//   empty --list pages--> listed --watch--> watching --(clean end)--> listed
//     ^                      |                  |
//     +------ 410 Expired ---+------------------+      errors: wait, then retry
//
// Passive: it never sends, waits or reads a clock. The driver asks Next(now)
// what to do, does it, and hands the outcome back; what the objects became is
// appended to a batch of changes. One call is outstanding at a time.
// Rules: REFERENCE list/watch protocol of client-go's Reflector (KEP-365
// paging, KEP-956 bookmarks).
// Not thread-safe.
#ifndef EPSLICE_INFORMERS_WATCHER_H_
#define EPSLICE_INFORMERS_WATCHER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apis/request.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice {

struct WatcherOptions {
  std::int64_t page_size = 500;
  std::int64_t min_watch_seconds = 300;  // timeoutSeconds is random in min..2*min
  Duration backoff_base = std::chrono::milliseconds(800);
  Duration backoff_max = std::chrono::seconds(30);
  Duration backoff_reset = std::chrono::minutes(2);  // of health
  std::string namespace_;                            // empty: all
  std::string label_selector;
  std::string field_selector;
};

// What the watcher learned. A replace is a complete list; it comes alone.
struct WatchUpdate {
  bool replace = false;
  std::vector<AnyObject> applied;  // added or modified (all objects, for a replace)
  std::vector<AnyObject> deleted;  // last known state
};

class Watcher {
 public:
  enum class State { kEmpty, kListing, kListed, kWatching };

  // `seed` makes the jitter of waits and the length of watches.
  Watcher(Kind kind, WatcherOptions options, std::uint64_t seed);

  struct Action {
    enum class Kind { kList, kWatch, kWait };
    Kind kind = Kind::kWait;
    Request request;   // list, watch
    Instant until{0};  // wait
  };
  Action Next(Instant now);

  // The answer to a kList action.
  void OnList(const Response& response, Instant now, WatchUpdate* update);
  // An event of the running watch. False: stop reading the stream and call
  // OnWatchEnd() (an ERROR event, or one that makes no sense).
  bool OnEvent(const WatchEvent& event, Instant now, WatchUpdate* update);
  // The running watch ended: ok for a clean end, else why.
  void OnWatchEnd(const Status& status, Instant now);

  State state() const { return state_; }
  // True once the first list is complete; stays true.
  bool synced() const { return synced_; }
  // The version the watcher has seen everything up to; "" before the first list.
  const std::string& resource_version() const { return resource_version_; }
  // Why it last waited, for logs; empty when all is well.
  const std::string& last_error() const { return last_error_; }
  std::int64_t relists() const { return relists_; }
  std::int64_t watch_restarts() const { return watch_restarts_; }

 private:
  void Fail(const Status& status, Instant now);
  void Relist();

  const Kind kind_;
  const WatcherOptions options_;
  Random random_;
  State state_ = State::kEmpty;
  bool synced_ = false;
  std::string resource_version_;
  std::string continue_;
  // A list that found its continue token expired starts over without paging.
  bool full_list_ = false;
  // A list with resourceVersion=0 may be older than what was seen: after 410
  // ask for the most recent.
  bool most_recent_ = false;
  std::vector<AnyObject> pages_;
  Instant wait_until_{0};
  std::int64_t failures_ = 0;
  Instant last_failure_{0};
  bool got_event_ = false;
  std::string last_error_;
  std::int64_t relists_ = 0;
  std::int64_t watch_restarts_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_WATCHER_H_

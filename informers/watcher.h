// Watcher: the list-and-watch protocol of one kind, as named states.
//
//   empty --list--> listing --last page--> listed --watch--> watching --+
//     ^                |                     ^                  |       |
//     +-- failed page -+                     +-- clean end -----+       |
//     +-- 410 Expired, an ERROR event, a refusal -----------------------+
//
//   empty --watch--> streaming --bookmark that ends the list--> watching
//     ^                  |
//     +-- anything else -+
//
// With stream_lists the list comes as the beginning of the watch (KEP-3157):
// no page of it has to be held by the server, and no second request is needed.
// It is handed out whole when it is complete. A server that refuses this, or
// sends bookmarks before it says where the list ends, is asked for pages from
// then on; so is, until the next list whether it fails or not, one that failed
// otherwise, or twice in the middle of a stream.
//
// Errors wait (0.8 s, doubling to 30 s, each stretched by up to its own length
// at random) and try again; after two minutes without one the waits start
// anew. A watch that is cut off resumes where it was; what the server refuses
// is listed again.
//
// Passive: it never sends, waits or reads a clock. The driver asks Next(now)
// what to do, does it, and hands the outcome back; what the objects became is
// appended to a batch of changes. One call is outstanding at a time.
// Rules: REFERENCE list/watch protocol of client-go's Reflector (KEP-365
// paging, KEP-956 bookmarks, KEP-3157 streaming lists).
// Not thread-safe.
#ifndef EPSLICE_INFORMERS_WATCHER_H_
#define EPSLICE_INFORMERS_WATCHER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apis/meta.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice {

struct WatcherOptions {
  std::int64_t page_size = 500;
  bool stream_lists = false;
  std::int64_t min_watch_seconds = 300;  // timeoutSeconds is random in min..2*min
  Duration backoff_base = std::chrono::milliseconds(800);
  Duration backoff_max = std::chrono::seconds(30);
  Duration backoff_reset = std::chrono::minutes(2);  // of health
  // A watch shorter than this that brought nothing new counts as a failure.
  Duration min_watch = std::chrono::seconds(1);
  // The longest wait that a server may ask for (Retry-After).
  Duration max_retry_after = std::chrono::minutes(5);
  std::size_t max_objects = 5'000'000;  // of one list
  std::string namespace_;               // empty: all
  std::string label_selector;
  std::string field_selector;
};

// What the watcher learned, from one event or from several collected in one.
// To be applied with the deletes first: when several events are collected, an
// object deleted after it was applied is no longer in `applied`.
// A replace is a complete list; it comes alone. A driver that collects events
// applies it before it hands in the next one.
struct WatchUpdate {
  bool replace = false;
  std::vector<AnyObject> applied;  // added or modified (all objects, for a replace)
  std::vector<AnyObject> deleted;  // last known state
  bool empty() const { return !replace && applied.empty() && deleted.empty(); }
};

class Watcher {
 public:
  enum class State { kEmpty, kListing, kListed, kStreaming, kWatching };

  // `seed` makes the jitter of waits and the length of watches.
  Watcher(Kind kind, WatcherOptions options, std::uint64_t seed);

  struct Action {
    enum class Kind { kList, kWatch, kWait };
    Kind kind = Kind::kWait;
    Request request;   // list, watch
    Instant until{0};  // wait
  };
  Action Next(Instant now);

  // The answer to a kList action. `update` is left alone until the last page.
  void OnList(const Response& response, Instant now, WatchUpdate* update);
  // An event of the running watch. False: stop reading the stream and call
  // OnWatchEnd() (an ERROR event, or one that makes no sense).
  bool OnEvent(const WatchEvent& event, Instant now, WatchUpdate* update);
  // The running watch ended: ok for a clean end, else why.
  void OnWatchEnd(const Status& status, Instant now);

  State state() const { return state_; }
  // Lists are asked for as streams, as far as is known now.
  bool streams_lists() const {
    return options_.stream_lists && !streams_refused_ && failed_streams_ < kMostFailedStreams;
  }
  // The server knows no lists as streams: it is asked for pages for good.
  bool streams_refused() const { return streams_refused_; }
  // True once the first list is complete; stays true.
  bool synced() const { return synced_; }
  // The version the watcher has seen everything up to; "" before the first list.
  const std::string& resource_version() const { return resource_version_; }
  // Why it last waited, for logs; empty when all is well.
  const std::string& last_error() const { return last_error_; }
  // Complete lists after the first one, and watches that ended.
  std::int64_t relists() const { return relists_; }
  std::int64_t watch_restarts() const { return watch_restarts_; }

 private:
  static constexpr int kMostFailedStreams = 2;

  Request ListRequest() const;
  Request WatchRequest();
  // Turns a watch into one that begins with the list.
  void AskForList(ListOptions* list) const;
  // An event of the list that a stream begins with.
  bool OnStreamed(const WatchEvent& event, WatchUpdate* update);
  void OnStreamEnd(const Status& status, bool in_stream, Instant now);
  // The list is complete as of `version`; it is in pages_.
  void FinishList(std::string version, WatchUpdate* update);
  void FailList(const Status& status, Instant now);
  // Waits before the next try, from the state that is set.
  void Fail(const Status& status, Instant now);
  // Starts from the most recent list: at once, or after a wait when it happens
  // again without two minutes of health between.
  void Relist(const Status& status, Instant now);
  // Remembers what is wrong with the stream; false, for OnEvent() to return.
  bool Reject(Status status);

  const Kind kind_;
  const WatcherOptions options_;
  Random random_;
  State state_ = State::kEmpty;
  bool synced_ = false;
  std::string resource_version_;
  std::string continue_;
  // A list that found its continue token expired starts over without paging.
  bool full_list_ = false;
  // Streams begin at the version seen last or later. After 410, or where the server
  // does not have it, with the most recent.
  bool most_recent_ = false;
  // Of pages, or what a stream brought so far.
  std::vector<AnyObject> pages_;
  bool streams_refused_ = false;
  int failed_streams_ = 0;  // since the last list in pages, or complete one
  // Of the first page: later pages may be newer, never older.
  std::string list_version_;
  Instant wait_until_{0};
  std::int64_t failures_ = 0;
  std::optional<Instant> last_relist_;
  Instant watch_started_{0};
  // The running watch moved resource_version_.
  bool advanced_ = false;
  // An ERROR event, or what made no sense, in the running watch.
  std::optional<Status> stream_error_;
  std::string last_error_;
  std::int64_t relists_ = 0;
  std::int64_t watch_restarts_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_WATCHER_H_

// One watch on its way to an HTTP client: from the server's callback, through
// a bounded queue, to frames: lines of JSON, or protobuf after its length.
//
// The callback (under the server's lock) only queues the event; the thread
// that writes to the client encodes. A client that reads slower than things
// happen loses its watch (an ERROR event, 410 Expired: list again) rather than
// eating the memory. The objects that a watch begins with are not counted:
// they are there at once and shared with the store.
#ifndef EPSLICE_SIM_SERVE_WATCH_STREAM_H_
#define EPSLICE_SIM_SERVE_WATCH_STREAM_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "apis/request.h"
#include "informers/clock.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/routes.h"

namespace epslice::sim {

// A watch to be started: what for, and how its events are to be written.
struct WatchPlan {
  Request request;
  // Instead of `request`: of a kind that is kept as documents. In JSON or as
  // Tables.
  std::optional<DocumentRequest> document = std::nullopt;
  bool table = false;
  bool protobuf = false;
  bool events_v1 = false;
  IncludeObject include_object = IncludeObject::kMetadata;
};

struct WatchLimits {
  std::size_t max_events = 10'000;                   // waiting to be written
  std::size_t max_bytes = std::size_t{64} << 20;     // about
  Duration default_timeout = std::chrono::hours(1);  // where the client names none
};

// Thread-safety: Next() from one thread; Stop() from any.
class WatchStream {
 public:
  // Starts the watch. Null where it cannot start, with the reason in `status`.
  // All must outlive the stream; `documents` may be null where the plan is for none.
  static std::shared_ptr<WatchStream> Start(MemoryApiServer* server, DocumentStore* documents, const Clock* clock,
                                            WatchPlan plan, const WatchLimits& limits, Status* status);
  ~WatchStream();
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  enum class Result {
    kFrames,  // `out` has whole frames
    kIdle,    // nothing happened in the time given
    kEnd,     // the watch is over (frames before it were given out)
  };
  // Appends what is there to `out` (about a mebibyte at most), waiting for it
  // up to `max_wait`.
  Result Next(Duration max_wait, std::string* out);

  // Ends the watch: Next() returns kEnd from now on.
  void Stop();

 private:
  WatchStream(const Clock* clock, WatchPlan plan, const WatchLimits& limits);

  using Event = std::variant<WatchEvent, DocumentEvent>;
  void OnEvent(Event event);
  void AppendFrame(const WatchEvent& event, std::string* out);
  void AppendFrame(const DocumentEvent& event, std::string* out);

  const Clock* const clock_;
  const WatchPlan plan_;
  const WatchLimits limits_;
  Instant deadline_{0};
  bool first_frame_ = true;  // used by Next() only

  std::mutex mu_;
  std::condition_variable wake_;
  // Below: guarded by mu_.
  std::deque<Event> queue_;
  std::size_t bytes_ = 0;
  std::size_t free_events_ = 0;  // of the queue, not counted
  bool starting_ = true;
  bool overflowed_ = false;
  bool stopped_ = false;

  // Last, so that no callback runs into members that are gone.
  std::unique_ptr<MemoryApiServer::WatchHandle> handle_;
  std::unique_ptr<DocumentStore::WatchHandle> document_handle_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_WATCH_STREAM_H_

// EventSender: drives an EventRecorder with a thread, so that nobody waits for
// Events to be posted.
#ifndef EPSLICE_INFORMERS_EVENT_SENDER_H_
#define EPSLICE_INFORMERS_EVENT_SENDER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "apis/request.h"
#include "informers/clock.h"
#include "informers/event_recorder.h"
#include "informers/transport.h"

namespace epslice {

// Start(), Finish() and Stop() from one thread, the rest from any.
class EventSender {
 public:
  // Told of a request that failed, with what it was answered; from the thread that
  // sends, null: nobody is.
  using OnFailure = std::function<void(const Request& request, const Status& status)>;

  // Both must outlive the sender. `may_send`: asked before each request, null:
  // always; what may not be sent waits.
  EventSender(EventRecorderOptions options, std::function<bool()> may_send, Transport* transport, const Clock* clock,
              OnFailure on_failure = nullptr);
  // Stops.
  ~EventSender();
  EventSender(const EventSender&) = delete;
  EventSender& operator=(const EventSender&) = delete;

  // Sends from a thread of its own.
  void Start();
  // Instead of Start(): sends from the calling thread, until Finish() or Stop().
  void Run();
  // Sends what is queued, each Event once, and waits for that no longer than `grace`;
  // then Stop(). What may not be sent is dropped.
  void Finish(Duration grace);
  // Cancels what is under way; what is queued is dropped. Again: does nothing.
  void Stop();

  // Queues, and returns at once.
  void Record(EventRecorder::Note note);

 private:
  const std::function<bool()> may_send_;
  Transport& transport_;
  const Clock& clock_;
  const OnFailure on_failure_;
  CancelToken calls_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::condition_variable ended_cv_;
  EventRecorder recorder_;  // guarded by mu_, as is all that follows
  bool finishing_ = false;
  bool stopping_ = false;
  bool ended_ = false;  // Run() has returned
  std::thread thread_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_EVENT_SENDER_H_

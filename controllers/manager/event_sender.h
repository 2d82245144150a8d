// EventSender: drives an EventRecorder with a thread of its own, so that nobody
// waits for Events to be posted.
#ifndef EPSLICE_CONTROLLERS_MANAGER_EVENT_SENDER_H_
#define EPSLICE_CONTROLLERS_MANAGER_EVENT_SENDER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "controllers/manager/log.h"
#include "informers/clock.h"
#include "informers/event_recorder.h"
#include "informers/transport.h"

namespace epslice {

// Start() and Stop() from one thread, the rest from any.
class EventSender {
 public:
  // All must outlive the sender. `may_send`: asked before each request, null:
  // always; what may not be sent waits.
  EventSender(EventRecorderOptions options, std::function<bool()> may_send, Transport* transport, const Clock* clock,
              Logger* log);
  // Stops.
  ~EventSender();
  EventSender(const EventSender&) = delete;
  EventSender& operator=(const EventSender&) = delete;

  void Start();
  // Cancels what is under way; what is queued is dropped.
  void Stop();

  // Queues, and returns at once.
  void Record(EventRecorder::Note note);

 private:
  void Run();

  const std::function<bool()> may_send_;
  Transport& transport_;
  const Clock& clock_;
  Logger& log_;
  CancelToken calls_;
  std::mutex mu_;
  std::condition_variable wake_;
  EventRecorder recorder_;  // guarded by mu_
  bool stopping_ = false;   // guarded by mu_
  std::thread thread_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_EVENT_SENDER_H_

// LogWriter: lines on their way to standard error, for threads that must not wait
// for it.
//
// Whoever reads the log of a container may stop reading (a disk that stalls); then
// the pipe is full, and a plain write(2) would hold up who logs for as long: a sync,
// the leader's renewals, a shutdown. So a line is written by its caller only where
// that cannot block: to a pipe or socket that takes it at once, which is the rule,
// and then it is out before Write() returns. All else (a full pipe, a file, a
// terminal) is for a thread of the writer's own, by way of a queue with a bound.
// What does not fit in is lost, counted, and told in one line when there is room
// again.
//
// Of several processes that share one full pipe, one may still hold up the caller
// that found room first; others queue behind it.
//
// Thread-safety: any thread. Lines stay whole and in the order of the calls.
#ifndef EPSLICE_CONTROLLERS_MANAGER_LOG_WRITER_H_
#define EPSLICE_CONTROLLERS_MANAGER_LOG_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "controllers/manager/log.h"
#include "informers/clock.h"

namespace epslice {

struct LogWriterOptions {
  int fd = 2;  // to stay open as long as the process
  // How much may wait: some ten thousand lines.
  std::size_t queue_bytes = std::size_t{4} << 20;
  // How long the destructor waits for what is queued.
  Duration farewell = std::chrono::seconds(1);
  // The line, with its end, that says how many were lost. Must not log. Not called
  // once the destructor has begun to give up.
  std::function<std::string(std::int64_t lost)> lost_line;
};

class LogWriter {
 public:
  explicit LogWriter(LogWriterOptions options);
  // Writes what is queued, for `farewell` at most. What cannot be written by then is
  // left to a thread that lives on, and touches nothing but the descriptor.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // One line, with its end.
  void Write(std::string_view line);
  // Waits until nothing is queued, `bound` at most; whether that is so.
  bool Flush(Duration bound);
  // How many lines were lost so far, for want of room or because a write failed.
  std::int64_t lost() const;

 private:
  struct State;
  const Duration farewell_;
  const std::shared_ptr<State> state_;
  std::thread thread_;
};

// For LogWriterOptions::lost_line: a warning as a Logger of these options writes it.
// `clock` must outlive the writer.
std::function<std::string(std::int64_t)> LostLine(const LoggerOptions& options, const Clock* clock);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_LOG_WRITER_H_

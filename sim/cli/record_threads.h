// RecordThreads: a watcher of each kind in a thread of its own, for a
// TraceRecorder.
#ifndef EPSLICE_SIM_CLI_RECORD_THREADS_H_
#define EPSLICE_SIM_CLI_RECORD_THREADS_H_

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "informers/clock.h"
#include "informers/transport.h"
#include "sim/trace/trace_recorder.h"

namespace epslice::sim {

// All methods for one thread.
class RecordThreads {
 public:
  // None is owned. The threads inherit the signal mask.
  RecordThreads(Transport* transport, const Clock* clock, TraceRecorder* recorder);
  // Ends calls that are under way, and waits for the threads.
  ~RecordThreads();
  RecordThreads(const RecordThreads&) = delete;
  RecordThreads& operator=(const RecordThreads&) = delete;

  // What went wrong since the last call, a line each. What keeps failing, or
  // fails for several kinds alike, is told once.
  std::vector<std::string> TakeTroubles();

 private:
  class KindHandler;
  void Run(Kind kind);
  // Remembers what the watcher waits for now, if for anything.
  void Note(Kind kind, const std::string& error);

  Transport& transport_;
  const Clock& clock_;
  TraceRecorder& recorder_;
  CancelToken cancel_;
  std::mutex mu_;
  std::map<Kind, std::string> failing_;
  std::vector<std::string> troubles_;
  std::vector<std::thread> threads_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_RECORD_THREADS_H_

// Programs run beside a measurement, and what the kernel says of them.
#ifndef EPSLICE_TEST_BENCH_LIVE_PROCESS_H_
#define EPSLICE_TEST_BENCH_LIVE_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "informers/clock.h"

namespace epslice::bench {

// Waits; `until` is asked every so often and ends the wait. False: it did not
// become true in `most`.
bool Await(const Clock& clock, Duration most, const std::function<bool()>& until,
           Duration every = std::chrono::milliseconds(10));
void Pause(const Clock& clock, Duration how_long);

// A folder of its own, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A child process; killed at the end if it still runs.
class Process {
 public:
  // args[0] is the program. Both its outputs go to the file `log`.
  Process(std::vector<std::string> args, std::string log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool Running();
  void Signal(int signal) const;
  // Waits for its end: the exit code, or 1000 + the signal.
  int Wait();
  // What it wrote so far.
  std::string Output() const;
  const std::string& log() const { return log_; }

  // CPU time of all its threads until now, those that ended included.
  Duration Cpu() const;
  struct Sample {
    double rss_mb = 0;       // resident now
    double peak_rss_mb = 0;  // VmHWM
    int threads = 0;
    int descriptors = 0;
  };
  // MB are 2^20 bytes.
  Sample Look() const;
  // From here on peak_rss_mb starts anew. False where the kernel will not.
  bool ResetPeak() const;

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  std::string log_;
};

// A port of 127.0.0.1 that nobody listens on now.
int FreePort();

}  // namespace epslice::bench

#endif  // EPSLICE_TEST_BENCH_LIVE_PROCESS_H_

// The signals that end a command which runs until it is told to stop.
#ifndef EPSLICE_SIM_CLI_END_SIGNALS_H_
#define EPSLICE_SIM_CLI_END_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include "informers/clock.h"

namespace epslice::sim {

// Blocks SIGINT and SIGTERM, in this thread and those it starts, so that they
// can be waited for; puts the old mask back.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, &old_);
  }
  ~EndSignals() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  void Wait() {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
  }
  // True where one came; false once `time` (less than a second) has passed, or
  // before.
  bool WaitFor(Duration time) {
    timespec most = {};
    most.tv_nsec = static_cast<long>(time.count());
    return sigtimedwait(&set_, nullptr, &most) > 0;
  }

 private:
  sigset_t set_{};
  sigset_t old_{};
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_END_SIGNALS_H_

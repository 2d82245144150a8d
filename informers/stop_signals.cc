#include "informers/stop_signals.h"

#include <unistd.h>
#include <csignal>

namespace epslice {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// A handler, not the default action: the first process of a container has no
// default actions.
extern "C" void ExitAtOnce(int signal) { _exit(128 + signal); }

}  // namespace

void PrepareStopSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int WaitForStopSignal() {
  const sigset_t set = StopSignals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  struct sigaction action = {};
  action.sa_handler = ExitAtOnce;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

void RequestStop() { kill(getpid(), SIGTERM); }

}  // namespace epslice

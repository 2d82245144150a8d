#include "informers/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace epslice {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

struct StopState {
  std::mutex mu;
  std::condition_variable changed;
  int signal = 0;  // the first; guarded by mu
  CancelToken token;
};

// Never destroyed: its thread goes on until the process ends.
StopState& State() {
  static StopState* const state = new StopState;
  return *state;
}

// False where one came before.
bool BeginStop(int signal) {
  StopState& state = State();
  {
    std::lock_guard<std::mutex> lock(state.mu);
    if (state.signal != 0) return false;
    state.signal = signal;
    state.changed.notify_all();
  }
  state.token.Cancel();
  return true;
}

// Both are blocked for good, and waited for here: that needs neither a handler nor
// a default action, which the first process of a container does not have.
[[noreturn]] void TakeSignals() {
  const sigset_t set = StopSignals();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) == 0 && !BeginStop(signal)) _exit(128 + signal);
  }
}

}  // namespace

void PrepareStopSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  State();
  std::thread(TakeSignals).detach();
}

int WaitForStopSignal() {
  StopState& state = State();
  std::unique_lock<std::mutex> lock(state.mu);
  state.changed.wait(lock, [&state] { return state.signal != 0; });
  return state.signal;
}

CancelToken* StopToken() { return &State().token; }

void RequestStop() { BeginStop(SIGTERM); }

}  // namespace epslice

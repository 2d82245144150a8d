// Stop signals of a program with threads.
//
// Signals are waited for by one thread rather than handled wherever they hit,
// so nothing in the program has to be safe inside a signal handler.
#ifndef EPSLICE_INFORMERS_STOP_SIGNALS_H_
#define EPSLICE_INFORMERS_STOP_SIGNALS_H_

namespace epslice {

// SIGTERM and SIGINT wait for WaitForStopSignal(); SIGPIPE is ignored. Call it
// before the first thread is started: threads inherit it.
void PrepareStopSignals();

// Blocks until SIGTERM or SIGINT comes and returns it. From then on the next
// one ends the process at once, with exit code 128 + its number.
int WaitForStopSignal();

// As if SIGTERM had come: for what ends the program from within, such as a lost
// Lease. From any thread.
void RequestStop();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_STOP_SIGNALS_H_

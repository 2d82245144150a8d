// Stop signals of a program with threads.
//
// Signals are waited for by one thread rather than handled wherever they hit,
// so nothing in the program has to be safe inside a signal handler.
#ifndef EPSLICE_INFORMERS_STOP_SIGNALS_H_
#define EPSLICE_INFORMERS_STOP_SIGNALS_H_

#include "informers/transport.h"

namespace epslice {

// From now on a thread waits for SIGTERM and SIGINT: the first is told by
// WaitForStopSignal() and StopToken(), the next one ends the process at once, with
// exit code 128 + its number, whatever the program is at. SIGPIPE is ignored. Call
// it once, before the first thread is started: threads inherit it.
void PrepareStopSignals();

// Blocks until SIGTERM or SIGINT came, or RequestStop(), and returns it (SIGTERM).
int WaitForStopSignal();

// Cancelled by the same: for calls that are made before the program waits. Register
// callbacks that are short: they run in the thread that waits for signals. It is
// there as long as the process.
CancelToken* StopToken();

// As if a first SIGTERM had come; nothing where one has: for what ends the program
// from within, such as a lost Lease. From any thread. After PrepareStopSignals().
void RequestStop();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_STOP_SIGNALS_H_

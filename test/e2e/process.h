// Programs run beside the suite, ours and Kubernetes', and what it takes to
// start them: ports, files, patience.
#ifndef EPSLICE_TEST_E2E_PROCESS_H_
#define EPSLICE_TEST_E2E_PROCESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "test/controllers/manager/child.h"

namespace epslice::e2e {

// How long anything may take before a test fails; far longer than it takes.
inline constexpr Duration kPatience = std::chrono::seconds(90);

// The first of `args` is the program's path. It ends with the suite. Call from
// the main thread: it would end with another one.
std::unique_ptr<Child> Launch(std::vector<std::string> args);
// SIGTERM, and SIGKILL where that has not ended it in time; the exit code, or
// 1000 + the signal. Null: 0.
int EndChild(std::unique_ptr<Child>* child, Duration patience);
bool Says(const Child& child, const std::string& part);
std::string LastLines(const std::string& text, int lines);

// Asks again and again, a few times a second, until `condition` or the time is
// over: for what tells nobody when it is ready.
bool Poll(Duration most, const std::function<bool()>& condition);

// A port of loopback that was free just now.
int FreePort();

std::string ReadWholeFile(const std::string& path);
// Only its owner can read it.
void WritePrivateFile(const std::string& path, const std::string& text);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_PROCESS_H_

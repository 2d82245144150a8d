// How many rounds a long test plays: all of them in a plain build, fewer under
// the sanitizers, which take ten times as long for the same lines of code.
#ifndef EPSLICE_TEST_SANITIZED_H_
#define EPSLICE_TEST_SANITIZED_H_

namespace epslice::testkit {

// EPSLICE_SANITIZED comes from CMake, since each compiler has its own way to
// tell that it instruments.
template <typename T>
constexpr T Rounds([[maybe_unused]] T all, [[maybe_unused]] T under_sanitizers) {
#ifdef EPSLICE_SANITIZED
  return under_sanitizers;
#else
  return all;
#endif
}

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_SANITIZED_H_

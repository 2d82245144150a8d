// What the fuzz targets say when a property does not hold.
#ifndef EPSLICE_TEST_FUZZ_CHECK_H_
#define EPSLICE_TEST_FUZZ_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace epslice::fuzz {

inline std::string_view Input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the program, which libFuzzer reports with the input at hand.
inline void Check(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", property);
  std::abort();
}

}  // namespace epslice::fuzz

#endif  // EPSLICE_TEST_FUZZ_CHECK_H_

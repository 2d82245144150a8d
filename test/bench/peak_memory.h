// The most memory that this process has had at one time.
#ifndef EPSLICE_TEST_BENCH_PEAK_MEMORY_H_
#define EPSLICE_TEST_BENCH_PEAK_MEMORY_H_

#include <cstdint>
#include <fstream>
#include <string>

namespace epslice {

// Resident bytes, since ResetPeak(); 0 where the system does not tell.
inline std::int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}
inline void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace epslice

#endif  // EPSLICE_TEST_BENCH_PEAK_MEMORY_H_

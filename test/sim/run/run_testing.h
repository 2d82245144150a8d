// Whole runs that have to go well, and counts that have to be close.
#ifndef EPSLICE_TEST_SIM_RUN_RUN_TESTING_H_
#define EPSLICE_TEST_SIM_RUN_RUN_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "sim/run/run.h"

namespace epslice::sim {

inline RunOutput Ran(const RunSpec& spec) {
  absl::StatusOr<RunOutput> output = RunOnce(spec, nullptr);
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? *std::move(output) : RunOutput();
}

inline bool Within(double share, std::int64_t recorded, std::int64_t simulated) {
  return std::abs(static_cast<double>(simulated - recorded)) <= share * static_cast<double>(recorded);
}

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_RUN_RUN_TESTING_H_

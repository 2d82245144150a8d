// Runs endpointslice-sim in process, and compares what it says with golden
// files. `EPSLICE_REWRITE_GOLDEN=1 bin/sim_test --gtest_filter='*Golden*'`
// writes the golden files anew; look at the difference before committing it.
#ifndef EPSLICE_TEST_SIM_CLI_CLI_TESTING_H_
#define EPSLICE_TEST_SIM_CLI_CLI_TESTING_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/cli/command.h"

namespace epslice::sim {

struct CliResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

inline CliResult RunCliTest(const std::vector<std::string>& args, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  CliResult result;
  result.exit_code = RunCli(args, Streams{in, out, err});
  result.out = out.str();
  result.err = err.str();
  return result;
}

inline std::string SourcePath(const std::string& path) { return std::string(EPSLICE_SOURCE_DIR) + "/" + path; }

inline std::string ReadFileForTest(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// `name` is a file in test/golden.
inline void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = SourcePath("test/golden/" + name);
  if (std::getenv("EPSLICE_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  EXPECT_EQ(ReadFileForTest(path), text) << "golden file " << name << "; to accept: EPSLICE_REWRITE_GOLDEN=1";
}

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_CLI_CLI_TESTING_H_

// Flags of run and compare that cannot be: one line, exit 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

using testing::IsEmpty;

TEST(RunFlagsTest, BadOnesAreOneClearLine) {
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } cases[] = {
      {{"run", "--scenario", "hand-computed", "--seed", "-1"},
       "run: --seed: \"-1\" is no seed (0 to 18446744073709551615)"},
      {{"run", "--scenario", "hand-computed", "--seed", "18446744073709551616"},
       "run: --seed: \"18446744073709551616\" is no seed (0 to 18446744073709551615)"},
      {{"compare", "--scenario", "hand-computed", "--seed", "x"},
       "compare: --seed: \"x\" is no seed (0 to 18446744073709551615)"},
      {{"run", "--scenario", "hand-computed", "--duration", "soon"},
       "run: --duration: \"soon\" is no duration (90s, 1h30m)"},
      {{"run", "-f", "none", "--against-recording", "--duration", "1s"},
       "--against-recording takes no --duration: it compares up to the end of the trace"},
      {{"compare", "a.json", "b.json", "--seed", "2"}, "compare: two reports, or what to run, not both"},
      {{"compare", "a.json", "b.json", "--duration", "2s"}, "compare: two reports, or what to run, not both"},
  };
  for (const auto& c : cases) {
    const CliResult result = RunCliTest(c.arguments);
    EXPECT_EQ(result.exit_code, kExitBadInput) << c.message;
    EXPECT_THAT(result.out, IsEmpty()) << c.message;
    EXPECT_EQ(result.err, "endpointslice-sim: " + c.message + "\n");
  }
}

TEST(RunFlagsTest, TheHighestSeed) {
  const CliResult result =
      RunCliTest({"run", "--scenario", "hand-computed", "--seed", "18446744073709551615", "-o", "yaml"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_NE(result.out.find("seed: 18446744073709551615"), std::string::npos);
}

}  // namespace
}  // namespace epslice::sim

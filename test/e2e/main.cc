// e2e_test: the real programs against a real API server, or what stands for
// one; test_server.h says which. `./dev e2e [FILTER]`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "test/e2e/suite.h"

int main(int argc, char** argv) {
  // Connections end while they are written to.
  std::signal(SIGPIPE, SIG_IGN);
  testing::InitGoogleMock(&argc, argv);
  testing::AddGlobalTestEnvironment(&epslice::e2e::Suite::Get());
  return RUN_ALL_TESTS();
}

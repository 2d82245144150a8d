// endpointslice-sim: see sim/cli/command.h and --help.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "sim/cli/command.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const epslice::sim::Streams streams{std::cin, std::cout, std::cerr};
  try {
    return epslice::sim::RunCli(std::vector<std::string>(argv + 1, argv + argc), streams);
  } catch (const std::exception& e) {
    return epslice::sim::BadInput(streams, e.what());
  }
}

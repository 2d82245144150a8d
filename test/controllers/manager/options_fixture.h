// What a command line becomes, and what is told of it.
#ifndef EPSLICE_TEST_CONTROLLERS_MANAGER_OPTIONS_FIXTURE_H_
#define EPSLICE_TEST_CONTROLLERS_MANAGER_OPTIONS_FIXTURE_H_

#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controllers/manager/options.h"

namespace epslice {

struct Parsed {
  std::optional<int> code;
  ManagerOptions options;
  std::string out, err;
};

inline Parsed Parse(std::vector<std::string> args) {
  Parsed p;
  std::ostringstream out, err;
  p.code = ParseOptions(std::move(args), &p.options, out, err);
  p.out = out.str();
  p.err = err.str();
  return p;
}

inline constexpr const char* kMaster = "--master=http://127.0.0.1:8001";

}  // namespace epslice

#endif  // EPSLICE_TEST_CONTROLLERS_MANAGER_OPTIONS_FIXTURE_H_

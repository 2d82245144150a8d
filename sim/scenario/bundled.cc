#include "sim/scenario/bundled.h"

#include <iostream>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/trace/source_files.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMaxScenarioBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxTableBytes = std::size_t{64} << 20;

bool IsFileName(const std::string& name) { return name == "-" || name.find_first_of("/.") != std::string::npos; }

absl::Status Unknown(const std::string& name) {
  std::string names;
  for (const EmbeddedFile& file : BundledScenarios()) names += Concat(names.empty() ? "" : ", ", file.name);
  return absl::NotFoundError(Concat("there is no bundled scenario \"", name, "\"; accepted are ", names,
                                    ", and files like ./", name, ".yaml"));
}

}  // namespace

absl::StatusOr<Scenario> LoadScenario(const std::string& name, std::istream* standard_input) {
  if (!IsFileName(name)) {
    for (const EmbeddedFile& file : BundledScenarios()) {
      if (file.name == name) return ParseScenario(name, file.text, nullptr);
    }
    return Unknown(name);
  }
  absl::StatusOr<std::string> text =
      ReadSourceFile(name, standard_input == nullptr ? &std::cin : standard_input, kMaxScenarioBytes);
  if (!text.ok()) return absl::Status(text.status().code(), Concat(name, ": ", std::string(text.status().message())));
  const std::string folder = name.substr(0, name.rfind('/') + 1);
  return ParseScenario(name, *text, [&folder](const std::string& path) {
    return ReadSourceFile(path.rfind('/', 0) == 0 ? path : folder + path, nullptr, kMaxTableBytes);
  });
}

}  // namespace epslice::sim

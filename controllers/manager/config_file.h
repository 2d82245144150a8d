// --config FILE: flags from a file.
//
//   apiVersion: epslice.dev/v1alpha1
//   kind: EndpointSliceControllerConfiguration
//   max-endpoints-per-slice: 250
//   leader-elect: false
//   endpointslice-updates-batch-period: 500ms
//
// YAML or JSON, one flat map. A key is the long name of a flag without its
// dashes; counts, ports and rates are numbers, switches are true or false, all
// else is a string (a share may be either), or a list of them for a flag that may
// be there more than once. Flags on the command line go before
// it. Read at the start only.
#ifndef EPSLICE_CONTROLLERS_MANAGER_CONFIG_FILE_H_
#define EPSLICE_CONTROLLERS_MANAGER_CONFIG_FILE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice {

inline constexpr std::string_view kConfigApiVersion = "epslice.dev/v1alpha1";
inline constexpr std::string_view kConfigKind = "EndpointSliceControllerConfiguration";

// What a flag's value is written as.
enum class FlagType : std::uint8_t { kString, kNumber, kNumberOrString, kBool, kStrings };

struct FlagTable {
  // nullopt: there is no such flag, or it is for the command line only.
  std::function<std::optional<FlagType>(const std::string& name)> type_of;
  // What is wrong with an argument "--name=value"; empty: nothing.
  std::function<std::string(const std::string& argument)> trouble_with;
};

// The file's content as arguments, in its order. InvalidArgument with one line:
// "FILE: line 3: what is wrong", and what is accepted. Unknown keys, keys that are
// there twice and values of another type are wrong.
absl::StatusOr<std::vector<std::string>> ConfigArguments(const std::string& file, std::string_view text,
                                                         const FlagTable& flags);
// The same of a file on disk, of at most 1 MiB.
absl::StatusOr<std::vector<std::string>> ReadConfigFile(const std::string& file, const FlagTable& flags);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_CONFIG_FILE_H_

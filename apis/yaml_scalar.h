// What type a YAML 1.1 scalar has, by the rules of go-yaml v2, through which
// Kubernetes reads YAML. Used both ways: to read, and to know which strings
// must be quoted when written.
#ifndef EPSLICE_APIS_YAML_SCALAR_H_
#define EPSLICE_APIS_YAML_SCALAR_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice {

struct YamlScalar {
  enum class Type { kNull, kBool, kNumber, kString };
  Type type = Type::kString;
  // The string; for the other types the JSON text ("true", "8080").
  std::string text;
};

// `type`: the core type that a tag names ("str", "int", "float", "bool",
// "null"), or "" to go by the looks. InvalidArgument where the scalar is not of
// that type, the type is another, or JSON has no such value (.inf, .nan).
absl::StatusOr<YamlScalar> ResolveYamlScalar(std::string_view type, std::string_view text);

}  // namespace epslice

#endif  // EPSLICE_APIS_YAML_SCALAR_H_

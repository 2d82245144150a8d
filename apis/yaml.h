// YAML as Kubernetes reads it (YAML 1.1 by way of JSON), turned into JSON text.
#ifndef EPSLICE_APIS_YAML_H_
#define EPSLICE_APIS_YAML_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice {

struct YamlLimits {
  std::size_t max_bytes = std::size_t{256} << 20;
  int max_depth = 64;  // nesting of maps and sequences
  // Text that aliases (*name) may copy in all: aliases of aliases grow
  // exponentially.
  std::size_t max_alias_bytes = std::size_t{1} << 20;
  std::size_t max_documents = 1'000'000;
  // Whether errors may quote the text; false where it may hold secrets.
  bool quote_text = true;
};

// The documents of `yaml`, which is UTF-8, as JSON values one after another;
// empty documents are left out. Each value stands on the line it has in
// `yaml`, so that a line found in the result is a line of the source.
//
// Plain scalars: null, ~ and nothing are null; true/false, yes/no, on/off and
// y/n in the usual spellings are booleans; decimal, 0x, 0o, 0b and leading-zero
// octal integers and decimal fractions are numbers; all else, times too, is a
// string. Quoted and block scalars are strings. Keys become strings.
// Not accepted, each with one line that names the line: a key twice in a map,
// merge keys (<<), keys that are no scalars, tags other than YAML's own, .inf
// and .nan, documents that are no map, and what is beyond the
// limits.
// Errors: InvalidArgument, "line 3: ...".
absl::StatusOr<std::string> YamlToJson(std::string_view yaml, const YamlLimits& limits = {});

}  // namespace epslice

#endif  // EPSLICE_APIS_YAML_H_

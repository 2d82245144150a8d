// YAML as Kubernetes reads it (YAML 1.1 by way of JSON), turned into JSON text.
#ifndef EPSLICE_APIS_YAML_H_
#define EPSLICE_APIS_YAML_H_

#include <cstddef>
#include <functional>
#include <memory>
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

// The same piece by piece, for texts longer than what should be in memory. The
// pieces put together are what YamlToJson() makes of the whole text.
//
// A piece ends before a document that begins with "---", or before an item of a
// list as kubectl prints it: a map in block style ("- " and fields), in the
// block sequence that is the field "items" of a document. Where text has no
// such place (flow style, anchors before in the document, directives anywhere
// before) it is read as one piece.
// Not thread-safe.
class YamlReader {
 public:
  // Puts up to `size` bytes of the text at `buffer`; how many they are, 0 at the
  // end. After the end or an error it is not called again.
  using Read = std::function<absl::StatusOr<std::size_t>(char* buffer, std::size_t size)>;
  // limits.max_bytes: of the text that becomes a piece. `piece_bytes`: how much
  // is read at least before a piece ends. Both are kept to within 64 KiB.
  YamlReader(Read read, const YamlLimits& limits, std::size_t piece_bytes = std::size_t{256} << 10);
  ~YamlReader();

  // Appends the next piece to `json`; false at the end. Errors are those of
  // YamlToJson() and of the source; nothing follows one.
  absl::StatusOr<bool> Next(std::string* json);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_YAML_H_

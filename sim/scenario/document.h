// A YAML or JSON document as a tree that knows its lines: for files that people
// write and whose errors must say where.
#ifndef EPSLICE_SIM_SCENARIO_DOCUMENT_H_
#define EPSLICE_SIM_SCENARIO_DOCUMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice::sim {

struct DocEntry;

struct DocNode {
  enum class Type : std::uint8_t { kNull, kBool, kNumber, kString, kList, kMap };
  Type type = Type::kNull;
  int line = 1;
  // A scalar as text: "true", "0.5", what a string says.
  std::string text;
  std::vector<DocNode> items;     // of a list
  std::vector<DocEntry> entries;  // of a map, in the order of the file

  // The value of a key; null when it is absent.
  const DocNode* Find(std::string_view key) const;
  bool IsScalar() const { return type != Type::kList && type != Type::kMap; }
  // "a map", "the text "abc"", ...: for messages.
  std::string Describe() const;
};

struct DocEntry {
  std::string key;
  DocNode value;
};

// The one document in `text`, which is a map. Bounds are those of
// apis/yaml.h, with 4 MiB of text and 16 levels. InvalidArgument: "line 3: ...".
absl::StatusOr<DocNode> ParseDocument(std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_DOCUMENT_H_

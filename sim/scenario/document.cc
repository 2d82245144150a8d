#include "sim/scenario/document.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/yaml.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
constexpr int kMaxDepth = 16;

// Reads the JSON that YamlToJson() makes, which is well formed and bounded in
// depth, and keeps every value on its line.
class TreeReader {
 public:
  explicit TreeReader(std::string_view json) : json_(json) {}

  // What is left is blank.
  bool AtEnd() {
    SkipSpace();
    return at_ >= json_.size();
  }
  int line() const { return line_; }

  DocNode Value() {
    SkipSpace();
    DocNode node;
    node.line = line_;
    switch (Peek()) {
      case '{': ReadMap(&node); break;
      case '[': ReadList(&node); break;
      case '"':
        node.type = DocNode::Type::kString;
        node.text = String();
        break;
      default: ReadWord(&node); break;
    }
    return node;
  }

 private:
  char Peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }

  void SkipSpace() {
    for (; at_ < json_.size() && std::isspace(static_cast<unsigned char>(json_[at_])) != 0; ++at_) {
      if (json_[at_] == '\n') ++line_;
    }
  }

  void ReadMap(DocNode* node) {
    node->type = DocNode::Type::kMap;
    ++at_;
    for (SkipSpace(); Peek() != '}' && Peek() != '\0'; SkipSpace()) {
      if (Peek() == ',') {
        ++at_;
        continue;
      }
      std::string key = String();
      SkipSpace();
      ++at_;  // the colon
      node->entries.push_back({std::move(key), Value()});
    }
    ++at_;
  }

  void ReadList(DocNode* node) {
    node->type = DocNode::Type::kList;
    ++at_;
    for (SkipSpace(); Peek() != ']' && Peek() != '\0'; SkipSpace()) {
      if (Peek() == ',') {
        ++at_;
        continue;
      }
      node->items.push_back(Value());
    }
    ++at_;
  }

  void ReadWord(DocNode* node) {
    const std::size_t begin = at_;
    while (at_ < json_.size() && std::string_view(",]} \n\t\r").find(json_[at_]) == std::string_view::npos) ++at_;
    node->text = json_.substr(begin, at_ - begin);
    if (node->text == "null") {
      node->type = DocNode::Type::kNull;
    } else if (node->text == "true" || node->text == "false") {
      node->type = DocNode::Type::kBool;
    } else {
      node->type = DocNode::Type::kNumber;
    }
  }

  std::string String() {
    const std::size_t begin = at_++;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    ++at_;
    const nlohmann::json value = nlohmann::json::parse(json_.substr(begin, at_ - begin), nullptr, false);
    return value.is_string() ? value.get<std::string>() : std::string();
  }

  std::string_view json_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

const DocNode* DocNode::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string DocNode::Describe() const {
  constexpr std::size_t kLongest = 60;
  switch (type) {
    case Type::kNull: return "nothing";
    case Type::kBool: return Concat("the boolean ", text);
    case Type::kNumber: return Concat("the number ", text);
    case Type::kString:
      return Concat("the text \"", text.substr(0, kLongest), text.size() > kLongest ? "..." : "", '"');
    case Type::kList: return "a list";
    case Type::kMap: break;
  }
  return "a map";
}

absl::StatusOr<DocNode> ParseDocument(std::string_view text) {
  YamlLimits limits;
  limits.max_bytes = kMaxBytes;
  limits.max_depth = kMaxDepth;
  limits.max_documents = 1;
  absl::StatusOr<std::string> json = YamlToJson(text, limits);
  if (!json.ok()) return json.status();
  TreeReader reader(*json);
  if (reader.AtEnd()) return absl::InvalidArgumentError("line 1: the document is empty");
  return reader.Value();
}

}  // namespace epslice::sim

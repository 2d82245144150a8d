#include "apis/yaml_builder.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "apis/concat.h"
#include "apis/json_writer.h"

namespace epslice {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";
// Document, map, key "items", sequence.
constexpr int kEventsBeforeItem = 4;

}  // namespace

YamlBuilder::YamlBuilder(const YamlLimits& limits, std::string* out, MayLeave may_leave)
    : limits_(limits), out_(*out), may_leave_(std::move(may_leave)) {}

void YamlBuilder::Restart(const YamlBreak& at) {
  base_ = at.is_item ? at.line - 1 : at.line;
  skip_ = at.is_item ? kEventsBeforeItem : 0;
}

bool YamlBuilder::Skip() {
  if (skip_ == 0) return false;
  --skip_;
  return true;
}

void YamlBuilder::Offer(const YamlBreak& at) const {
  if (may_leave_ && may_leave_(at)) throw Left{at};
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (Skip()) return;
  if (mark.column == 0) Offer({LineOf(mark), false, 0});
  if (++documents_ > limits_.max_documents) Refuse(mark, Concat("more than ", limits_.max_documents, " documents"));
  levels_.clear();
  anchors_.clear();
  anchored_ = false;
  items_column_ = -1;
}

void YamlBuilder::OnDocumentEnd() {
  if (any_) out_.push_back(' ');
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (levels_.empty()) return;  // an empty document
  if (AtKey()) Refuse(mark, "a key is null; keys are strings");
  Begin(mark);
  const std::size_t start = out_.size();
  out_ += "null";
  End(anchor, start);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (AtKey()) Refuse(mark, "an alias is used as a key; write the key out");
  const auto it = anchors_.find(anchor);
  if (it == anchors_.end()) Refuse(mark, "an alias refers to what it is a part of");
  std::string copy = out_.substr(it->second.begin, it->second.end - it->second.begin);
  // Lines are kept by line ends between values, which must not come twice.
  std::erase(copy, '\n');
  alias_bytes_ += copy.size();
  if (alias_bytes_ > limits_.max_alias_bytes) {
    Refuse(mark, Concat("aliases expand to more than ", limits_.max_alias_bytes, " bytes; write the values out"));
  }
  if (levels_.size() + it->second.height > static_cast<std::size_t>(limits_.max_depth)) RefuseDepth(mark);
  Begin(mark);
  out_ += copy;
  NoteHeight(it->second.height);
  End(0, 0);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  if (Skip()) return;
  if (levels_.empty()) {
    Refuse(mark, Concat("is the text ", Quoted(value), ", not an object (\"key: value\" lines, or JSON)"));
  }
  const YamlScalar scalar = Resolve(mark, tag, value);
  if (AtKey()) {
    if (anchor != 0) Refuse(mark, "an anchor is set on a key; set it on the value");
    Key(mark, tag, scalar);
    return;
  }
  Begin(mark);
  const std::size_t start = out_.size();
  if (scalar.type == YamlScalar::Type::kString) {
    JsonWriter(&out_).String(scalar.text);
  } else {
    out_ += scalar.text;
  }
  End(anchor, start);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value style) {
  if (Skip()) return;
  const bool items = levels_.size() == 1 && plain_map_ && at_items_ && style == YAML::EmitterStyle::Block;
  Open(mark, tag, anchor, "seq", '[');
  if (items) items_column_ = mark.column;
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value style) {
  if (Skip()) return;
  const bool plain = style == YAML::EmitterStyle::Block && anchor == 0 && tag == "?";
  if (levels_.empty()) plain_map_ = plain && mark.column == 0;
  if (levels_.size() == 2 && plain && items_column_ >= 0 && !anchored_) Offer({LineOf(mark), true, items_column_});
  Open(mark, tag, anchor, "map", '{');
}

void YamlBuilder::Refuse(const YAML::Mark& mark, const std::string& what) const {
  throw YamlRefused(LineOf(mark) + 1, what);
}

void YamlBuilder::RefuseDepth(const YAML::Mark& mark) const {
  Refuse(mark, Concat("is nested more than ", limits_.max_depth, " deep"));
}

std::string YamlBuilder::Quoted(std::string_view text) const {
  constexpr std::size_t kLongest = 80;
  if (!limits_.quote_text) return "(not shown)";
  std::string out;
  JsonWriter(&out).String(text.size() <= kLongest ? text : text.substr(0, kLongest));
  return out;
}

void YamlBuilder::GoToLine(int line) {
  for (; line_ < line; ++line_) out_.push_back('\n');
}

void YamlBuilder::Begin(const YAML::Mark& mark) {
  GoToLine(LineOf(mark));
  any_ = true;
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (level.map && !level.at_key) return;
  if (!level.first) out_.push_back(',');
  level.first = false;
}

void YamlBuilder::End(YAML::anchor_t anchor, std::size_t start, std::size_t height) {
  if (anchor != 0) {
    anchors_[anchor] = {start, out_.size(), height};
    anchored_ = true;
  }
  if (!levels_.empty() && levels_.back().map) levels_.back().at_key = true;
}

void YamlBuilder::NoteHeight(std::size_t height) {
  if (!levels_.empty()) levels_.back().height = std::max(levels_.back().height, height + 1);
}

void YamlBuilder::Key(const YAML::Mark& mark, const std::string& tag, const YamlScalar& scalar) {
  if (scalar.text == "<<" && tag == "?") Refuse(mark, "merge keys (<<) are not accepted; write the fields out");
  Level& level = levels_.back();
  const int line = LineOf(mark) + 1;
  const auto [it, added] = level.keys.emplace(scalar.text, line);
  if (!added) {
    Refuse(mark, Concat("the key ", Quoted(scalar.text), " is there twice (first on line ", it->second, ")"));
  }
  if (levels_.size() == 1) at_items_ = scalar.text == "items";
  Begin(mark);
  JsonWriter(&out_).String(scalar.text);
  out_.push_back(':');
  level.at_key = false;
}

YamlScalar YamlBuilder::Resolve(const YAML::Mark& mark, const std::string& tag, const std::string& value) const {
  if (tag == "!") return {YamlScalar::Type::kString, value};
  std::string_view type;
  if (tag != "?") {
    if (tag.rfind(kCoreTag, 0) != 0) Refuse(mark, Concat("the tag ", Quoted(tag), " is not accepted"));
    type = std::string_view(tag).substr(kCoreTag.size());
  }
  absl::StatusOr<YamlScalar> scalar = ResolveYamlScalar(type, value);
  if (!scalar.ok()) Refuse(mark, std::string(scalar.status().message()));
  return *std::move(scalar);
}

void YamlBuilder::Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, std::string_view type,
                       char bracket) {
  if (AtKey()) Refuse(mark, "a key is a map or a sequence; keys are strings");
  if (levels_.empty() && bracket == '[') Refuse(mark, "is a sequence, not an object");
  if (tag != "?" && tag != "!" && tag != Concat(kCoreTag, type)) {
    Refuse(mark, Concat("the tag ", Quoted(tag), " is not accepted"));
  }
  if (levels_.size() >= static_cast<std::size_t>(limits_.max_depth)) RefuseDepth(mark);
  if (anchor != 0) anchored_ = true;
  Begin(mark);
  Level level;
  level.map = bracket == '{';
  level.at_key = level.map;
  level.begin = out_.size();
  level.anchor = anchor;
  levels_.push_back(std::move(level));
  out_.push_back(bracket);
}

void YamlBuilder::Close(char bracket) {
  out_.push_back(bracket);
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.size() == 1) items_column_ = -1;
  NoteHeight(level.height);
  End(level.anchor, level.begin, level.height);
}

}  // namespace epslice

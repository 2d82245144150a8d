#include "apis/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <vector>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json_writer.h"
#include "apis/yaml_scalar.h"

namespace epslice {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// Carries an error of ours through yaml-cpp's parser, which knows no other way.
class Refused : public std::runtime_error {
 public:
  Refused(int line, const std::string& what) : std::runtime_error(what), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

// A stream over bytes that are there anyway, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
};

class JsonBuilder : public YAML::EventHandler {
 public:
  JsonBuilder(const YamlLimits& limits, std::string* out) : limits_(limits), out_(*out) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > limits_.max_documents) Refuse(mark, Concat("more than ", limits_.max_documents, " documents"));
    levels_.clear();
    anchors_.clear();
  }
  void OnDocumentEnd() override {
    if (!out_.empty()) out_.push_back(' ');
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (levels_.empty()) return;  // an empty document
    if (AtKey()) Refuse(mark, "a key is null; keys are strings");
    Begin(mark);
    const std::size_t start = out_.size();
    out_ += "null";
    End(anchor, start);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
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

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
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

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, "seq", '[');
  }
  void OnSequenceEnd() override { Close(']'); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, "map", '{');
  }
  void OnMapEnd() override { Close('}'); }

 private:
  struct Level {
    bool map = false;
    bool at_key = false;  // the next scalar is a key
    bool first = true;
    std::size_t begin = 0;   // where it starts in the output
    std::size_t height = 1;  // levels of nesting, with itself
    YAML::anchor_t anchor = 0;
    std::map<std::string, int> keys;  // and the lines they are on
  };
  struct Anchored {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t height = 0;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& what) {
    throw Refused(mark.line + 1, what);
  }
  [[noreturn]] void RefuseDepth(const YAML::Mark& mark) const {
    Refuse(mark, Concat("is nested more than ", limits_.max_depth, " deep"));
  }

  std::string Quoted(std::string_view text) const {
    constexpr std::size_t kLongest = 80;
    if (!limits_.quote_text) return "(not shown)";
    std::string out;
    JsonWriter(&out).String(text.size() <= kLongest ? text : text.substr(0, kLongest));
    return out;
  }

  bool AtKey() const { return !levels_.empty() && levels_.back().map && levels_.back().at_key; }

  void GoToLine(int line) {
    for (; line_ < line; ++line_) out_.push_back('\n');
  }

  // Before a value, or a key.
  void Begin(const YAML::Mark& mark) {
    GoToLine(mark.line);
    if (levels_.empty()) return;
    Level& level = levels_.back();
    if (level.map && !level.at_key) return;
    if (!level.first) out_.push_back(',');
    level.first = false;
  }

  // After a value, which began at `start` (looked at only with an anchor).
  void End(YAML::anchor_t anchor, std::size_t start, std::size_t height = 0) {
    if (anchor != 0) anchors_[anchor] = {start, out_.size(), height};
    if (!levels_.empty() && levels_.back().map) levels_.back().at_key = true;
  }

  void NoteHeight(std::size_t height) {
    if (!levels_.empty()) levels_.back().height = std::max(levels_.back().height, height + 1);
  }

  void Key(const YAML::Mark& mark, const std::string& tag, const YamlScalar& scalar) {
    if (scalar.text == "<<" && tag == "?") Refuse(mark, "merge keys (<<) are not accepted; write the fields out");
    Level& level = levels_.back();
    const auto [it, added] = level.keys.emplace(scalar.text, mark.line + 1);
    if (!added) {
      Refuse(mark, Concat("the key ", Quoted(scalar.text), " is there twice (first on line ", it->second, ")"));
    }
    Begin(mark);
    JsonWriter(&out_).String(scalar.text);
    out_.push_back(':');
    level.at_key = false;
  }

  YamlScalar Resolve(const YAML::Mark& mark, const std::string& tag, const std::string& value) const {
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

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, std::string_view type,
            char bracket) {
    if (AtKey()) Refuse(mark, "a key is a map or a sequence; keys are strings");
    if (levels_.empty() && bracket == '[') Refuse(mark, "is a sequence, not an object");
    if (tag != "?" && tag != "!" && tag != Concat(kCoreTag, type)) {
      Refuse(mark, Concat("the tag ", Quoted(tag), " is not accepted"));
    }
    if (levels_.size() >= static_cast<std::size_t>(limits_.max_depth)) RefuseDepth(mark);
    Begin(mark);
    Level level;
    level.map = bracket == '{';
    level.at_key = level.map;
    level.begin = out_.size();
    level.anchor = anchor;
    levels_.push_back(std::move(level));
    out_.push_back(bracket);
  }

  void Close(char bracket) {
    out_.push_back(bracket);
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    NoteHeight(level.height);
    End(level.anchor, level.begin, level.height);
  }

  const YamlLimits& limits_;
  std::string& out_;
  int line_ = 0;
  std::size_t documents_ = 0;
  std::size_t alias_bytes_ = 0;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
};

absl::Status LineError(int line, std::string_view what) {
  return absl::InvalidArgumentError(Concat("line ", line, ": ", what));
}

}  // namespace

absl::StatusOr<std::string> YamlToJson(std::string_view yaml, const YamlLimits& limits) {
  if (yaml.size() > limits.max_bytes) {
    return absl::InvalidArgumentError(Concat("is ", yaml.size(), " bytes of YAML; at most ", limits.max_bytes,
                                             " are read as YAML (JSON may be larger)"));
  }
  std::string json;
  try {
    ViewBuffer buffer(yaml);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    JsonBuilder builder(limits, &json);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& e) {
    return LineError(e.line(), e.what());
  } catch (const YAML::Exception& e) {
    // What follows a colon is of the text.
    return LineError(e.mark.line + 1,
                     Concat("is no YAML: ", limits.quote_text ? e.msg : e.msg.substr(0, e.msg.find(':'))));
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(Concat("is no YAML: ", e.what()));
  }
  return json;
}

}  // namespace epslice

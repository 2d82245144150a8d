#include "controllers/manager/config_file.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "apis/yaml.h"
#include "informers/http/client_config.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

enum class ValueType : std::uint8_t { kNull, kBool, kNumber, kString, kMap, kList };

std::string_view NameOf(ValueType type) {
  switch (type) {
    case ValueType::kNull: return "null";
    case ValueType::kBool: return "a boolean";
    case ValueType::kNumber: return "a number";
    case ValueType::kString: return "a string";
    case ValueType::kMap: return "a map";
    case ValueType::kList: return "a list";
  }
  return "";
}

std::string_view Accepted(FlagType type) {
  switch (type) {
    case FlagType::kString: return "a string";
    case FlagType::kNumber: return "a number";
    case FlagType::kNumberOrString: return "a number or a string";
    case FlagType::kBool: return "true or false";
    case FlagType::kStrings: return "a string or a list of strings";
  }
  return "";
}

bool Fits(ValueType value, FlagType flag) {
  switch (flag) {
    case FlagType::kString: return value == ValueType::kString;
    case FlagType::kNumber: return value == ValueType::kNumber;
    case FlagType::kNumberOrString: return value == ValueType::kNumber || value == ValueType::kString;
    case FlagType::kBool: return value == ValueType::kBool;
    case FlagType::kStrings: return value == ValueType::kString || value == ValueType::kList;
  }
  return false;
}

struct Entry {
  std::string key;
  ValueType type = ValueType::kNull;
  std::string value;
  int line = 0;
  std::vector<std::pair<ValueType, std::string>> items;  // of a list
};

// Reads text and knows the line it is on.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, int* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  int* line_;
};

// The outermost map's entries; of maps and lists in it only that they are there.
class EntryReader : public nlohmann::json::json_sax_t {
 public:
  explicit EntryReader(const int* line) : line_(*line) {}
  std::vector<Entry> Take() { return std::move(entries_); }

  bool null() override { return Value(ValueType::kNull, ""); }
  bool boolean(bool value) override { return Value(ValueType::kBool, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Value(ValueType::kNumber, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Value(ValueType::kNumber, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return Value(ValueType::kNumber, text); }
  bool string(string_t& value) override { return Value(ValueType::kString, value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    if (depth_ > 0) Value(ValueType::kMap, "");
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    Value(ValueType::kList, "");
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& key) override {
    if (depth_ == 1) entries_.push_back({key, ValueType::kNull, "", line_, {}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  bool Value(ValueType type, std::string value) {
    if (entries_.empty()) return true;
    if (depth_ == 2 && entries_.back().type == ValueType::kList) entries_.back().items.emplace_back(type, value);
    if (depth_ != 1) return true;
    entries_.back().type = type;
    entries_.back().value = std::move(value);
    return true;
  }

  const int& line_;
  int depth_ = 0;
  std::vector<Entry> entries_;
};

// Errors: "line 3: ...".
absl::StatusOr<std::vector<Entry>> ReadEntries(std::string_view text) {
  std::string copy(text);
  // JSON is YAML, but for tabs, which YAML has not everywhere. (In JSON they are
  // between values only.)
  const std::size_t first = copy.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && copy[first] == '{') std::replace(copy.begin(), copy.end(), '\t', ' ');
  YamlLimits limits;
  limits.max_bytes = kMaxBytes;
  limits.max_documents = 1;
  limits.max_depth = 8;
  absl::StatusOr<std::string> json = YamlToJson(copy, limits);
  if (!json.ok()) return json.status();
  if (json->find('{') == std::string::npos) return std::vector<Entry>();
  int line = 1;
  EntryReader reader(&line);
  const char* const begin = json->data();
  if (!nlohmann::json::sax_parse(CountingIterator(begin, &line), CountingIterator(begin + json->size(), &line),
                                 &reader)) {
    return absl::InvalidArgumentError(Cat({"line ", std::to_string(line), ": is neither YAML nor JSON"}));
  }
  return reader.Take();
}

// apiVersion or kind; empty: all well.
std::string HeaderTrouble(const std::vector<Entry>& entries, std::string_view key, std::string_view want) {
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  const std::string accepted = Cat({"; accepted is ", key, ": ", want});
  if (entry == entries.end()) return Cat({"line 1: ", key, " is missing", accepted});
  const std::string where = Cat({"line ", std::to_string(entry->line), ": ", key, " is "});
  if (entry->type != ValueType::kString) return Cat({where, NameOf(entry->type), accepted});
  return entry->value == want ? "" : Cat({where, QuoteForError(entry->value), accepted});
}

// Empty: all well; then the arguments are added.
std::string EntryTrouble(const Entry& entry, const FlagTable& flags, std::vector<std::string>* arguments) {
  const std::optional<FlagType> type = flags.type_of(entry.key);
  if (!type) {
    return Cat({QuoteForError(entry.key), " is not known; accepted are the names of flags without their dashes"});
  }
  if (!Fits(entry.type, *type)) {
    return Cat({entry.key, " is ", NameOf(entry.type), "; accepted is ", Accepted(*type)});
  }
  std::vector<std::pair<ValueType, std::string>> values = entry.items;
  if (entry.type != ValueType::kList) values = {{entry.type, entry.value}};
  for (const auto& [value_type, value] : values) {
    if (entry.type == ValueType::kList && value_type != ValueType::kString) {
      return Cat({entry.key, " has ", NameOf(value_type), "; accepted is ", Accepted(*type)});
    }
    arguments->push_back(Cat({"--", entry.key, "=", value}));
    std::string trouble = flags.trouble_with(arguments->back());
    trouble.erase(0, trouble.find_first_not_of('-'));
    if (!trouble.empty()) return trouble;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ConfigArguments(const std::string& file, std::string_view text,
                                                         const FlagTable& flags) {
  const auto bad = [&](std::string_view what) { return absl::InvalidArgumentError(Cat({file, ": ", what})); };
  absl::StatusOr<std::vector<Entry>> entries = ReadEntries(text);
  if (!entries.ok()) return bad(MessageOf(entries.status()));
  for (const auto& [key, want] : {std::pair("apiVersion", kConfigApiVersion), std::pair("kind", kConfigKind)}) {
    if (const std::string trouble = HeaderTrouble(*entries, key, want); !trouble.empty()) return bad(trouble);
  }
  std::vector<std::string> arguments;
  for (const Entry& entry : *entries) {
    if (entry.key == "apiVersion" || entry.key == "kind") continue;
    if (const std::string trouble = EntryTrouble(entry, flags, &arguments); !trouble.empty()) {
      return bad(Cat({"line ", std::to_string(entry.line), ": ", trouble}));
    }
  }
  return arguments;
}

absl::StatusOr<std::vector<std::string>> ReadConfigFile(const std::string& file, const FlagTable& flags) {
  absl::StatusOr<std::string> text = ReadFileBounded(file);
  if (!text.ok()) return absl::InvalidArgumentError(Cat({file, ": ", MessageOf(text.status())}));
  return ConfigArguments(file, *text, flags);
}

}  // namespace epslice

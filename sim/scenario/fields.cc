#include "sim/scenario/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/time/time.h"
#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/quantity.h"

namespace epslice::sim {
namespace {

// More than any run takes, and far from where nanoseconds overflow.
constexpr Duration kLongest = std::chrono::hours(24 * 366);

std::string Join(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

void WrongType(const DocNode& node, std::string_view what, std::string_view wanted, DocErrors* errors) {
  errors->Add(node.line, Concat(what, ": is ", node.Describe(), ", not ", wanted));
}

}  // namespace

void DocErrors::Add(int line, std::string_view what) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(Concat("line ", line, ": ", what));
}

std::string ReadText(const DocNode& node, std::string_view what, DocErrors* errors) {
  if (node.type == DocNode::Type::kString) return node.text;
  const bool unquoted = node.type == DocNode::Type::kBool || node.type == DocNode::Type::kNumber;
  WrongType(node, what, unquoted ? "a text; put it in quotes" : "a text", errors);
  return std::string();
}

std::string ReadScalar(const DocNode& node, std::string_view what, DocErrors* errors) {
  if (node.IsScalar() && node.type != DocNode::Type::kNull) return node.text;
  WrongType(node, what, "a text or a number", errors);
  return std::string();
}

std::int64_t ReadInt(const DocNode& node, std::string_view what, std::int64_t low, std::int64_t high,
                     DocErrors* errors) {
  std::int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  if (node.type != DocNode::Type::kNumber || error != std::errc() || rest != end) {
    WrongType(node, what, Concat("a whole number from ", low, " to ", high), errors);
    return low;
  }
  if (value < low || value > high) {
    errors->Add(node.line, Concat(what, ": is ", value, "; accepted are ", low, " to ", high));
    return low;
  }
  return value;
}

double ReadNumber(const DocNode& node, std::string_view what, double low, double high, DocErrors* errors) {
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  const bool is_number = node.type == DocNode::Type::kNumber && error == std::errc() && rest == end;
  if (!is_number) {
    WrongType(node, what, Concat("a number from ", ShortestNumber(low), " to ", ShortestNumber(high)), errors);
    return low;
  }
  if (!(value >= low && value <= high)) {
    errors->Add(node.line,
                Concat(what, ": is ", node.text, "; accepted are ", ShortestNumber(low), " to ", ShortestNumber(high)));
    return low;
  }
  return value;
}

Duration ReadDuration(const DocNode& node, std::string_view what, DocErrors* errors) {
  absl::Duration value;
  if (!node.IsScalar() || !absl::ParseDuration(node.text, &value)) {
    WrongType(node, what, "a duration like 500ms, 40s or 1h30m", errors);
    return Duration{0};
  }
  if (value < absl::ZeroDuration() || value > absl::FromChrono(kLongest)) {
    errors->Add(node.line, Concat(what, ": is ", node.text, "; accepted are 0s to 8784h"));
    return Duration{0};
  }
  return absl::ToChronoNanoseconds(value);
}

Fields::Fields(const DocNode& node, std::string what, DocErrors* errors)
    : node_(node), what_(std::move(what)), errors_(errors) {
  if (node.type != DocNode::Type::kMap) WrongType(node, what_.empty() ? "the document" : what_, "a map", errors);
}

std::string Fields::Path(std::string_view key) const {
  return what_.empty() ? std::string(key) : Concat(what_, '.', key);
}

const DocNode* Fields::Take(std::string_view key) {
  known_.push_back(key);
  return node_.Find(key);
}

const DocNode* Fields::Need(std::string_view key) {
  const DocNode* node = Take(key);
  if (node == nullptr) errors_->Add(node_.line, Concat(Path(key), ": is missing"));
  return node;
}

void Fields::Text(std::string_view key, std::string* value) {
  if (const DocNode* node = Take(key)) *value = ReadText(*node, Path(key), errors_);
}

void Fields::OneOf(std::string_view key, std::initializer_list<std::string_view> accepted, std::string* value) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  if (!node->IsScalar() || std::find(accepted.begin(), accepted.end(), node->text) == accepted.end()) {
    errors_->Add(node->line, Concat(Path(key), ": is ", node->Describe(), "; accepted are ", Join(accepted)));
    return;
  }
  *value = node->text;
}

void Fields::Int(std::string_view key, std::int64_t low, std::int64_t high, int* value) {
  if (const DocNode* node = Take(key)) *value = static_cast<int>(ReadInt(*node, Path(key), low, high, errors_));
}

void Fields::Number(std::string_view key, double low, double high, double* value) {
  if (const DocNode* node = Take(key)) *value = ReadNumber(*node, Path(key), low, high, errors_);
}

void Fields::Bool(std::string_view key, bool* value) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  if (node->type != DocNode::Type::kBool) return WrongType(*node, Path(key), "true or false", errors_);
  *value = node->text == "true";
}

void Fields::Span(std::string_view key, Duration* value) {
  if (const DocNode* node = Take(key)) *value = ReadDuration(*node, Path(key), errors_);
}

void Fields::Delay(std::string_view key, Latency* value) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  const std::string text = ReadScalar(*node, Path(key), errors_);
  if (!errors_->ok()) return;
  absl::StatusOr<Latency> latency = Latency::Parse(text);
  if (!latency.ok()) return errors_->Add(node->line, Concat(Path(key), ": ", std::string(latency.status().message())));
  *value = *latency;
}

void Fields::Cpu(std::string_view key, std::int64_t* milli) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  const std::string text = ReadScalar(*node, Path(key), errors_);
  if (!errors_->ok()) return;
  const absl::StatusOr<std::int64_t> value = ParseQuantityMilli(text);
  constexpr std::int64_t kMost = 1'000'000'000'000;  // a billion CPUs
  if (!value.ok() || *value < 0 || *value > kMost) {
    return errors_->Add(node->line,
                        Concat(Path(key), ": is ", node->Describe(), "; accepted is a CPU quantity like 4 or 500m"));
  }
  *milli = *value;
}

void Fields::Texts(std::string_view key, std::vector<std::string>* value) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  value->clear();
  if (node->type != DocNode::Type::kList) {
    value->push_back(ReadText(*node, Path(key), errors_));
    return;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    value->push_back(ReadText(node->items[i], Concat(Path(key), '[', i, ']'), errors_));
  }
}

void Fields::Map(std::string_view key, StringMap* value) {
  const DocNode* node = Take(key);
  if (node == nullptr) return;
  if (node->type != DocNode::Type::kMap) return WrongType(*node, Path(key), "a map of texts", errors_);
  std::vector<StringMap::Entry> entries;
  entries.reserve(node->entries.size());
  for (const auto& [name, text] : node->entries) {
    entries.emplace_back(epslice::Text::Intern(name),
                         epslice::Text::Intern(ReadText(text, Concat(Path(key), '.', name), errors_)));
  }
  *value = StringMap(std::move(entries));
}

void Fields::Done() {
  for (const auto& [key, value] : node_.entries) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    errors_->Add(value.line, Concat(what_.empty() ? std::string() : Concat(what_, ": "), "unknown key \"",
                                    key.substr(0, 60), "\"; accepted are ", Join(known_)));
    return;
  }
}

}  // namespace epslice::sim

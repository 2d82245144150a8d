#include "apis/json_reader.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "apis/time_format.h"

namespace epslice::json {
namespace {

namespace dom = simdjson::dom;

// abseil has a string_view of its own on Debian 12.
absl::string_view Abseil(std::string_view s) { return {s.data(), s.size()}; }

std::string_view TypeName(dom::element_type type) {
  switch (type) {
    case dom::element_type::ARRAY: return "an array";
    case dom::element_type::OBJECT: return "an object";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE: return "a number";
    case dom::element_type::STRING: return "a string";
    case dom::element_type::BOOL: return "a boolean";
    case dom::element_type::NULL_VALUE: return "null";
  }
  return "of an unknown type";
}

// Whether `object` holds just the entries of `map`, in its order: the order in
// which an API server writes maps.
bool SameEntries(dom::object object, const StringMap& map) {
  auto want = map.begin();
  for (dom::key_value_pair field : object) {
    if (want == map.end() || field.key != want->first.view()) return false;
    std::string_view value;
    if (field.value.get(value) != simdjson::SUCCESS || value != want->second.view()) return false;
    ++want;
  }
  return want == map.end();
}

}  // namespace

void JsonContext::Fail(const JsonValue& at, std::string_view what) {
  if (failed_) return;
  failed_ = true;
  error_ = at.Path();
  if (!error_.empty()) error_ += ": ";
  error_ += what;
}

std::string JsonValue::Path() const {
  if (parent_ == nullptr) return {};
  std::string path = parent_->Path();
  if (key_.data() == nullptr) return absl::StrCat(path, "[", index_, "]");
  if (!path.empty()) path += '.';
  return path += Printable(key_);
}

void JsonValue::WrongType(std::string_view wanted) const {
  Fail(absl::StrCat("is ", Abseil(TypeName(element_.type())), ", not ", Abseil(wanted)));
}

std::int64_t JsonValue::Int64() const {
  if (!present_) return 0;
  std::int64_t value = 0;
  switch (element_.get(value)) {
    case simdjson::SUCCESS: return value;
    case simdjson::NUMBER_OUT_OF_RANGE: Fail("does not fit 64 bits"); return 0;
    default: break;
  }
  if (element_.is_double()) {
    Fail("is not a whole number");
  } else {
    WrongType("a whole number");
  }
  return 0;
}

std::int32_t JsonValue::Int32() const {
  const std::int64_t value = Int64();
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    Fail(absl::StrCat(value, " does not fit 32 bits"));
    return 0;
  }
  return static_cast<std::int32_t>(value);
}

Timestamp JsonValue::TimeOf(std::int64_t resolution) const {
  const std::string_view text = String();
  if (!present_ || context_->failed()) return {};
  absl::StatusOr<Timestamp> time = ParseRfc3339(text);
  if (!time.ok()) {
    Fail(std::string(time.status().message()));
    return {};
  }
  return decode::CutTo(resolution, *time);
}

std::size_t JsonValue::ItemCount() const {
  dom::array array;
  if (!present_ || element_.get(array) != simdjson::SUCCESS) return 0;
  return array.size();
}

StringMap JsonValue::Map(bool share_values) const {
  if (!present_) return {};
  dom::object object;
  if (element_.get(object) != simdjson::SUCCESS) return WrongType("an object"), StringMap();
  if (share_values && SameEntries(object, context_->siblings.labels)) return context_->siblings.labels;
  std::vector<StringMap::Entry> entries;
  entries.reserve(object.size());
  for (dom::key_value_pair field : object) {
    const JsonValue value(field.value, this, field.key);
    entries.emplace_back(Text::Intern(field.key), share_values ? value.Shared() : value.Unique());
    if (context_->failed()) return {};
  }
  return StringMap(std::move(entries));
}

StringMap JsonValue::Labels() const { return Map(true); }

StringMap JsonValue::Annotations() const { return Map(false); }

}  // namespace epslice::json

#include "apis/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json_writer.h"

namespace epslice {
namespace {

constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 12> kNotFinite = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                                         "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};

template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& set, std::string_view text) {
  return std::find(set.begin(), set.end(), text) != set.end();
}

std::optional<std::uint64_t> ParseDigits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

// Go's ParseInt and ParseUint with base 0.
std::optional<std::string> ParseInteger(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(base == 8 && letter != 'o' ? 1 : 2);
  }
  const std::optional<std::uint64_t> value = ParseDigits(text, base);
  if (!value || (negative && *value > (std::uint64_t{1} << 63))) return std::nullopt;
  return Concat(negative && *value != 0 ? "-" : "", *value);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool LooksLikeFloat(std::string_view s) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
    return i - start;
  };
  if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
  const std::size_t whole = digits();
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == s.size();
}

std::optional<std::string> ParseFloat(std::string_view text) {
  if (!LooksLikeFloat(text)) return std::nullopt;
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  std::string out;
  JsonWriter(&out).Double(value);
  return out;
}

std::optional<std::string> ParseNumber(std::string_view text) {
  // All that is a number begins like one; most strings do not.
  if (text.empty() || (text[0] != '-' && text[0] != '+' && text[0] != '.' && (text[0] < '0' || text[0] > '9'))) {
    return std::nullopt;
  }
  std::string plain(text);
  std::erase(plain, '_');
  if (std::optional<std::string> integer = ParseInteger(plain)) return integer;
  return ParseFloat(plain);
}

absl::StatusOr<YamlScalar> ByLooks(std::string_view text) {
  using Type = YamlScalar::Type;
  if (Contains(kNulls, text)) return YamlScalar{Type::kNull, "null"};
  if (Contains(kTrue, text)) return YamlScalar{Type::kBool, "true"};
  if (Contains(kFalse, text)) return YamlScalar{Type::kBool, "false"};
  if (Contains(kNotFinite, text)) {
    return absl::InvalidArgumentError(Concat(text, " is no number that JSON can hold"));
  }
  if (std::optional<std::string> number = ParseNumber(text)) return YamlScalar{Type::kNumber, *std::move(number)};
  return YamlScalar{Type::kString, std::string(text)};
}

}  // namespace

absl::StatusOr<YamlScalar> ResolveYamlScalar(std::string_view type, std::string_view text) {
  using Type = YamlScalar::Type;
  if (type == "str") return YamlScalar{Type::kString, std::string(text)};
  absl::StatusOr<YamlScalar> scalar = ByLooks(text);
  if (type.empty() || !scalar.ok()) return scalar;
  const bool fits = (type == "null" && scalar->type == Type::kNull) ||
                    (type == "bool" && scalar->type == Type::kBool) ||
                    ((type == "int" || type == "float") && scalar->type == Type::kNumber);
  if (!fits) {
    return absl::InvalidArgumentError(
        Concat("the tag !!", type, " does not fit here; accepted are !!str, !!int, !!float, !!bool and !!null"));
  }
  return scalar;
}

}  // namespace epslice

#include "sim/report/number_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "apis/concat.h"
#include "apis/json_writer.h"

namespace epslice::sim {
namespace {

std::string Fixed(double value, int digits) {
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  std::string text(buffer.data(), end.ptr);
  if (digits > 0) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

// Commas between the thousands.
std::string Grouped(const std::string& text) {
  const std::size_t begin = text[0] == '-' ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > begin && i < point && (point - i) % 3 == 0) out.push_back(',');
    out.push_back(text[i]);
  }
  return out;
}

// About four digits, more where the whole part has more.
std::string Short(double value) {
  const double size = std::abs(value);
  const int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 6;
  return Grouped(Fixed(value, digits));
}

}  // namespace

std::string ExactNumber(double value) {
  std::string out;
  JsonWriter(&out).Double(value);
  return out;
}

std::string NumberText(double value, std::string_view unit) {
  if (!std::isfinite(value)) return "-";
  if (unit == "share") return Concat(Short(value * 100), " %");
  if (unit == "dollars") return Concat("$", Short(value));
  if (unit == "bytes") {
    static constexpr std::array<std::string_view, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
    std::size_t i = 0;
    for (; std::abs(value) >= 1000 && i + 1 < kUnits.size(); ++i) value /= 1000;
    return Concat(Short(value), ' ', kUnits[i]);
  }
  if (unit == "seconds") {
    if (value != 0 && std::abs(value) < 1) return Concat(Short(value * 1000), " ms");
    return Concat(Short(value), " s");
  }
  return Short(value);
}

}  // namespace epslice::sim

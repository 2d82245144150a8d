#include "apis/quantity.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>
#include <vector>

#include "apis/cat.h"

namespace epslice {
namespace {

// Longer ones are well-formed too, but nobody means them.
constexpr std::size_t kMaxQuantityBytes = 256;

// digits[0].digits[1]digits[2]... times 10^(point - 1), where `digits` starts
// with one that is not zero; no digits at all is zero. Every digit is kept,
// so that rounding up is exact.
struct Decimal {
  std::vector<unsigned> digits;
  std::int64_t point = 0;  // how many digits stand before the decimal point
};

struct Suffix {
  unsigned factor = 1;  // 1024 for the binary ones
  int times = 0;        // how often the factor applies
  std::int64_t exponent = 0;
};

absl::Status Malformed(std::string_view s, std::string_view why) {
  return absl::InvalidArgumentError(
      Cat({"quantity ", QuoteForError(s), ": ", why, "; accepted is a number such as 2, 1.5 or 1e3, with one of the ",
           "suffixes n u m k M G T P E Ki Mi Gi Ti Pi Ei or none"}));
}

// <number> ::= <digits> | <digits>.<digits> | <digits>. | .<digits>
// Takes it from the front of `*s`; nullopt where there is no digit.
std::optional<Decimal> TakeNumber(std::string_view* s) {
  Decimal number;
  bool any = false;
  bool after_point = false;
  std::size_t i = 0;
  for (; i < s->size(); ++i) {
    const char c = (*s)[i];
    if (c == '.' && !after_point) {
      after_point = true;
      continue;
    }
    if (!IsDigit(c)) break;
    any = true;
    if (number.digits.empty() && c == '0') {
      if (after_point) --number.point;
      continue;
    }
    number.digits.push_back(static_cast<unsigned>(c - '0'));
    if (!after_point) ++number.point;
  }
  s->remove_prefix(i);
  if (!any) return std::nullopt;
  return number;
}

std::optional<Suffix> ParseSuffix(std::string_view s) {
  static constexpr std::string_view kPositive = "kMGTPE";
  if (s.empty()) return Suffix{};
  if (s == "n") return Suffix{1, 0, -9};
  if (s == "u") return Suffix{1, 0, -6};
  if (s == "m") return Suffix{1, 0, -3};
  // The binary kilo is a capital, the decimal one is not.
  if (s == "Ki") return Suffix{1024, 1, 0};
  const std::size_t rank = kPositive.find(s.front());
  if (rank != std::string_view::npos) {
    if (s.size() == 1) return Suffix{1, 0, 3 * static_cast<std::int64_t>(rank + 1)};
    if (s.size() == 2 && s[1] == 'i' && rank > 0) return Suffix{1024, static_cast<int>(rank + 1), 0};
  }
  if (s.size() < 2 || (s.front() != 'e' && s.front() != 'E')) return std::nullopt;
  s.remove_prefix(1);
  if (s.front() == '+') {
    s.remove_prefix(1);
    if (s.empty() || !IsDigit(s.front())) return std::nullopt;
  }
  Suffix suffix;
  const auto result = std::from_chars(s.data(), s.data() + s.size(), suffix.exponent);
  if (result.ec != std::errc() || result.ptr != s.data() + s.size()) return std::nullopt;
  return suffix;
}

void Multiply(Decimal* number, unsigned factor) {
  unsigned carry = 0;
  for (auto it = number->digits.rbegin(); it != number->digits.rend(); ++it) {
    const unsigned product = *it * factor + carry;
    *it = product % 10;
    carry = product / 10;
  }
  std::vector<unsigned> front;
  for (; carry != 0; carry /= 10) front.push_back(carry % 10);
  number->digits.insert(number->digits.begin(), front.rbegin(), front.rend());
  number->point += static_cast<std::int64_t>(front.size());
}

// The number without its fraction, away from zero where there is one; capped.
std::int64_t CeilCapped(const Decimal& number) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (number.digits.empty()) return 0;
  if (number.point <= 0) return 1;
  if (number.point > std::numeric_limits<std::int64_t>::digits10 + 1) return kMax;
  // At most 19 digits, which 64 bits without a sign hold, and one more.
  std::uint64_t value = 0;
  const auto whole = static_cast<std::size_t>(number.point);
  for (std::size_t i = 0; i < whole; ++i) {
    value = value * 10 + (i < number.digits.size() ? number.digits[i] : 0);
  }
  for (std::size_t i = whole; i < number.digits.size(); ++i) {
    if (number.digits[i] != 0) {
      ++value;
      break;
    }
  }
  return value > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<std::int64_t>(value);
}

}  // namespace

absl::StatusOr<std::int64_t> ParseQuantityMilli(std::string_view s) {
  if (s.size() > kMaxQuantityBytes)
    return Malformed(s, Cat({"is longer than ", std::to_string(kMaxQuantityBytes), " bytes"}));
  if (s.empty()) return Malformed(s, "is empty");
  std::string_view rest = s;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  std::optional<Decimal> number = TakeNumber(&rest);
  if (!number) return Malformed(s, "has no digits");
  const std::optional<Suffix> suffix = ParseSuffix(rest);
  if (!suffix) return Malformed(s, Cat({"ends in ", QuoteForError(rest), ", which is no suffix"}));
  for (int i = 0; i < suffix->times; ++i) Multiply(&*number, suffix->factor);
  // An exponent far beyond any length of text decides alone; clamped, it
  // cannot overflow below.
  constexpr std::int64_t kFar = 1'000'000;
  number->point += std::clamp(suffix->exponent, -kFar, kFar) + 3;
  const std::int64_t milli = CeilCapped(*number);
  return negative ? -milli : milli;
}

}  // namespace epslice

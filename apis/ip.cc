#include "apis/ip.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <string>

namespace epslice {
namespace {

using V4 = std::array<std::uint8_t, 4>;
using V6 = std::array<std::uint16_t, 8>;

int DigitValue(char c, unsigned base) {
  int v = -1;
  if (c >= '0' && c <= '9') v = c - '0';
  if (c >= 'a' && c <= 'f') v = c - 'a' + 10;
  if (c >= 'A' && c <= 'F') v = c - 'A' + 10;
  return v < static_cast<int>(base) ? v : -1;
}

// Takes the number at the front of `*s`, with any number of leading zeros;
// false where there is none, or one above `max`.
bool TakeNumber(std::string_view* s, unsigned base, unsigned max, unsigned* value) {
  std::size_t digits = 0;
  *value = 0;
  while (digits < s->size()) {
    const int digit = DigitValue((*s)[digits], base);
    if (digit < 0) break;
    *value = *value * base + static_cast<unsigned>(digit);
    if (*value > max) return false;
    ++digits;
  }
  s->remove_prefix(digits);
  return digits != 0;
}

bool Take(std::string_view* s, std::string_view prefix) {
  if (s->substr(0, prefix.size()) != prefix) return false;
  s->remove_prefix(prefix.size());
  return true;
}

std::optional<V4> ParseV4(std::string_view s) {
  V4 octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    unsigned value = 0;
    if (i != 0 && !Take(&s, ".")) return std::nullopt;
    if (!TakeNumber(&s, 10, 255, &value)) return std::nullopt;
    octets[i] = static_cast<std::uint8_t>(value);
  }
  if (!s.empty()) return std::nullopt;
  return octets;
}

// Groups of hex digits, one "::" for one or more groups of zero, and dotted
// decimal for the last two groups.
std::optional<V6> ParseV6(std::string_view s) {
  V6 groups{};
  std::size_t n = 0;
  std::optional<std::size_t> ellipsis;
  if (Take(&s, "::")) ellipsis = 0;
  while (!s.empty()) {
    if (n == groups.size()) return std::nullopt;
    const std::string_view rest = s;
    unsigned value = 0;
    const bool is_group = TakeNumber(&s, 16, 0xffff, &value);
    if (!s.empty() && s.front() == '.') {
      const std::optional<V4> v4 = ParseV4(rest);
      if (!v4 || n + 2 > groups.size()) return std::nullopt;
      groups[n++] = static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1]);
      groups[n++] = static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]);
      break;
    }
    if (!is_group) return std::nullopt;
    groups[n++] = static_cast<std::uint16_t>(value);
    if (s.empty()) break;
    if (Take(&s, "::")) {
      if (ellipsis) return std::nullopt;
      ellipsis = n;
    } else if (!Take(&s, ":") || s.empty()) {
      return std::nullopt;
    }
  }
  if (!ellipsis) return n == groups.size() ? std::optional<V6>(groups) : std::nullopt;
  if (n == groups.size()) return std::nullopt;  // "::" stands for nothing
  V6 expanded{};
  const std::size_t tail = n - *ellipsis;
  for (std::size_t i = 0; i < *ellipsis; ++i) expanded[i] = groups[i];
  for (std::size_t i = 0; i < tail; ++i) expanded[expanded.size() - tail + i] = groups[*ellipsis + i];
  return expanded;
}

bool IsV4Mapped(const V6& g) {
  for (std::size_t i = 0; i < 5; ++i) {
    if (g[i] != 0) return false;
  }
  return g[5] == 0xffff;
}

void AppendNumber(unsigned value, int base, std::string* out) {
  char buffer[16];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, base);
  out->append(buffer, result.ptr);
}

IpAddress FormatV4(const V4& octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (i != 0) out.push_back('.');
    AppendNumber(octets[i], 10, &out);
  }
  return {Text(out), IpFamily::kIPv4};
}

// RFC 5952, section 4: lower case, no leading zeros, "::" for the longest run
// of two or more zero groups, the first of equal ones.
IpAddress FormatV6(const V6& groups) {
  std::size_t run_begin = groups.size();
  std::size_t run_length = 1;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i > run_length) {
      run_begin = i;
      run_length = end - i;
    }
    if (end > i) i = end - 1;
  }
  std::string out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == run_begin) {
      out.append("::");
      i += run_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out.push_back(':');
    AppendNumber(groups[i], 16, &out);
  }
  return {Text(out), IpFamily::kIPv6};
}

}  // namespace

std::optional<IpAddress> ParseIpLenient(std::string_view s) {
  const std::size_t mark = s.find_first_of(".:");
  if (mark == std::string_view::npos) return std::nullopt;
  if (s[mark] == '.') {
    const std::optional<V4> v4 = ParseV4(s);
    return v4 ? std::optional<IpAddress>(FormatV4(*v4)) : std::nullopt;
  }
  const std::optional<V6> v6 = ParseV6(s);
  if (!v6) return std::nullopt;
  if (!IsV4Mapped(*v6)) return FormatV6(*v6);
  const auto high = [](std::uint16_t g) { return static_cast<std::uint8_t>(g >> 8); };
  const auto low = [](std::uint16_t g) { return static_cast<std::uint8_t>(g & 0xff); };
  return FormatV4({high((*v6)[6]), low((*v6)[6]), high((*v6)[7]), low((*v6)[7])});
}

}  // namespace epslice

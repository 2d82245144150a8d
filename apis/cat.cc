#include "apis/cat.h"

#include <algorithm>
#include <charconv>

namespace epslice {

std::string QuoteForError(std::string_view text, std::size_t max) {
  const bool cut = text.size() > max;
  std::string out = "\"";
  for (char c : text.substr(0, max)) out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  out.append(cut ? "\"..." : "\"");
  return out;
}

std::string ShortestNumber(double value) {
  char digits[32];  // the longest is "-2.2250738585072014e-308"
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace epslice

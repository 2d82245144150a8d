#include "sim/trace/url_query.h"

#include <algorithm>
#include <cstddef>

namespace epslice::sim {
namespace {

std::size_t HexDigit(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
}

std::string PercentDecoded(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) < 16 && HexDigit(text[i + 2]) < 16) {
      value.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      value.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return value;
}

}  // namespace

std::string_view QueryOf(std::string_view uri) {
  const std::size_t mark = uri.find('?');
  return mark == std::string_view::npos ? std::string_view() : uri.substr(mark + 1);
}

std::string QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name && equals < pair.size()) return PercentDecoded(pair.substr(equals + 1));
  }
  return {};
}

}  // namespace epslice::sim

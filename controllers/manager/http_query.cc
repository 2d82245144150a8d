// Request targets, taken apart.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "controllers/manager/serving.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxParameters = 64;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %XX as the byte it stands for.
std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> PercentDecoded(std::string_view text) { return Decode(text, false); }

bool HttpQuery::Has(std::string_view name) const {
  return std::any_of(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == name; });
}

std::string HttpQuery::Get(std::string_view name) const {
  const auto it = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == name; });
  return it == parameters.end() ? "" : it->second;
}

std::vector<std::string> HttpQuery::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : parameters) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::optional<HttpQuery> ParseTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  const std::optional<std::string> path = Decode(target.substr(0, mark), false);
  if (!path || path->empty() || path->front() != '/') return std::nullopt;
  HttpQuery query;
  query.path = *path;
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::optional<std::string> name = Decode(part.substr(0, equals), true);
    const std::optional<std::string> value =
        Decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value || query.parameters.size() == kMaxParameters) return std::nullopt;
    query.parameters.emplace_back(*name, *value);
  }
  return query;
}

bool IsLoopback(std::string_view ip) {
  constexpr std::string_view kMapped = "::ffff:";
  if (ip.substr(0, kMapped.size()) == kMapped) ip.remove_prefix(kMapped.size());
  return ip == "::1" || (ip.substr(0, 4) == "127." && ip.find(':') == std::string_view::npos);
}

}  // namespace epslice

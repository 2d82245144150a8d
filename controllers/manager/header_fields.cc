#include "controllers/manager/header_fields.h"

#include <algorithm>
#include <cstddef>

namespace epslice {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

// RFC 9110: what a name is made of.
bool IsToken(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsText(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) || c == '\t'; });
}

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// The next line without its CR LF; nullopt where there is none.
std::optional<std::string_view> TakeLine(std::string_view* rest) {
  const std::size_t end = rest->find('\n');
  if (end == std::string_view::npos || end == 0 || (*rest)[end - 1] != '\r') return std::nullopt;
  const std::string_view line = rest->substr(0, end - 1);
  rest->remove_prefix(end + 1);
  return line;
}

}  // namespace

std::optional<HeaderFields> HeaderFields::Parse(std::string_view head) {
  HeaderFields fields;
  if (!TakeLine(&head)) return std::nullopt;
  for (;;) {
    const std::optional<std::string_view> line = TakeLine(&head);
    if (!line) return std::nullopt;
    if (line->empty()) return fields;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view name = line->substr(0, colon);
    const std::string_view value = Trimmed(line->substr(colon + 1));
    if (!IsToken(name) || !IsText(value)) return std::nullopt;
    fields.Add(std::string(name), std::string(value));
  }
}

std::string_view HeaderFields::Get(std::string_view name) const {
  const auto it = std::find_if(fields_.begin(), fields_.end(), [&](const auto& f) { return SameName(f.first, name); });
  return it == fields_.end() ? std::string_view() : std::string_view(it->second);
}

std::vector<std::string> HeaderFields::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields_) {
    if (SameName(field, name)) values.push_back(value);
  }
  return values;
}

}  // namespace epslice

#include "sim/trace/json_span.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace epslice::sim {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && IsJsonSpace(text[at])) ++at;
  return at;
}

// Behind the quote that closes the string whose opening quote is at `begin`.
std::size_t EndOfString(std::string_view text, std::size_t begin) {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data() + begin + 1; at < end; ++at) {
    at = EndOfPlainText(at, end);
    if (at == end) break;
    if (*at == '"') return static_cast<std::size_t>(at - text.data()) + 1;
    if (*at == '\\' && ++at == end) break;
  }
  return kNowhere;
}

// Characters that matter inside brackets.
constexpr std::array<bool, 256> MakeStructural() {
  std::array<bool, 256> table{};
  for (const char c : {'{', '}', '[', ']', '"'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kStructural = MakeStructural();

std::size_t EndOfBrackets(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t at = begin; at < text.size();) {
    const char c = text[at];
    if (!kStructural[static_cast<unsigned char>(c)]) {
      ++at;
      continue;
    }
    if (c == '"') {
      at = EndOfString(text, at);
      if (at == kNowhere) return kNowhere;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      ++depth;
    } else if (--depth == 0) {
      return at;
    }
  }
  return kNowhere;
}

void AppendUtf8(std::uint32_t c, std::string* out) {
  const auto put = [out](std::uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6)), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3f)), put(0x80 | ((c >> 6) & 0x3f)), put(0x80 | (c & 0x3f));
  }
}

std::optional<std::uint32_t> Hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 > text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  if (error != std::errc() || end != text.data() + at + 4) return std::nullopt;
  return value;
}

// The escape at text[at] == '\\'; returns the place behind it.
std::size_t Unescape(std::string_view text, std::size_t at, std::string* out) {
  if (at + 1 >= text.size()) return out->push_back('\\'), at + 1;
  const char c = text[at + 1];
  if (c != 'u') {
    constexpr std::string_view kFrom = "bfnrt";
    constexpr std::string_view kTo = "\b\f\n\r\t";
    const std::size_t i = kFrom.find(c);
    out->push_back(i == kNowhere ? c : kTo[i]);
    return at + 2;
  }
  std::optional<std::uint32_t> code = Hex4(text, at + 2);
  if (!code) return out->append("\\u"), at + 2;
  at += 6;
  if (*code >= 0xd800 && *code < 0xdc00 && text.substr(at, 2) == "\\u") {
    const std::optional<std::uint32_t> low = Hex4(text, at + 2);
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
      at += 6;
    }
  }
  AppendUtf8(*code >= 0xd800 && *code < 0xe000 ? 0xfffd : *code, out);
  return at;
}

// Of eight characters at once: the high bit of each that is `c`, and perhaps of
// some behind the first.
constexpr std::uint64_t Equal(std::uint64_t eight, char c) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t zero = eight ^ (kOnes * static_cast<unsigned char>(c));
  return (zero - kOnes) & ~zero & (kOnes << 7);
}

}  // namespace

const char* EndOfPlainText(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - at >= 8; at += 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, at, sizeof(eight));
      const std::uint64_t found = Equal(eight, '"') | Equal(eight, '\\') | Equal(eight, '\n');
      if (found != 0) return at + std::countr_zero(found) / 8;
    }
  }
  while (at < end && *at != '"' && *at != '\\' && *at != '\n') ++at;
  return at;
}

std::size_t EndOfJsonValue(std::string_view text, std::size_t begin) {
  if (begin >= text.size()) return kNowhere;
  switch (text[begin]) {
    case '{':
    case '[': return EndOfBrackets(text, begin);
    case '"': return EndOfString(text, begin);
    default: {
      std::size_t end = begin;
      while (end < text.size() && !IsJsonSpace(text[end]) && std::strchr(",:]}", text[end]) == nullptr) ++end;
      return end == begin ? kNowhere : end;
    }
  }
}

JsonSpan::JsonSpan(std::string_view text) : text_(text) {
  while (!text_.empty() && IsJsonSpace(text_.front())) text_.remove_prefix(1);
  while (!text_.empty() && IsJsonSpace(text_.back())) text_.remove_suffix(1);
}

void JsonSpan::ForEachField(const std::function<void(std::string_view, JsonSpan)>& visit) const {
  if (!is_object()) return;
  for (std::size_t at = SkipSpace(text_, 1); at < text_.size() && text_[at] == '"';) {
    const std::size_t key_end = EndOfString(text_, at);
    if (key_end == kNowhere) return;
    const std::string_view key = text_.substr(at + 1, key_end - at - 2);
    at = SkipSpace(text_, key_end);
    if (at >= text_.size() || text_[at] != ':') return;
    at = SkipSpace(text_, at + 1);
    const std::size_t end = EndOfJsonValue(text_, at);
    if (end == kNowhere) return;
    visit(key, JsonSpan(text_.substr(at, end - at)));
    at = SkipSpace(text_, end);
    if (at >= text_.size() || text_[at] != ',') return;
    at = SkipSpace(text_, at + 1);
  }
}

void JsonSpan::ForEachItem(const std::function<void(JsonSpan)>& visit) const {
  if (!is_array()) return;
  for (std::size_t at = SkipSpace(text_, 1); at < text_.size() && text_[at] != ']';) {
    const std::size_t end = EndOfJsonValue(text_, at);
    if (end == kNowhere) return;
    visit(JsonSpan(text_.substr(at, end - at)));
    at = SkipSpace(text_, end);
    if (at >= text_.size() || text_[at] != ',') return;
    at = SkipSpace(text_, at + 1);
  }
}

void JsonSpan::Get(std::initializer_list<std::pair<std::string_view, JsonSpan*>> fields) const {
  ForEachField([&](std::string_view key, JsonSpan value) {
    for (const auto& [name, target] : fields) {
      if (name == key) *target = value;
    }
  });
}

JsonSpan JsonSpan::operator[](std::string_view key) const {
  JsonSpan found;
  Get({{key, &found}});
  return found;
}

std::string JsonSpan::String() const {
  if (!is_string() || text_.size() < 2) return {};
  const std::string_view inner = text_.substr(1, text_.size() - 2);
  if (inner.find('\\') == kNowhere) return std::string(inner);
  std::string out;
  out.reserve(inner.size());
  for (std::size_t at = 0; at < inner.size();) {
    if (inner[at] == '\\') {
      at = Unescape(inner, at, &out);
    } else {
      out.push_back(inner[at++]);
    }
  }
  return out;
}

std::optional<std::int64_t> JsonSpan::Int() const {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (text_.empty() || error != std::errc() || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

std::optional<double> JsonSpan::Number() const {
  double value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (text_.empty() || error != std::errc() || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

}  // namespace epslice::sim

#include "apis/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstddef>

namespace epslice {
namespace {

bool IsContinuation(std::string_view s, std::size_t i) {
  return i < s.size() && (static_cast<unsigned char>(s[i]) & 0xC0U) == 0x80U;
}

// The length of the well-formed UTF-8 sequence at s[i] (Unicode 15, table
// 3-7), 0 where there is none. s[i] is no ASCII byte.
std::size_t Utf8Length(std::string_view s, std::size_t i) {
  const auto lead = static_cast<unsigned char>(s[i]);
  if (lead < 0xC2 || lead > 0xF4 || !IsContinuation(s, i + 1)) return 0;
  if (lead < 0xE0) return 2;
  const auto second = static_cast<unsigned char>(s[i + 1]);
  if (!IsContinuation(s, i + 2)) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!IsContinuation(s, i + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || too_large ? 0 : 4;
}

void AppendEscaped(unsigned char c, std::string* out) {
  switch (c) {
    case '"': out->append("\\\""); return;
    case '\\': out->append("\\\\"); return;
    case '\b': out->append("\\b"); return;
    case '\f': out->append("\\f"); return;
    case '\n': out->append("\\n"); return;
    case '\r': out->append("\\r"); return;
    case '\t': out->append("\\t"); return;
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  out->append("\\u00");
  out->push_back(kHex[c >> 4]);
  out->push_back(kHex[c & 15]);
}

void AppendQuoted(std::string_view s, std::string* out) {
  out->push_back('"');
  std::size_t copied = 0;  // everything before is in `out`
  std::size_t i = 0;
  while (i < s.size()) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c >= 0x80) {
      const std::size_t length = Utf8Length(s, i);
      if (length != 0) {
        i += length;
        continue;
      }
    } else if (c >= 0x20 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    out->append(s.substr(copied, i - copied));
    if (c >= 0x80) {
      out->append("\xEF\xBF\xBD");
    } else {
      AppendEscaped(c, out);
    }
    copied = ++i;
  }
  out->append(s.substr(copied));
  out->push_back('"');
}

template <typename Number>
void AppendNumber(Number value, std::string* out) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, result.ptr);
}

}  // namespace

void JsonWriter::Key(std::string_view key) {
  Separate();
  AppendQuoted(key, out_);
  out_->append(indented_ ? ": " : ":");
  after_key_ = true;
}

void JsonWriter::String(std::string_view value) {
  Separate();
  AppendQuoted(value, out_);
}

void JsonWriter::Int(std::int64_t value) {
  Separate();
  AppendNumber(value, out_);
}

void JsonWriter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  Separate();
  AppendNumber(value, out_);
}

void JsonWriter::Bool(bool value) {
  Separate();
  out_->append(value ? "true" : "false");
}

void JsonWriter::Null() {
  Separate();
  out_->append("null");
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_->append(json);
}

void JsonWriter::Open(char c) {
  Separate();
  out_->push_back(c);
  ++depth_;
  first_ = true;
}

void JsonWriter::Close(char c) {
  --depth_;
  if (!first_) NewLine();
  out_->push_back(c);
  first_ = false;
}

// Before a key or a value: the comma and the line it starts on, unless it
// follows its key.
void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!first_) out_->push_back(',');
  first_ = false;
  NewLine();
}

void JsonWriter::NewLine() {
  if (!indented_) return;
  out_->push_back('\n');
  out_->append(static_cast<std::size_t>(depth_) * 2, ' ');
}

}  // namespace epslice

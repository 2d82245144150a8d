#include "sim/report/structured.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "apis/json_writer.h"
#include "apis/yaml_scalar.h"

namespace epslice::sim {
namespace {

using OrderedJson = nlohmann::ordered_json;

bool IsPlainYaml(const std::string& s) {
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`=<~. ";
  if (s.empty() || kIndicators.find(s[0]) != std::string_view::npos || s.back() == ' ' || s.back() == ':') return false;
  const auto not_plain = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(s.begin(), s.end(), not_plain)) return false;
  // Bytes beyond ASCII may be characters that YAML does not print.
  if (std::any_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return false;
  if (s.find(": ") != std::string::npos || s.find(" #") != std::string::npos) return false;
  const bool digit = s[0] >= '0' && s[0] <= '9';
  // Times ("2026-01-02") and YAML 1.1's numbers to the base of 60 ("1:30").
  if (digit && (s.find(':') != std::string::npos || s.find('-') == 4)) return false;
  const absl::StatusOr<YamlScalar> scalar = ResolveYamlScalar("", s);
  return scalar.ok() && scalar->type == YamlScalar::Type::kString;
}

class YamlEmitter {
 public:
  explicit YamlEmitter(std::string* out) : out_(*out) {}

  // A value that begins on the current line, the lines after it `indent` in.
  // `inline_first`: the current line is where its first entry goes ("- a: 1").
  void Value(const OrderedJson& value, std::size_t indent, bool inline_first) {
    if (value.is_object() && !value.empty()) {
      bool first = inline_first;
      for (const auto& [key, member] : value.items()) {
        NewLine(indent, &first);
        const bool long_key = Key(key, indent);
        // Sequences stand below their key without further indentation.
        Below(member, member.is_array() && !long_key ? indent : indent + 2);
      }
    } else if (value.is_array() && !value.empty()) {
      bool first = inline_first;
      for (const OrderedJson& item : value) {
        NewLine(indent, &first);
        out_ += "- ";
        Value(item, indent + 2, /*inline_first=*/true);
      }
    } else {
      Scalar(value);
    }
  }

 private:
  // "key:"; where the key is too long for that (YAML allows 1024 characters),
  // "? key", and the ':' on a line of its own.
  bool Key(const std::string& key, std::size_t indent) {
    constexpr std::size_t kLongest = 1000;
    std::string text;
    YamlEmitter(&text).String(key);
    const bool is_long = text.size() > kLongest;
    if (is_long) out_ += "? ";
    out_ += text;
    if (is_long) {
      out_.push_back('\n');
      out_.append(indent, ' ');
    }
    out_.push_back(':');
    return is_long;
  }
  void NewLine(std::size_t indent, bool* first) {
    if (!*first) {
      out_.push_back('\n');
      out_.append(indent, ' ');
    }
    *first = false;
  }
  void Below(const OrderedJson& value, std::size_t indent) {
    if (!value.is_structured() || value.empty()) {
      out_.push_back(' ');
      Scalar(value);
    } else {
      Value(value, indent, /*inline_first=*/false);
    }
  }
  void Scalar(const OrderedJson& value) {
    if (value.is_string()) {
      String(value.get_ref<const std::string&>());
    } else {
      out_ += value.dump();
    }
  }
  void String(const std::string& s) {
    if (IsPlainYaml(s)) {
      out_ += s;
    } else {
      JsonWriter(&out_).String(s);
    }
  }

  std::string& out_;
};

}  // namespace

std::string IndentJson(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 2);
  std::size_t depth = 0;
  const auto new_line = [&] {
    out.push_back('\n');
    out.append(2 * depth, ' ');
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    switch (c) {
      case '"': {
        std::size_t end = i + 1;
        while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
        end = std::min(end + 1, json.size());
        out.append(json.substr(i, end - i));
        i = end - 1;
        break;
      }
      case '{':
      case '[':
        out.push_back(c);
        if (i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']')) {
          out.push_back(json[++i]);
        } else {
          ++depth;
          new_line();
        }
        break;
      case '}':
      case ']':
        if (depth > 0) --depth;
        new_line();
        out.push_back(c);
        break;
      case ',':
        out.push_back(c);
        new_line();
        break;
      case ':': out += ": "; break;
      default: out.push_back(c);
    }
  }
  out.push_back('\n');
  return out;
}

std::string JsonToYaml(std::string_view json) {
  std::string out;
  YamlEmitter(&out).Value(OrderedJson::parse(json), 0, /*inline_first=*/true);
  out.push_back('\n');
  return out;
}

void PrintStructured(std::string_view json, OutputFormat format, std::ostream& out) {
  if (format == OutputFormat::kJson) out << IndentJson(json);
  if (format == OutputFormat::kYaml) out << JsonToYaml(json);
}

}  // namespace epslice::sim

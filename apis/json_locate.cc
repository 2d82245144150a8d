// Where a text that the parser has refused stops being JSON. The parser is
// fast because it does not keep track of places; this reads the text again,
// byte by byte, and stops at the first that does not belong.
#include <charconv>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apis/cat.h"
#include "apis/json_parse.h"

namespace epslice::json {
namespace {

bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// The length of the UTF-8 sequence that `s` begins with; 0: there is none.
std::size_t Utf8Length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if ((lead & 0xf0U) == 0xe0) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

class Checker {
 public:
  Checker(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<JsonFault> Run() {
    if (Document()) return std::nullopt;
    return std::move(fault_);
  }

 private:
  bool Fail(std::string_view what) { return FailAt(at_, what); }
  bool FailAt(std::size_t offset, std::string_view what) {
    fault_ = {offset, std::string(what)};
    return false;
  }
  // "expected ':', found 'x'", or what is missing at the end.
  bool Expected(std::string_view what) {
    const std::string wanted(what);
    if (at_ >= text_.size()) return Fail(absl::StrCat("the text ends where ", wanted, " is expected"));
    const char c = text_[at_];
    if (c > ' ' && c < 0x7f) return Fail(absl::StrCat("expected ", wanted, ", found '", std::string(1, c), "'"));
    return Fail(absl::StrCat("expected ", wanted, ", found byte 0x",
                             absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2)));
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Document() {
    if (!Value()) return false;
    while (!open_.empty()) {
      SkipSpace();
      const char close = open_.back();
      if (Peek() == close) {
        ++at_;
        open_.pop_back();
        continue;
      }
      if (Peek() != ',') return Expected(close == '}' ? "',' or '}'" : "',' or ']'");
      ++at_;
      if (close == '}' && !Key()) return false;
      if (!Value()) return false;
    }
    SkipSpace();
    return at_ == text_.size() || Fail("more text follows the end of the JSON value");
  }

  // A value; of an object or array with something in it: up to the first
  // value inside that has ended, the brackets around it left on the stack.
  bool Value() {
    for (;;) {
      SkipSpace();
      const char open = Peek();
      if (open != '{' && open != '[') return Scalar();
      const std::size_t begin = at_++;
      open_.push_back(open == '{' ? '}' : ']');
      SkipSpace();
      if (Peek() == open_.back()) {
        ++at_;
        open_.pop_back();
        return true;
      }
      // As the parser counts: an empty one is no level.
      if (open_.size() > max_depth_) return FailAt(begin, absl::StrCat("nested more than ", max_depth_, " deep"));
      if (open == '{' && !Key()) return false;
    }
  }

  bool Key() {
    SkipSpace();
    if (Peek() != '"') return Expected("a key in double quotes");
    if (!String()) return false;
    SkipSpace();
    if (Peek() != ':') return Expected("':'");
    ++at_;
    return true;
  }

  bool Scalar() {
    const char c = Peek();
    if (c == '"') return String();
    if (c == '-' || IsDigit(c)) return Number();
    for (std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return true;
      }
    }
    return Expected("a value");
  }

  bool String() {
    const std::size_t begin = at_++;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!Escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail("a control character within a string");
      const std::size_t length = Utf8Length(text_.substr(at_));
      if (length == 0) return Fail("a byte that is not UTF-8");
      at_ += length;
    }
    return FailAt(begin, "a string without an end");
  }

  bool Escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == 'u') {
      for (std::size_t i = 2; i < 6; ++i) {
        if (at_ + i >= text_.size() || !IsHex(text_[at_ + i])) return Fail("\\u without four hexadecimal digits");
      }
      unsigned unit = 0;
      std::from_chars(text_.data() + at_ + 2, text_.data() + at_ + 6, unit, 16);
      const bool pair = text_.substr(at_ + 6, 2) == "\\u";
      if (unit >= 0xd800 && unit < 0xdc00 && !pair) return Fail("half of a surrogate pair");
      at_ += 6;
      return true;
    }
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos || c == '\0') {
      return Fail("an escape that JSON does not have");
    }
    at_ += 2;
    return true;
  }

  bool Digits() {
    const std::size_t begin = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ > begin || Expected("a digit");
  }

  bool Number() {
    const std::size_t begin = at_;
    bool whole = true;
    if (Peek() == '-') ++at_;
    if (Peek() == '0' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1])) {
      return Fail("a number with a leading zero");
    }
    if (!Digits()) return false;
    if (Peek() == '.') {
      whole = false;
      ++at_;
      if (!Digits()) return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      whole = false;
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!Digits()) return false;
    }
    return !whole || Fits64Bits(begin);
  }

  bool Fits64Bits(std::size_t begin) {
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    std::int64_t number = 0;
    std::uint64_t positive = 0;
    if (std::from_chars(first, last, number).ec == std::errc() ||
        (*first != '-' && std::from_chars(first, last, positive).ec == std::errc())) {
      return true;
    }
    return FailAt(begin, "a number that does not fit 64 bits");
  }

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
  std::vector<char> open_;  // the brackets that close what is open
  std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> LocateJsonFault(std::string_view text, std::size_t max_depth) {
  return Checker(text, max_depth).Run();
}

}  // namespace epslice::json

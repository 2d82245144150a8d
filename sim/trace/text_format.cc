#include "sim/trace/text_format.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Of the character that begins with the byte.
std::size_t LengthOfCharacter(unsigned lead) { return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1; }

// The bytes at the end that begin a character and do not end it.
std::size_t BegunCharacter(std::string_view s) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(3, s.size()); ++n) {
    const auto byte = static_cast<std::uint8_t>(s[s.size() - n]);
    if ((byte & 0xc0U) != 0x80) return LengthOfCharacter(byte) > n ? n : 0;
  }
  return 0;
}

absl::Status NotUtf8(std::size_t line) {
  return absl::InvalidArgumentError(Concat("line ", line, ": holds a byte that is not UTF-8"));
}

// The first byte that is not UTF-8 (RFC 3629) or is a NUL; npos: none.
std::size_t FindNotUtf8(std::string_view s) {
  std::size_t i = 0;
  while (i < s.size()) {
    const auto byte = [&](std::size_t k) { return i + k < s.size() ? static_cast<std::uint8_t>(s[i + k]) : 0U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
      if (lead == 0) return i;
      ++i;
      continue;
    }
    const std::size_t length = LengthOfCharacter(lead);
    if (lead < 0xc2 || lead > 0xf4) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(k) & 0xc0U) != 0x80) return i;
    }
    const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    if (overlong || surrogate || (lead == 0xf4 && byte(1) > 0x8f)) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace

std::size_t CountLineEnds(std::string_view s) { return static_cast<std::size_t>(std::count(s.begin(), s.end(), '\n')); }

bool IsBlank(std::string_view text) { return text.find_first_not_of(kSpace) == std::string_view::npos; }

absl::StatusOr<TextFormat> DetectTextFormat(std::string_view* text, std::string_view accepted) {
  if (text->substr(0, 2) == "\xff\xfe" || text->substr(0, 2) == "\xfe\xff") {
    return absl::InvalidArgumentError("is UTF-16 text; UTF-8 is accepted");
  }
  if (text->starts_with(kByteOrderMark)) text->remove_prefix(kByteOrderMark.size());
  if (IsBlank(*text)) return absl::InvalidArgumentError(Concat("is empty; ", accepted));
  const std::size_t bad = FindNotUtf8(*text);
  if (bad != std::string_view::npos) {
    // A stray byte in much text is a slip, one at the start is no text at all.
    constexpr std::size_t kPlainlyBinary = 16;
    if (text->substr(0, 4) == "PK\x03\x04") {
      return absl::InvalidArgumentError("is a zip archive; of k8shark's the NDJSON of its records is read");
    }
    if (bad < kPlainlyBinary || (*text)[bad] == '\0') {
      return absl::InvalidArgumentError(Concat("is binary; ", accepted));
    }
    return NotUtf8(1 + CountLineEnds(text->substr(0, bad)));
  }
  const std::size_t first = text->find_first_not_of(kSpace);
  if ((*text)[first] == '[') return TextFormat::kJson;
  if ((*text)[first] != '{') return TextFormat::kYaml;
  const std::size_t second = text->find_first_not_of(kSpace, first + 1);
  if (second == std::string_view::npos) return TextFormat::kJson;
  return (*text)[second] == '"' || (*text)[second] == '}' ? TextFormat::kJson : TextFormat::kYaml;
}

absl::Status Utf8Check::Add(std::string_view piece) {
  begun_ += piece;
  const std::size_t whole = begun_.size() - BegunCharacter(begun_);
  const std::string_view text = std::string_view(begun_).substr(0, whole);
  if (const std::size_t bad = FindNotUtf8(text); bad != std::string_view::npos) {
    const std::size_t line = line_ + CountLineEnds(text.substr(0, bad));
    return text[bad] == '\0' ? absl::InvalidArgumentError(Concat("line ", line, ": is binary, it holds a NUL"))
                             : NotUtf8(line);
  }
  line_ += CountLineEnds(text);
  begun_.erase(0, whole);
  return absl::OkStatus();
}

absl::Status Utf8Check::Finish() const { return begun_.empty() ? absl::OkStatus() : NotUtf8(line_); }

}  // namespace epslice::sim

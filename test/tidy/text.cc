// Reading C++ just well enough: what is code, what is a comment or a literal.
#include <cctype>
#include <sstream>
#include <string>
#include <string_view>

#include "test/tidy/tidy.h"

namespace epslice::tidy {
namespace {

// The end of the quoted literal that starts at `i`; an unterminated one ends
// with its line, so that a mistake here does not blank the rest of the file.
std::size_t EndOfQuoted(std::string_view code, std::size_t i) {
  const char quote = code[i];
  for (++i; i < code.size() && code[i] != '\n'; ++i) {
    if (code[i] == '\\') {
      ++i;
    } else if (code[i] == quote) {
      return i + 1;
    }
  }
  return std::min(i, code.size());
}

// The end of the raw string whose quote is at `i`: R"delimiter(...)delimiter".
std::size_t EndOfRaw(std::string_view code, std::size_t i) {
  const std::size_t open = code.find('(', i);
  if (open == std::string_view::npos) return code.size();
  const std::string close = ")" + std::string(code.substr(i + 1, open - i - 1)) + "\"";
  const std::size_t end = code.find(close, open);
  return end == std::string_view::npos ? code.size() : end + close.size();
}

bool IsRawPrefix(std::string_view code, std::size_t quote) {
  if (quote == 0 || code[quote - 1] != 'R') return false;
  std::size_t start = quote - 1;
  while (start > 0 && IsWord(code[start - 1])) --start;
  const std::string_view prefix = code.substr(start, quote - start);
  return prefix == "R" || prefix == "u8R" || prefix == "uR" || prefix == "UR" || prefix == "LR";
}

// The end of the comment or literal at `i`, or `i` where there is none.
std::size_t EndOfNonCode(std::string_view code, std::size_t i) {
  if (code.substr(i, 2) == "//") {
    const std::size_t end = code.find('\n', i);
    return end == std::string_view::npos ? code.size() : end;
  }
  if (code.substr(i, 2) == "/*") {
    const std::size_t end = code.find("*/", i + 2);
    return end == std::string_view::npos ? code.size() : end + 2;
  }
  if (code[i] == '"') return IsRawPrefix(code, i) ? EndOfRaw(code, i) : EndOfQuoted(code, i);
  // A quote after a digit or letter separates digits: 1'000.
  if (code[i] == '\'' && (i == 0 || !IsWord(code[i - 1]))) return EndOfQuoted(code, i);
  return i;
}

}  // namespace

std::string ToString(const Finding& finding) {
  return finding.path + ":" + std::to_string(finding.line) + ": [" + finding.rule + "] " + finding.message;
}

std::string StripCommentsAndLiterals(std::string_view code) {
  std::string out(code);
  for (std::size_t i = 0; i < code.size();) {
    const std::size_t end = EndOfNonCode(code, i);
    if (end == i) {
      ++i;
      continue;
    }
    for (; i < end; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  }
  return out;
}

std::vector<Include> IncludesOf(std::string_view code) {
  std::vector<Include> includes;
  const std::string stripped_all = StripCommentsAndLiterals(code);
  std::istringstream stripped_lines(stripped_all);
  std::istringstream lines{std::string(code)};
  std::string stripped;
  std::string line;
  for (int number = 1; std::getline(lines, line) && std::getline(stripped_lines, stripped); ++number) {
    const std::size_t hash = stripped.find_first_not_of(" \t");
    if (hash == std::string::npos || stripped[hash] != '#') continue;
    const std::size_t word = stripped.find_first_not_of(" \t", hash + 1);
    if (word == std::string::npos || stripped.compare(word, 7, "include") != 0) continue;
    const std::size_t open = line.find_first_of("<\"", word);
    if (open == std::string::npos) continue;
    const bool angled = line[open] == '<';
    const std::size_t close = line.find(angled ? '>' : '"', open + 1);
    if (close == std::string::npos) continue;
    includes.push_back({number, angled, line.substr(open + 1, close - open - 1)});
  }
  return includes;
}

}  // namespace epslice::tidy

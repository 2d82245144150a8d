#include "apis/json_parse.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace epslice::json {
namespace {

// A parser for longer texts is given back after use. Its buffers take some 14
// bytes for each byte of text, so that what stays is below 4 MiB.
constexpr std::size_t kKeepBytes = std::size_t{256} << 10;
// A Text holds less than 2^31 bytes, and the parser less than 2^32.
constexpr std::size_t kMostBytes = 0x7fffffff;
// What reads a document may call itself for each level.
constexpr std::size_t kMostLevels = 1000;

simdjson::dom::parser& ThreadParser() {
  thread_local simdjson::dom::parser parser;
  return parser;
}

// What to say where LocateJsonFault finds nothing to complain about.
std::string_view Describe(simdjson::error_code error) {
  switch (error) {
    case simdjson::MEMALLOC: return "not enough memory for it";
    case simdjson::CAPACITY: return "the text is too long";
    case simdjson::DEPTH_ERROR: return "the text is nested too deep";
    case simdjson::STRING_ERROR: return "a string has a bad escape";
    case simdjson::NUMBER_ERROR: return "a number is malformed, or too large";
    case simdjson::UTF8_ERROR: return "the text is not UTF-8";
    default: return "the text is not JSON";
  }
}

// "line 3, column 7", both from 1, the column in bytes.
std::string Place(std::string_view text, std::size_t offset, std::size_t begin_line, std::size_t begin_column) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::size_t column = offset - line_begin + (lines == 0 ? begin_column : 1);
  return absl::StrCat("line ", begin_line + lines, ", column ", column);
}

}  // namespace

absl::Status CheckSize(std::string_view text, const JsonLimits& limits) {
  const std::size_t most = std::min(limits.max_bytes, kMostBytes);
  if (text.size() <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("holds ", text.size(), " bytes, more than the ", most, " accepted"));
}

ScopedParser::ScopedParser(Source source) : parser_(source == Source::kOwn ? &own_ : &ThreadParser()) {}

ScopedParser::~ScopedParser() {
  if (parser_ != &own_ && parser_->capacity() > kKeepBytes) *parser_ = simdjson::dom::parser();
}

simdjson::error_code ScopedParser::ParseInto(std::string_view text, std::size_t max_depth,
                                             simdjson::dom::element* root) {
  // simdjson counts the document itself as a level.
  const std::size_t levels = max_depth + 1;
  if (parser_->capacity() < text.size() || parser_->max_depth() != levels) {
    const std::size_t capacity = std::max({text.size(), parser_->capacity(), std::size_t{4096}});
    const simdjson::error_code error = parser_->allocate(capacity, levels);
    if (error != simdjson::SUCCESS) return error;
  }
  return parser_->parse(text.data(), text.size()).get(*root);
}

std::optional<simdjson::dom::element> ScopedParser::TryParse(std::string_view text, const JsonLimits& limits) {
  simdjson::dom::element root;
  if (!CheckSize(text, limits).ok()) return std::nullopt;
  if (ParseInto(text, std::min(limits.max_depth, kMostLevels), &root) != simdjson::SUCCESS) return std::nullopt;
  return root;
}

absl::StatusOr<simdjson::dom::element> ScopedParser::Parse(std::string_view text, const JsonLimits& limits,
                                                           std::size_t begin_line, std::size_t begin_column) {
  absl::Status size = CheckSize(text, limits);
  if (!size.ok()) return size;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return absl::InvalidArgumentError("holds no JSON");
  const std::size_t most_levels = std::min(limits.max_depth, kMostLevels);
  simdjson::dom::element root;
  const simdjson::error_code error = ParseInto(text, most_levels, &root);
  if (error == simdjson::SUCCESS) return root;
  if (std::optional<JsonFault> fault = LocateJsonFault(text, most_levels)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Place(text, fault->offset, begin_line, begin_column), ": ", fault->what));
  }
  const std::string_view what = Describe(error);
  return absl::InvalidArgumentError(
      absl::StrCat("line ", begin_line, ": ", absl::string_view(what.data(), what.size())));
}

}  // namespace epslice::json

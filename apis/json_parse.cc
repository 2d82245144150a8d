#include "apis/json_parse.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace epslice::json {
namespace {

// More than this is given back after use.
constexpr std::size_t kKeepBytes = std::size_t{4} << 20;
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
std::string Place(std::string_view text, std::size_t offset, std::size_t begin_line) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return absl::StrCat("line ", begin_line + lines, ", column ", offset - line_begin + 1);
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

absl::StatusOr<simdjson::dom::element> ScopedParser::Parse(std::string_view text, const JsonLimits& limits,
                                                           std::size_t begin_line) {
  absl::Status size = CheckSize(text, limits);
  if (!size.ok()) return size;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return absl::InvalidArgumentError("holds no JSON");
  const std::size_t most_levels = std::min(limits.max_depth, kMostLevels);
  // simdjson counts the document itself as a level.
  const std::size_t levels = most_levels + 1;
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser_->capacity() < text.size() || parser_->max_depth() != levels) {
    error = parser_->allocate(std::max({text.size(), parser_->capacity(), std::size_t{4096}}), levels);
  }
  simdjson::dom::element root;
  if (error == simdjson::SUCCESS) error = parser_->parse(text.data(), text.size()).get(root);
  if (error == simdjson::SUCCESS) return root;
  if (std::optional<JsonFault> fault = LocateJsonFault(text, most_levels)) {
    return absl::InvalidArgumentError(absl::StrCat(Place(text, fault->offset, begin_line), ": ", fault->what));
  }
  const std::string_view what = Describe(error);
  return absl::InvalidArgumentError(
      absl::StrCat("line ", begin_line, ": ", absl::string_view(what.data(), what.size())));
}

}  // namespace epslice::json

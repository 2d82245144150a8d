// Private to apis: text -> simdjson document, within limits, and what is wrong
// with a text that is no JSON.
#ifndef EPSLICE_APIS_JSON_PARSE_H_
#define EPSLICE_APIS_JSON_PARSE_H_

#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "apis/json.h"

namespace epslice::json {

// A parser borrowed from this thread, or, for who lets other code run while
// the document is in use, one of its own. Buffers that grew large are given
// back when it ends, so that one huge list does not stay with each thread.
class ScopedParser {
 public:
  enum class Source { kThread, kOwn };
  explicit ScopedParser(Source source = Source::kThread);
  ~ScopedParser();
  ScopedParser(const ScopedParser&) = delete;
  ScopedParser& operator=(const ScopedParser&) = delete;

  // The document's root; valid until the next Parse or the end of this.
  // InvalidArgument says where the text is wrong: "line 3, column 7: ...".
  // The text begins at `begin_line` and `begin_column`.
  absl::StatusOr<simdjson::dom::element> Parse(std::string_view text, const JsonLimits& limits,
                                               std::size_t begin_line = 1, std::size_t begin_column = 1);
  // The same for who has another use for a text that is not one value: nullopt.
  std::optional<simdjson::dom::element> TryParse(std::string_view text, const JsonLimits& limits);

 private:
  simdjson::error_code ParseInto(std::string_view text, std::size_t max_depth, simdjson::dom::element* root);

  simdjson::dom::parser own_;
  simdjson::dom::parser* parser_;
};

// Where a text stops being one JSON value, and what was expected there.
struct JsonFault {
  std::size_t offset = 0;
  std::string what;
};
// nullopt: nothing found wrong. Slow and thorough: for texts that the parser
// has refused already.
std::optional<JsonFault> LocateJsonFault(std::string_view text, std::size_t max_depth);

// InvalidArgument when the text is longer than the limits allow.
absl::Status CheckSize(std::string_view text, const JsonLimits& limits);

}  // namespace epslice::json

#endif  // EPSLICE_APIS_JSON_PARSE_H_

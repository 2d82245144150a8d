// JSON or YAML? Told from the text, not from a file name.
#ifndef EPSLICE_SIM_TRACE_TEXT_FORMAT_H_
#define EPSLICE_SIM_TRACE_TEXT_FORMAT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace epslice::sim {

enum class TextFormat { kJson, kYaml };

// For messages: what is read where a file holds documents and nothing else.
inline constexpr std::string_view kAcceptedDocuments =
    "accepted are JSON and YAML, also compressed with gzip, zstd or xz";
// The same where it may be any trace.
inline constexpr std::string_view kAcceptedTraces =
    "accepted are dumps, our JSON lines, audit logs, watch streams (kubectl get -w --output-watch-events -o json), "
    "k8shark records, kwok recordings, and CSV files named with a preset (alibaba-dlrm:FILE)";

// What `*text` is; takes a byte order mark off its front. JSON begins with '['
// or with '{' and a '"' or '}' after that; all other text is YAML. InvalidArgument
// with one line for what is empty or no UTF-8 text (binary, UTF-16); `accepted`
// is what that says is read.
absl::StatusOr<TextFormat> DetectTextFormat(std::string_view* text, std::string_view accepted = kAcceptedDocuments);

// Whether a text in pieces is UTF-8 without NULs; in errors, on which line not.
// Not thread-safe.
class Utf8Check {
 public:
  // InvalidArgument as of DetectTextFormat().
  absl::Status Add(std::string_view piece);
  // There is no more.
  absl::Status Finish() const;

 private:
  std::string begun_;  // a character that goes on in the next piece
  std::size_t line_ = 1;
};

// How many lines end in a text.
std::size_t CountLineEnds(std::string_view text);

// Nothing but white space.
bool IsBlank(std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TEXT_FORMAT_H_

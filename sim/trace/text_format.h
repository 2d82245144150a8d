// JSON or YAML? Told from the text, not from a file name.
#ifndef EPSLICE_SIM_TRACE_TEXT_FORMAT_H_
#define EPSLICE_SIM_TRACE_TEXT_FORMAT_H_

#include <string_view>

#include "absl/status/statusor.h"

namespace epslice::sim {

enum class TextFormat { kJson, kYaml };

// What `*text` is; takes a byte order mark off its front. JSON begins with '['
// or with '{' and a '"' or '}' after that; all other text is YAML. InvalidArgument
// with one line for what is empty or no UTF-8 text (binary, UTF-16).
absl::StatusOr<TextFormat> DetectTextFormat(std::string_view* text);

// Nothing but white space.
bool IsBlank(std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_TEXT_FORMAT_H_

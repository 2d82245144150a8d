// JsonSpan: a value inside a JSON text, found without parsing the rest.
//
// A line of an audit log is mostly what we do not look at; what we do is handed
// to the codecs, which check it. A span only follows brackets and strings, so
// the text may be anything: what is no JSON reads as absent values.
// A view: valid as long as the text.
#ifndef EPSLICE_SIM_TRACE_JSON_SPAN_H_
#define EPSLICE_SIM_TRACE_JSON_SPAN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace epslice::sim {

// Whether JSON allows it between tokens.
inline bool IsJsonSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The first quote, backslash or line end from `at` on, `end` where there is none:
// what is not to be passed over in a JSON string.
const char* EndOfPlainText(const char* at, const char* end);

class JsonSpan {
 public:
  // Absent.
  JsonSpan() = default;
  // `text` without white space around it.
  explicit JsonSpan(std::string_view text);

  // There and not null.
  bool present() const { return !text_.empty() && text_[0] != 'n'; }
  bool is_object() const { return !text_.empty() && text_[0] == '{'; }
  bool is_array() const { return !text_.empty() && text_[0] == '['; }
  bool is_string() const { return !text_.empty() && text_[0] == '"'; }
  bool is_true() const { return text_ == "true"; }
  std::string_view text() const { return text_; }

  // A field of an object; absent when there is none. Of equal keys the last
  // one counts.
  JsonSpan operator[](std::string_view key) const;
  // Several fields in one pass.
  void Get(std::initializer_list<std::pair<std::string_view, JsonSpan*>> fields) const;
  void ForEachField(const std::function<void(std::string_view key, JsonSpan value)>& visit) const;
  void ForEachItem(const std::function<void(JsonSpan item)>& visit) const;

  // The string; "" when it is something else. Escapes are resolved, broken ones
  // left as they are.
  std::string String() const;
  std::optional<std::int64_t> Int() const;
  std::optional<double> Number() const;

 private:
  std::string_view text_;
};

// Where the JSON value that begins at `begin` ends (behind it); npos when the
// text ends first.
std::size_t EndOfJsonValue(std::string_view text, std::size_t begin);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_JSON_SPAN_H_

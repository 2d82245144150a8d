// Joining strings. absl::StrCat does it for absl's own string_view only, which
// is not std's where abseil was built for C++14.
#ifndef EPSLICE_APIS_CAT_H_
#define EPSLICE_APIS_CAT_H_

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace epslice {

// All parts, one after the other: Cat({"line ", std::to_string(n), ": ", why}).
inline std::string Cat(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (std::string_view part : parts) size += part.size();
  std::string out;
  out.reserve(size);
  for (std::string_view part : parts) out.append(part);
  return out;
}

// `text` in double quotes for an error message, cut after `max` bytes, with
// bytes that do not print as '?': what was wrong may come from anywhere.
std::string QuoteForError(std::string_view text, std::size_t max = 64);

// The shortest digits that read back as `value`: "0.1", "1e+30", "nan".
std::string ShortestNumber(double value);

// "0" to "9", whatever the locale.
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What some editors put before UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Of ASCII letters; all else stays.
std::string LowerCase(std::string_view text);

}  // namespace epslice

#endif  // EPSLICE_APIS_CAT_H_

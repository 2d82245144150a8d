#include "apis/cat.h"

namespace epslice {

std::string QuoteForError(std::string_view text, std::size_t max) {
  const bool cut = text.size() > max;
  std::string out = "\"";
  for (char c : text.substr(0, max)) out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  out.append(cut ? "\"..." : "\"");
  return out;
}

}  // namespace epslice

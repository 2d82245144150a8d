#include "sim/report/table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace epslice::sim {
namespace {

constexpr std::size_t kGap = 3;

// Code points stand for columns: names of Kubernetes objects are ASCII, and
// for the rest this is close.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<std::uint8_t>(c) & 0xc0U) != 0x80; }));
}

// The length of the UTF-8 sequence at the start of `s`, 0 for none.
std::size_t SequenceLength(std::string_view s) {
  const auto lead = static_cast<std::uint8_t>(s[0]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || length > s.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<std::uint8_t>(s[i]) & 0xc0U) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const bool c1_control = length == 2 && lead == 0xc2 && static_cast<std::uint8_t>(text[1]) < 0xa0;
    if (length == 0 || lead < 0x20 || lead == 0x7f || c1_control) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

void Table::Print(std::ostream& out) const {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> widths(rows_.front().size());
  for (const std::vector<std::string>& row : rows_) {
    std::vector<std::string>& cells = rows.emplace_back();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      cells.push_back(i < row.size() && !row[i].empty() ? Printable(row[i]) : "-");
      widths[i] = std::max(widths[i], Width(cells.back()));
    }
  }
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + kGap - Width(row[i]), ' ');
    }
    line.push_back('\n');
    out << line;
  }
}

}  // namespace epslice::sim

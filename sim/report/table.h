// Tables for people: columns as wide as their widest cell, as kubectl prints.
#ifndef EPSLICE_SIM_REPORT_TABLE_H_
#define EPSLICE_SIM_REPORT_TABLE_H_

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace epslice::sim {

// `text` for a terminal: control characters and bytes that are no UTF-8 become
// '?', so that a name from a dump cannot move the cursor or start a new line.
std::string Printable(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  // As many cells as the header has.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() <= 1; }
  // An empty cell is printed as "-".
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_TABLE_H_

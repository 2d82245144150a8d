// Numbers and tables of explanations, for people. For explain*.cc.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_WORDS_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_WORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/topologyhints/explain.h"

namespace epslice::internal {

std::string Percent(double share);      // "31%", "0.4%"
std::string Overload(double overload);  // "+17%", "-8%", "even"
std::string Load(double load);          // "1.17"
std::string Cpu(std::int64_t milli);    // "80", "1.5"
std::string StateWord(HintState::Kind state, const TrafficEstimate& traffic);

// A text of lines. What is put in may come from anybody: control characters
// become '?'.
class Page {
 public:
  void Line(std::string_view line);
  void Blank() { text_.push_back('\n'); }
  // Columns as wide as their widest cell, an empty cell as "-".
  void Table(const std::vector<std::vector<std::string>>& rows, std::size_t indent);
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_WORDS_H_

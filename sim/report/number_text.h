// Numbers for people. Equal numbers give equal text on any machine.
#ifndef EPSLICE_SIM_REPORT_NUMBER_TEXT_H_
#define EPSLICE_SIM_REPORT_NUMBER_TEXT_H_

#include <string>
#include <string_view>

namespace epslice::sim {

// Shortest text that reads back equal, as JSON has it: "0.25", "1e-09".
std::string ExactNumber(double value);
// By its unit (NumberOf::unit): "12.5 kB", "3.2 %", "1.25 s", "1,234.5".
std::string NumberText(double value, std::string_view unit);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_NUMBER_TEXT_H_

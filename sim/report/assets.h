// Files that are embedded in the program when it is built: cmake/embed.cmake
// makes a .cc file of each.
#ifndef EPSLICE_SIM_REPORT_ASSETS_H_
#define EPSLICE_SIM_REPORT_ASSETS_H_

#include <string_view>

namespace epslice::sim::assets {

std::string_view ChartJs();  // Chart.js 3, minified, of Debian's libjs-chart.js
std::string_view Script();   // sim/report/assets/report.js
std::string_view Style();    // sim/report/assets/report.css

}  // namespace epslice::sim::assets

#endif  // EPSLICE_SIM_REPORT_ASSETS_H_

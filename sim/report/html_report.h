// HTML pages: a run, two runs, a sweep, in one file that needs nothing else.
//
// Chart.js and our own script and style are embedded when the program is built
// (cmake/embed.cmake). The page asks no network for anything: its content
// security policy forbids it to. Names and notes go into the page as JSON and
// from there as text, so none of them is ever read as HTML.
#ifndef EPSLICE_SIM_REPORT_HTML_REPORT_H_
#define EPSLICE_SIM_REPORT_HTML_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/report/run_report.h"

namespace epslice::sim {

// Runs over a grid of settings, some seeds each.
struct HtmlSweep {
  struct Band {
    double mean = 0, low = 0, high = 0;
    friend bool operator==(const Band&, const Band&) = default;
  };
  struct Row {
    std::vector<std::string> values;  // of the parameters
    std::int64_t runs = 0;
    std::vector<Band> bands;  // of the metrics
  };
  std::vector<std::string> parameters;
  std::vector<std::string> metrics;  // as Lookup() takes them; the reader picks one for the chart
  std::vector<std::string> shown;    // of these, the columns of the table
  std::vector<Row> rows;
};

// Parts that are null are left out. `baseline` only beside a `report`, which is
// the variant then: the page says what differs, as compare_report.h does.
struct HtmlParts {
  std::string title;  // "": the report's name
  const RunReport* report = nullptr;
  const RunReport* baseline = nullptr;
  const HtmlSweep* sweep = nullptr;
};

// The page shows at most this many Services: the worst ones, then those with the
// most requests; the others are in the JSON form.
inline constexpr std::size_t kHtmlServices = 500;

std::string HtmlPage(const HtmlParts& parts);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_HTML_REPORT_H_

// As much of PromQL as it takes to see which series an expression reads.
#ifndef EPSLICE_TEST_MANIFESTS_PROMQL_H_
#define EPSLICE_TEST_MANIFESTS_PROMQL_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace epslice::manifests {

// A series selector: name{label="value", ...}[...].
struct PromSelector {
  std::string name;
  std::map<std::string, std::string> matchers;  // label -> value, whatever the operator
};

struct PromExpression {
  std::vector<PromSelector> selectors;  // in the order they stand
  std::set<std::string> functions;
  std::set<std::string> grouping;  // the labels of by (...), on (...) and the like
  std::string error;               // empty: it could be read
};

PromExpression ReadPromQl(std::string_view text);

// The series of a text exposition by name, each with the labels it has.
std::map<std::string, std::set<std::string>> SeriesOf(std::string_view exposition);

}  // namespace epslice::manifests

#endif  // EPSLICE_TEST_MANIFESTS_PROMQL_H_

// Label and field selectors, in the API server's query syntax, and the match
// labels of a Service.
#ifndef EPSLICE_APIS_SELECTOR_H_
#define EPSLICE_APIS_SELECTOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"

namespace epslice {

// Whether `labels` has every pair of `match_labels` (a Service's
// spec.selector). Empty match labels match everything.
bool MatchesLabels(const StringMap& match_labels, const StringMap& labels);

// One requirement of a label selector.
struct LabelRequirement {
  enum class Op { kEquals, kNotEquals, kIn, kNotIn, kExists, kDoesNotExist, kGreaterThan, kLessThan };
  std::string key;
  Op op = Op::kExists;
  std::vector<std::string> values;  // sorted
};

// A parsed labelSelector query: "a=b,c!=d,e in (f,g),h notin (i),j,!k".
class LabelSelector {
 public:
  // Everything.
  LabelSelector() = default;
  // InvalidArgument with the reason where the text is no selector.
  static absl::StatusOr<LabelSelector> Parse(std::string_view text);
  bool Matches(const StringMap& labels) const;
  bool empty() const { return requirements_.empty(); }
  const std::vector<LabelRequirement>& requirements() const { return requirements_; }

 private:
  std::vector<LabelRequirement> requirements_;
};

// A parsed fieldSelector query: "metadata.name=x,spec.nodeName!=y". Which
// fields a kind knows is up to the server that evaluates it.
struct FieldRequirement {
  std::string field;
  std::string value;
  bool negated = false;
};
absl::StatusOr<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text);

}  // namespace epslice

#endif  // EPSLICE_APIS_SELECTOR_H_

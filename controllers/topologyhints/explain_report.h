// Explanations for people and for programs.
//
// The JSON (apiVersion epslice.dev/v1) is described field by field in
// docs/explain.md: fields may be added to a version, none is renamed or changes
// its meaning. It is written without white space between its parts. Texts end
// with a line end; control characters in names become '?'. Equal values give
// equal bytes.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_REPORT_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/meta.h"
#include "controllers/topologyhints/explain.h"

namespace epslice {

inline constexpr std::string_view kExplainApiVersion = "epslice.dev/v1";

// kind Explanation, and kind ExplanationList in the order of `rows`.
std::string ExplanationJson(const Explanation& explanation);
std::string ExplanationListJson(const std::vector<ExplainRow>& rows, std::int64_t skipped_services);

// Long lists of nodes and pods are cut, and say so; the JSON has all.
std::string ExplanationText(const Explanation& explanation);
// A table, a line for each Service, and a line that sums up. `skipped_services`:
// without selector or ExternalName.
std::string ExplanationListText(const std::vector<ExplainRow>& rows, std::int64_t skipped_services);

// The Service that "name" or "namespace/name" stands for. NotFound names close
// matches; InvalidArgument names the Services where there are several.
// `services` in key order.
absl::StatusOr<ObjectKey> FindService(std::string_view wanted, const std::vector<ObjectKey>& services);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_REPORT_H_

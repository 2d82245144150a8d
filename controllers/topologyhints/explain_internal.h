// What the parts of ExplainService() share. For explain*.cc.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_INTERNAL_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_INTERNAL_H_

#include <memory>
#include <string>
#include <vector>

#include "controllers/endpointslice/reconcile.h"
#include "controllers/topologyhints/explain.h"
#include "controllers/topologyhints/proxy_view.h"

namespace epslice::internal {

using SlicePtr = std::shared_ptr<const EndpointSlice>;

// The slices of an address type: as given, by name; and once a plan is carried
// out, where those to be made come last.
std::vector<SlicePtr> SlicesOf(const std::vector<SlicePtr>& slices, const Text& address_type);
std::vector<SlicePtr> PlannedSlices(const std::vector<SlicePtr>& slices, const Plan& plan, const Text& address_type);
ProxyView ViewOf(const std::vector<SlicePtr>& slices);

// Where the hints of an address type stand by a plan.
struct Verdict {
  HintState::Kind state = HintState::Kind::kOff;
  HintFailure failure = HintFailure::kNone;
  std::string reason;
  std::string message;
  bool shared = false;
};
Verdict VerdictOf(const ExplainInput& input, const ReconcileConfig& config, const Plan& plan, const Text& address_type);

Heuristic HeuristicOf(const Service& service);

// Reconciles `input` and looks at one address type. `consumers`: who sends.
Outlook LookAhead(const ExplainInput& input, const ReconcileConfig& config, const Text& address_type,
                  const Consumers& consumers);

std::int64_t HintedAway(const std::vector<SlicePtr>& slices);

std::vector<Blocker> FindBlockers(const ExplainInput& input, const ReconcileConfig& config,
                                  const AddressTypeExplanation& type);
// `brief`: with a shorter search, for a table.
std::vector<Fix> FindFixes(const ExplainInput& input, const ReconcileConfig& config, const AddressTypeExplanation& type,
                           bool brief);
std::vector<Alternative> FindAlternatives(const ExplainInput& input, const ReconcileConfig& config,
                                          const Text& address_type);
std::vector<PodExplanation> ExplainPods(const ExplainInput& input, const Text& address_type,
                                        const std::vector<SlicePtr>& written, const std::vector<SlicePtr>& planned);

// A Service that asks for one thing only.
std::shared_ptr<const Service> Asking(const Service& service, Heuristic heuristic);
std::shared_ptr<const Service> WithAnnotation(const Service& service, std::string_view key, std::string_view value);

// "1 endpoint", "2 endpoints"
std::string Counted(std::int64_t n, std::string_view one);
// "a, b and c"; of more than `most` the first, and "12 more".
std::string Listed(const std::vector<std::string>& names, std::size_t most = 8);

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_INTERNAL_H_

// How hints in proportion to zone CPU are made: the rules of the reference, or
// the resilient ones. Pure values.
//
// A Service asks for such hints with service.kubernetes.io/topology-mode: Auto
// (KEP-2433) under either policy; the policy says what is done about it.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_POLICY_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_POLICY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/core.h"

namespace epslice {

// Of a Service, over the controller's flags.
inline constexpr std::string_view kAnnotationHintsPolicy = "epslice.dev/hints-policy";
inline constexpr std::string_view kAnnotationHintsThreshold = "epslice.dev/hints-overload-threshold";

enum class HintsPolicy : std::uint8_t {
  // Step by step what kube-controller-manager v1.36 does: exact when all is
  // well, no hints at all when one thing is not.
  kReference,
  // The fewest endpoints hinted away from their own zone, zones that share
  // endpoints where there are too few, and a bounded number of nodes whose
  // zone or CPU is not known.
  kResilient,
};
// "reference", "resilient"
std::string_view NameOf(HintsPolicy policy);

// A share in millionths: 0.2 is 200,000. Whole numbers, so that whether a
// threshold is met does not depend on rounding.
using Millionths = std::int64_t;
inline constexpr Millionths kOne = 1'000'000;

struct HintsOptions {
  HintsPolicy policy = HintsPolicy::kReference;  // --hints-policy
  // --hints-unknown-nodes: resilient hints stay while at most this share of the
  // Ready nodes has no zone or no CPU.
  Millionths unknown_nodes = 200'000;
  // --hints-overload-threshold: by how much the expected load of an endpoint
  // may exceed what an even spread would give it. The reference's is 0.2.
  Millionths overload_threshold = 200'000;
  friend bool operator==(const HintsOptions&, const HintsOptions&) = default;
};

// InvalidArgument that says what is accepted.
absl::StatusOr<HintsPolicy> ParseHintsPolicy(std::string_view text);
// "0.2" or "20%", at most 6 digits after the point; from 0 to `max`.
absl::StatusOr<Millionths> ParseShare(std::string_view text, Millionths max);

// "20%", "33.3334%"
std::string FormatShare(Millionths share);

inline constexpr Millionths kMaxThreshold = 100 * kOne;

// The options of one Service: its annotations over `defaults`.
struct ServiceHintsOptions {
  HintsOptions options;
  bool policy_from_annotation = false;
  bool threshold_from_annotation = false;
  // Annotations that say nothing we know, and so count for nothing; a line each.
  std::vector<std::string> ignored;
};
ServiceHintsOptions HintsOptionsOf(const Service& service, const HintsOptions& defaults);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_POLICY_H_

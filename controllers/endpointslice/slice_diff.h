// How the slices of a Service differ from what the controller would write.
//
// Semantic: in which order endpoints stand, and which slice holds which
// endpoint, makes no difference; what consumers see of the Service does.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_DIFF_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_DIFF_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/endpointslice/reconcile.h"

namespace epslice {

enum class DifferenceKind : std::uint8_t {
  kMissingEndpoint,     // would be written, is in no slice
  kUnexpectedEndpoint,  // is in a slice, would be removed
  kChangedEndpoint,     // says something else than would be written
  kDuplicateEndpoint,   // is there more than once
  kWrongPorts,          // a slice has ports that no pod of the Service has
  kWrongLabels,         // a slice does not have the labels of the Service
  kForeignOwner,        // a slice with our labels that this Service does not own
  kMissingSlice,        // not even an empty slice of an address type
  kUnexpectedSlice,     // an empty slice that would be deleted
};
inline constexpr std::size_t kDifferenceKinds = 9;
// "missing-endpoint" ...
std::string_view NameOf(DifferenceKind kind);

struct FieldDifference {
  std::string field;  // "conditions.ready", "zone", "hints", "ports", ...
  std::string want;   // "" where there is none
  std::string have;
  friend bool operator==(const FieldDifference&, const FieldDifference&) = default;
};

struct Difference {
  DifferenceKind kind = DifferenceKind::kMissingEndpoint;
  Text address_type;
  std::string object;               // "Pod shop/web-0", "EndpointSlice web-x7k2p"
  std::vector<std::string> slices;  // where the endpoint is, or would be
  std::vector<FieldDifference> fields;
  // kMissingEndpoint: the slice it would be in is missing, too.
  bool in_new_slice = false;
};

// "zone: want "a", have "b"; hints: want "zones a", have """, for a log.
std::string DescribeFields(const Difference& difference);

struct ServiceDiff {
  ObjectKey service;
  std::vector<Difference> differences;  // by kind, address type and object
  bool only_hints = false;              // there are differences, all in hints
  std::vector<std::string> errors;      // the plan's retry errors
};

// Pure; equal input gives equal output. The plan must be Reconcile()'s for the
// same input and config.
ServiceDiff DiffService(const ReconcileInput& input, const Plan& plan);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SLICE_DIFF_H_

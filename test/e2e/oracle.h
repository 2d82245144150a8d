// The oracle: what the EndpointSlices of a namespace must say, worked out from
// its Pods and Services and the Nodes as the API server lists them, in JSON. It
// shares no code with the controller, plans nothing and knows no packing: only
// which endpoint must be there, with what, and where none may be.
//
// Where slices of one Service begin and end is the controller's choice, and so
// is the assignment of zones under topology-mode Auto; of the latter it is
// checked that it is whole (all ready endpoints have one existing zone, or none
// has any).
#ifndef EPSLICE_TEST_E2E_ORACLE_H_
#define EPSLICE_TEST_E2E_ORACLE_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace epslice::e2e {

using Json = nlohmann::json;

struct Listed {
  std::vector<Json> services;
  std::vector<Json> pods;
  std::vector<Json> nodes;
  std::vector<Json> slices;
};

struct OracleOptions {
  std::string managed_by;
  std::size_t max_endpoints_per_slice = 100;
  // Slices of Services that are gone must be gone, too.
  bool collects_garbage = true;
};

// One line for each thing that is not as it must be; empty: all is.
std::vector<std::string> Differences(const Listed& listed, const OracleOptions& options);

// The slices of a Service that `managed_by` manages.
std::vector<Json> SlicesOf(const std::vector<Json>& slices, const std::string& service, const std::string& managed_by);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_ORACLE_H_

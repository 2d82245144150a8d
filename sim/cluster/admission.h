// What the API server refuses: the rules of apimachinery and of the kinds we
// store, as far as clients of ours can meet them.
#ifndef EPSLICE_SIM_CLUSTER_ADMISSION_H_
#define EPSLICE_SIM_CLUSTER_ADMISSION_H_

#include <string>
#include <string_view>
#include <vector>

#include "apis/object.h"
#include "apis/request.h"

namespace epslice::sim {

// Causes of a 422. Values are printed as the API server prints them.
StatusCause InvalidValue(std::string field, std::string_view value, std::string_view why);
StatusCause InvalidNumber(std::string field, std::int64_t value, std::string_view why);
StatusCause RequiredValue(std::string field, std::string_view why);

// The name (and generateName) an object of the kind may be created under.
std::vector<StatusCause> ValidateName(Kind kind, std::string_view name, std::string_view generate_name);
// Label keys and values.
std::vector<StatusCause> ValidateLabels(const StringMap& labels);

// The rules for the whole object; `old` is what it replaces, or null.
//   EndpointSlice: addressType known and unchanged; at most 1000 endpoints,
//     100 addresses each, 100 ports, 8 zone and 8 node hints; addresses of the
//     type and not unspecified, loopback or link-local; hostname a DNS label;
//     port names unique labels; protocols known; port numbers 1..65535.
//   Lease: duration positive, transitions not negative.
//   Event: about an object in its own namespace.
//   Service: type and protocols known; ports there, in range and named where
//     there are several; a cluster IP once set stays.
std::vector<StatusCause> ValidateObject(const AnyObject& object, const AnyObject* old);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_ADMISSION_H_

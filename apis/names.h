// DNS names as Kubernetes validates them (apimachinery's validation rules).
#ifndef EPSLICE_APIS_NAMES_H_
#define EPSLICE_APIS_NAMES_H_

#include <string>
#include <string_view>

namespace epslice {

// RFC 1123 label: lower case letters, digits, '-', not at an end; 1..63 bytes.
bool IsDns1123Label(std::string_view s);
// RFC 1123 subdomain: labels of [a-z0-9-] joined by dots; 1..253 bytes.
bool IsDns1123Subdomain(std::string_view s);
// A label that starts with a letter (Service names before v1.36): 1..63 bytes.
bool IsDns1035Label(std::string_view s);

// Label keys ("[prefix/]name") and label values.
bool IsQualifiedName(std::string_view s);
bool IsLabelValue(std::string_view s);

// The generateName of a Service's slices: "<service>-", or "<service>" where
// that would not be a valid prefix of a subdomain (253 bytes at most).
std::string EndpointSliceNamePrefix(std::string_view service);

}  // namespace epslice

#endif  // EPSLICE_APIS_NAMES_H_

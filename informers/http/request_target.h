// What our servers make of a request's target and of its Host, before they look
// at anything else: the same as Go's net/http, and so as Kubernetes' servers.
//
// The server that is named there is not looked at: one port is one server.
// Pure; thread-safe.
#ifndef EPSLICE_INFORMERS_HTTP_REQUEST_TARGET_H_
#define EPSLICE_INFORMERS_HTTP_REQUEST_TARGET_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace epslice {

// A target as path and query, as most clients send it: of "http://host:1/a?b",
// as clients send it to a proxy, "/a?b"; of "http://host", "/". Any scheme will
// do. What has no scheme is returned as it is, whatever it is; nullopt: a scheme
// with nothing that can be served behind it.
std::optional<std::string> OriginForm(std::string_view target);

// Whether a Host field may say this: bytes of names, addresses and ports only,
// or nothing at all.
bool IsHostField(std::string_view value);

// The values of a head's Host fields, in their order and without blanks around
// them. `head`: from the request line to the empty line, byte for byte.
std::vector<std::string_view> HostFields(std::string_view head);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_REQUEST_TARGET_H_

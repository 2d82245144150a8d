// JSON of others, read with a bound on its depth.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_BOUNDED_JSON_H_
#define EPSLICE_INFORMERS_HTTP_BOUNDED_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace epslice {

// nullopt: not JSON, or more than 32 levels of it. The text's length is for who
// read it to bound.
std::optional<nlohmann::json> ParseBoundedJson(std::string_view text);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_BOUNDED_JSON_H_

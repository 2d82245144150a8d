// Reading fields of a JSON document that may be missing or of any type: what
// is not there, or is something else, reads as null, "", 0 or no elements.
#ifndef EPSLICE_SIM_SERVE_JSON_FIELDS_H_
#define EPSLICE_SIM_SERVE_JSON_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace epslice::sim {

using FieldPath = std::initializer_list<const char*>;

// The value at a path of object keys, or a null that lives for ever.
const nlohmann::json& At(const nlohmann::json& value, FieldPath path);
std::string TextAt(const nlohmann::json& value, FieldPath path);
std::int64_t NumberAt(const nlohmann::json& value, FieldPath path);
bool TrueAt(const nlohmann::json& value, FieldPath path);
// `value` if it is an array, else an empty one.
const nlohmann::json& Elements(const nlohmann::json& value);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_JSON_FIELDS_H_

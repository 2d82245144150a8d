#include "sim/serve/json_fields.h"

#include <nlohmann/json.hpp>

namespace epslice::sim {

using Json = nlohmann::json;

const Json& At(const Json& value, FieldPath path) {
  static const Json kNull;
  const Json* at = &value;
  for (const char* key : path) {
    if (!at->is_object()) return kNull;
    const auto it = at->find(key);
    if (it == at->end()) return kNull;
    at = &*it;
  }
  return *at;
}

std::string TextAt(const Json& value, FieldPath path) {
  const Json& at = At(value, path);
  return at.is_string() ? at.get<std::string>() : std::string();
}

std::int64_t NumberAt(const Json& value, FieldPath path) {
  const Json& at = At(value, path);
  return at.is_number_integer() ? at.get<std::int64_t>() : 0;
}

bool TrueAt(const Json& value, FieldPath path) {
  const Json& at = At(value, path);
  return at.is_boolean() && at.get<bool>();
}

const Json& Elements(const Json& value) {
  static const Json kEmpty = Json::array();
  return value.is_array() ? value : kEmpty;
}

}  // namespace epslice::sim

// Messages of the API as tables: field numbers and the names that JSON has for
// them. Who reads or writes protobuf whole, without a struct for each kind,
// goes by these.
// Reference: generated.proto of the API groups, checked against the bytes of a
// real server (test/sim/serve).
#ifndef EPSLICE_SIM_SERVE_PROTOBUF_SCHEMA_H_
#define EPSLICE_SIM_SERVE_PROTOBUF_SCHEMA_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace epslice::sim::protobuf {

enum class Type : std::uint8_t {
  kString,
  kInt,
  kBool,
  kMessage,
  kStringMap,
  kTime,
  kMicroTime,
  kIntOrString,
  kQuantity,
  kQuantityMap,
  kRawJson,  // a message that holds a piece of JSON as it is
};

struct Message;
struct Field {
  std::uint32_t number;
  const char* name;
  Type type = Type::kString;
  const Message* message = nullptr;  // kMessage
  bool repeated = false;
  // A pointer in Go: what is written is meant, even if it is empty. The others
  // are always written, and left out of JSON where they are empty.
  bool optional = false;
  // What it holds stands beside it in JSON: an embedded struct.
  bool inlined = false;
};
struct Message {
  std::vector<Field> fields;  // by number
};

// Null where there is no table. It lives as long as the program.
const Message* MessageOf(std::string_view api_version, std::string_view kind);

}  // namespace epslice::sim::protobuf

#endif  // EPSLICE_SIM_SERVE_PROTOBUF_SCHEMA_H_

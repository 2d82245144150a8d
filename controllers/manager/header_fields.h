// HeaderFields: the fields of a request's head, byte for byte.
//
// Who a client is may hang on them. So nothing is decoded, no line is passed
// over, and what could be read in two ways is not read at all.
#ifndef EPSLICE_CONTROLLERS_MANAGER_HEADER_FIELDS_H_
#define EPSLICE_CONTROLLERS_MANAGER_HEADER_FIELDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace epslice {

// Not thread-safe.
class HeaderFields {
 public:
  // Of a head from its request line to the empty line, as HTTP/1.1 has it; its
  // length is for who read it to bound. nullopt: a line without CR LF, without a
  // colon, with a blank in or before its name, or that goes on with the line
  // before; a control character.
  static std::optional<HeaderFields> Parse(std::string_view head);

  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // The first value of that name, in any case; "" without one.
  std::string_view Get(std::string_view name) const;
  // All values of that name, in their order.
  std::vector<std::string> All(std::string_view name) const;
  // Names as they were written, in their order.
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_HEADER_FIELDS_H_

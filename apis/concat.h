// Concat("line ", 3, ": ", why): parts of a message as one string. Texts as
// they are, characters as characters, integers in decimal.
#ifndef EPSLICE_APIS_CONCAT_H_
#define EPSLICE_APIS_CONCAT_H_

#include <string>
#include <string_view>
#include <type_traits>

namespace epslice {

namespace internal {
inline void AppendPart(std::string* out, char c) { out->push_back(c); }
template <typename T>
void AppendPart(std::string* out, const T& part) {
  if constexpr (std::is_integral_v<T>) {
    *out += std::to_string(part);
  } else {
    *out += std::string_view(part);
  }
}
}  // namespace internal

template <typename... T>
std::string Concat(const T&... parts) {
  std::string out;
  (internal::AppendPart(&out, parts), ...);
  return out;
}

}  // namespace epslice

#endif  // EPSLICE_APIS_CONCAT_H_

// FNV-1a of 64 bits (Fowler, Noll, Vo): a hash that is the same on every machine
// and in every build, for orders and seeds that are drawn from names. Not for hash
// tables of hostile input, nor for secrets.
#ifndef EPSLICE_APIS_FNV_H_
#define EPSLICE_APIS_FNV_H_

#include <cstdint>
#include <string_view>

namespace epslice {

// `salt`: another one is another hash.
inline std::uint64_t Fnv1a(std::string_view text, std::uint64_t salt = 0) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ salt;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace epslice

#endif  // EPSLICE_APIS_FNV_H_

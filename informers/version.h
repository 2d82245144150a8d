// resourceVersions as what they are.
#ifndef EPSLICE_INFORMERS_VERSION_H_
#define EPSLICE_INFORMERS_VERSION_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace epslice {

// A resourceVersion as the number that it is since Kubernetes 1.35 (KEP-5504): of
// two versions of one kind in one cluster the greater is the newer. nullopt where
// it is no number.
inline std::optional<std::uint64_t> VersionNumber(std::string_view resource_version) {
  std::uint64_t n = 0;
  const char* const end = resource_version.data() + resource_version.size();
  const auto [stop, error] = std::from_chars(resource_version.data(), end, n);
  if (error != std::errc() || stop != end || resource_version.empty()) return std::nullopt;
  return n;
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_VERSION_H_

// The platform that this was built for, as Go names platforms.
#ifndef EPSLICE_CONTROLLERS_MANAGER_PLATFORM_H_
#define EPSLICE_CONTROLLERS_MANAGER_PLATFORM_H_

#include <string_view>

namespace epslice {

#if defined(__x86_64__)
inline constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
inline constexpr std::string_view kPlatform = "linux/arm64";
#else
inline constexpr std::string_view kPlatform = "linux/unknown";
#endif

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_PLATFORM_H_

#include "apis/names.h"

#include <algorithm>
#include <cstddef>

#include "apis/cat.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlnum(char c) { return IsDigit(c) || IsLower(c) || (c >= 'A' && c <= 'Z'); }
bool IsLowerAlnum(char c) { return IsDigit(c) || IsLower(c); }

// [a-z0-9]([-a-z0-9]*[a-z0-9])?, of any length.
bool IsDnsPart(std::string_view s) {
  return !s.empty() && IsLowerAlnum(s.front()) && IsLowerAlnum(s.back()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

// The part of a label key after the prefix; label values have the same form.
bool IsLabelName(std::string_view s) {
  return !s.empty() && s.size() <= kMaxLabel && IsAlnum(s.front()) && IsAlnum(s.back()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

bool IsDns1123Label(std::string_view s) { return s.size() <= kMaxLabel && IsDnsPart(s); }

// Only the whole is bounded: apimachinery does not hold the parts to 63 bytes.
bool IsDns1123Subdomain(std::string_view s) {
  if (s.size() > kMaxSubdomain) return false;
  while (true) {
    const std::size_t dot = s.find('.');
    if (!IsDnsPart(s.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    s.remove_prefix(dot + 1);
  }
}

bool IsDns1035Label(std::string_view s) { return IsDns1123Label(s) && IsLower(s.front()); }

bool IsQualifiedName(std::string_view s) {
  const std::size_t slash = s.find('/');
  if (slash == std::string_view::npos) return IsLabelName(s);
  return IsDns1123Subdomain(s.substr(0, slash)) && IsLabelName(s.substr(slash + 1));
}

bool IsLabelValue(std::string_view s) { return s.empty() || IsLabelName(s); }

std::string EndpointSliceNamePrefix(std::string_view service) {
  if (service.empty()) return "";
  std::string prefix(service);
  prefix.push_back('-');
  // apimachinery judges a prefix that ends in a dash by putting an 'a' in the
  // place of its last two bytes.
  const std::string masked = prefix.substr(0, prefix.size() - 2) + "a";
  return IsDns1123Subdomain(masked) ? prefix : std::string(service);
}

}  // namespace epslice

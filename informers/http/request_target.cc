#include "informers/http/request_target.h"

#include <algorithm>

#include "apis/cat.h"

namespace epslice {
namespace {

constexpr std::string_view kHostBytes = "!$%&'()*+,-.:;=[]_~";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "http" of "http://host"; "" where a target begins with no scheme.
std::string_view SchemeOf(std::string_view target) {
  const std::string_view scheme = target.substr(0, target.find(':'));
  if (scheme.size() == target.size() || scheme.empty() || !IsLetter(scheme.front())) return {};
  const bool good = std::all_of(scheme.begin(), scheme.end(),
                                [](char c) { return IsLetter(c) || IsDigit(c) || c == '+' || c == '-' || c == '.'; });
  return good ? scheme : std::string_view();
}

// "", ":" and ":6443".
bool IsPortSuffix(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::all_of(text.begin() + 1, text.end(), IsDigit));
}

// "[user@]host[:port]"
bool IsAuthority(std::string_view authority) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    std::string user(authority.substr(0, at));
    user.erase(std::remove(user.begin(), user.end(), '@'), user.end());
    if (!IsHostField(user)) return false;
    authority.remove_prefix(at + 1);
  }
  if (!IsHostField(authority)) return false;
  if (authority.substr(0, 1) == "[") {
    const std::size_t end = authority.rfind(']');
    return end != std::string_view::npos && IsPortSuffix(authority.substr(end + 1));
  }
  const std::size_t colon = authority.rfind(':');
  return colon == std::string_view::npos || IsPortSuffix(authority.substr(colon));
}

}  // namespace

std::optional<std::string> OriginForm(std::string_view target) {
  const std::string_view scheme = SchemeOf(target);
  if (scheme.empty()) return std::string(target);
  std::string_view rest = target.substr(scheme.size() + 1);
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (!IsAuthority(authority)) return std::nullopt;
    rest.remove_prefix(authority.size());
    if (rest.substr(0, 1) != "/") return Cat({"/", rest});
  }
  if (rest.substr(0, 1) != "/") return std::nullopt;
  return std::string(rest);
}

bool IsHostField(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return IsLetter(c) || IsDigit(c) || kHostBytes.find(c) != std::string_view::npos; });
}

std::vector<std::string_view> HostFields(std::string_view head) {
  constexpr std::string_view kBlank = " \t\r";
  constexpr std::string_view kName = "host:";
  std::vector<std::string_view> hosts;
  for (std::size_t end = head.find('\n'); end != std::string_view::npos; end = head.find('\n')) {
    head.remove_prefix(end + 1);
    const std::string_view line = head.substr(0, head.find('\n'));
    if (line.find_first_not_of(kBlank) == std::string_view::npos) break;
    if (LowerCase(line.substr(0, kName.size())) != kName) continue;
    const std::string_view value = line.substr(kName.size());
    const std::size_t begin = std::min(value.find_first_not_of(kBlank), value.size());
    hosts.push_back(value.substr(begin, value.find_last_not_of(kBlank) + 1 - begin));
  }
  return hosts;
}

}  // namespace epslice

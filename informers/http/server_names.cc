#include "informers/http/server_names.h"

#include "apis/cat.h"
#include "apis/ip.h"
#include "apis/names.h"
#include "informers/http/certificate_facts.h"

namespace epslice {
std::optional<std::string> CanonicalServerName(std::string_view name) {
  if (const auto ip = ParseIpLenient(name)) return ip->text.str();
  std::string lower = LowerCase(name);
  std::string_view rest = lower;
  if (rest == "*") return lower;
  if (rest.substr(0, 2) == "*.") rest.remove_prefix(2);
  if (!IsDns1123Subdomain(rest)) return std::nullopt;
  return lower;
}

std::vector<std::string> NamesOfCertificate(std::string_view pem) {
  const absl::StatusOr<CertificateFacts> facts = ReadCertificateFacts(pem);
  if (!facts.ok()) return {};
  std::vector<std::string> names;
  // An address as the CN would stand for all who reach the server by it.
  if (!ParseIpLenient(facts->common_name)) names.push_back(facts->common_name);
  for (const std::string& name : facts->dns_names) {
    if (!ParseIpLenient(name)) names.push_back(name);
  }
  return names;
}

void ServerNames::Add(std::size_t index, const std::vector<std::string>& names, Names* to) {
  for (const std::string& name : names) {
    const std::optional<std::string> canonical = CanonicalServerName(name);
    if (canonical) to->try_emplace(*canonical, index);
  }
}

std::optional<std::size_t> ServerNames::Exactly(std::string_view name) const {
  for (const Names* names : {&given_, &found_}) {
    if (const auto it = names->find(name); it != names->end()) return it->second;
  }
  return std::nullopt;
}

std::optional<std::size_t> ServerNames::IndexOf(std::string_view name) const {
  const std::optional<std::string> canonical = CanonicalServerName(name);
  if (!canonical) return std::nullopt;
  if (const auto exact = Exactly(*canonical)) return exact;
  const std::size_t dot = canonical->find('.');
  return Exactly(dot == std::string::npos ? "*" : "*" + canonical->substr(dot));
}

}  // namespace epslice

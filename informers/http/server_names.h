// ServerNames: which of a server's certificates a client gets.
//
// As Kubernetes' servers do it: a client names the server it wants in the
// handshake (SNI). An exact name goes before a wildcard, which stands for one
// label ("*.example.org": a.example.org, not a.b.example.org). Names that were
// given go before those found in certificates; of the same name twice the first
// counts. Clients that name nothing get the certificate that was given the
// address they reached, if there is one.
// Not thread-safe while names are added.
#ifndef EPSLICE_INFORMERS_HTTP_SERVER_NAMES_H_
#define EPSLICE_INFORMERS_HTTP_SERVER_NAMES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace epslice {

// As names are looked up: lower case, IP addresses in the one form they are
// printed in. nullopt: neither a DNS name, nor "*" or "*." and one, nor an IP address.
std::optional<std::string> CanonicalServerName(std::string_view name);

// The names a certificate (the first in `pem`) is for: its CN where that is a DNS
// name, and its DNS names, wildcards among them. Its IP addresses are not:
// clients do not send them.
std::vector<std::string> NamesOfCertificate(std::string_view pem);

class ServerNames {
 public:
  // Certificate number `index` is for these; what is no name is passed over.
  // Those with lower numbers come first.
  void AddGiven(std::size_t index, const std::vector<std::string>& names) { Add(index, names, &given_); }
  void AddFound(std::size_t index, const std::vector<std::string>& names) { Add(index, names, &found_); }

  // The number of the certificate for who asks for `name`; nullopt: none here.
  std::optional<std::size_t> IndexOf(std::string_view name) const;

 private:
  using Names = std::map<std::string, std::size_t, std::less<>>;
  static void Add(std::size_t index, const std::vector<std::string>& names, Names* to);
  std::optional<std::size_t> Exactly(std::string_view name) const;

  Names given_;
  Names found_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_SERVER_NAMES_H_

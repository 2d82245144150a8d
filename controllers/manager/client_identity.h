// Whom a client's certificate names, and whom a front proxy names for it.
//
// As k8s.io/apiserver v1.36 has it. A front proxy is known by its certificate,
// which the request header authorities must have signed, and by its CN; then the
// headers say who asks. Otherwise the certificate itself does: the CN is the
// user, each O a group. Headers of all others are as if they were not there.
// Pure. Thread-safety: functions without shared state.
#ifndef EPSLICE_CONTROLLERS_MANAGER_CLIENT_IDENTITY_H_
#define EPSLICE_CONTROLLERS_MANAGER_CLIENT_IDENTITY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apis/meta.h"
#include "controllers/manager/serving.h"
#include "informers/http/client_certificates.h"
#include "informers/http/reviews.h"

namespace epslice {

// --requestheader-*. Names of headers are of any case.
struct RequestHeaderOptions {
  std::vector<std::string> allowed_names;  // CNs of front proxies; empty: any
  // The first that is there and not empty counts; without one nobody is named.
  std::vector<std::string> username_headers = {"x-remote-user"};
  std::vector<std::string> uid_headers = {};
  std::vector<std::string> group_headers = {"x-remote-group"};  // all values of all
  // "x-remote-extra-": the rest of the name, lower case and %-decoded, is the key.
  std::vector<std::string> extra_header_prefixes = {"x-remote-extra-"};
  friend bool operator==(const RequestHeaderOptions&, const RequestHeaderOptions&) = default;
};

// Whose word counts. Null: nobody's.
struct ClientTrust {
  std::shared_ptr<const CertificateAuthorities> clients;
  std::shared_ptr<const CertificateAuthorities> front_proxies;
  RequestHeaderOptions request_headers;
};

struct ClientIdentity {
  std::optional<ReviewedUser> user;
  // Without a user: why what was shown is not accepted, in one line. Empty:
  // nothing was shown that anybody here looks at, and another way may be tried.
  std::string refused;
  // When the certificate ends that was looked at as the client's own, accepted or
  // not.
  std::optional<Timestamp> certificate_ends = std::nullopt;
};

ClientIdentity IdentifyClient(const ClientTrust& trust, const GuardedRequest& request, Timestamp now);

// What everybody is in who is known: system:authenticated. Not for
// system:anonymous, or who is in it, or in system:unauthenticated, already.
void AddAuthenticatedGroup(ReviewedUser* user);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_CLIENT_IDENTITY_H_

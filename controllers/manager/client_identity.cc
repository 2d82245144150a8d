#include "controllers/manager/client_identity.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "apis/cat.h"
#include "informers/http/certificate_facts.h"

namespace epslice {
namespace {

constexpr char kCredentialId[] = "authentication.kubernetes.io/credential-id";

std::string Why(const absl::Status& status) { return std::string(status.message()); }

std::string FirstValue(const HeaderFields& headers, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const std::string_view value = headers.Get(name); !value.empty()) return std::string(value);
  }
  return "";
}

// Whom the headers name; nullopt: nobody.
std::optional<ReviewedUser> NamedByHeaders(const RequestHeaderOptions& options, const HeaderFields& headers) {
  ReviewedUser user;
  user.name = FirstValue(headers, options.username_headers);
  if (user.name.empty()) return std::nullopt;
  user.uid = FirstValue(headers, options.uid_headers);
  for (const std::string& name : options.group_headers) {
    for (std::string& group : headers.All(name)) {
      if (!group.empty()) user.groups.push_back(std::move(group));
    }
  }
  for (const std::string& prefix : options.extra_header_prefixes) {
    const std::string lower_prefix = LowerCase(prefix);
    for (const auto& [field, value] : headers.all()) {
      const std::string name = LowerCase(field);
      if (name.compare(0, lower_prefix.size(), lower_prefix) != 0) continue;
      const std::string key = name.substr(lower_prefix.size());
      user.extra[PercentDecoded(key).value_or(key)].push_back(value);
    }
  }
  return user;
}

ClientIdentity NamedByProxy(const ClientTrust& trust, const GuardedRequest& request, Timestamp now) {
  ClientIdentity identity;
  const absl::StatusOr<CertificateSubject> proxy = trust.front_proxies->Verify(request.certificates, now);
  const std::vector<std::string>& allowed = trust.request_headers.allowed_names;
  if (!proxy.ok()) {
    identity.refused = Why(proxy.status());
  } else if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), proxy->common_name) == allowed.end()) {
    identity.refused =
        Cat({"a front proxy with the CN ", QuoteForError(proxy->common_name), " is not among the allowed names"});
  } else {
    identity.user = NamedByHeaders(trust.request_headers, request.headers);
  }
  return identity;
}

ClientIdentity NamedByCertificate(const ClientTrust& trust, const GuardedRequest& request, Timestamp now) {
  ClientIdentity identity;
  const absl::StatusOr<CertificateFacts> facts = ReadDerCertificateFacts(request.certificates.front());
  if (facts.ok()) identity.certificate_ends = facts->not_after;
  absl::StatusOr<CertificateSubject> subject = trust.clients->Verify(request.certificates, now);
  if (!subject.ok()) {
    identity.refused = Why(subject.status());
  } else if (subject->common_name.empty()) {
    return identity;  // as the reference: no opinion
  } else if (subject->uids.size() > 1 || (subject->uids.size() == 1 && subject->uids.front().empty())) {
    identity.refused = "the client's certificate has more than one UID, or an empty one";
  } else {
    identity.user.emplace();
    identity.user->name = std::move(subject->common_name);
    identity.user->groups = std::move(subject->organizations);
    if (!subject->uids.empty()) identity.user->uid = std::move(subject->uids.front());
    identity.user->extra[kCredentialId] = {"X509SHA256=" + subject->sha256};
  }
  return identity;
}

}  // namespace

ClientIdentity IdentifyClient(const ClientTrust& trust, const GuardedRequest& request, Timestamp now) {
  ClientIdentity proxied;
  if (request.certificates.empty()) return proxied;
  if (trust.front_proxies != nullptr) proxied = NamedByProxy(trust, request, now);
  if (proxied.user || trust.clients == nullptr) return proxied;
  ClientIdentity own = NamedByCertificate(trust, request, now);
  // One that is accepted by nobody is refused, whoever refused it.
  if (!own.user && own.refused.empty()) own.refused = std::move(proxied.refused);
  return own;
}

void AddAuthenticatedGroup(ReviewedUser* user) {
  constexpr std::string_view kAuthenticated = "system:authenticated";
  if (user->name == "system:anonymous") return;
  for (const std::string& group : user->groups) {
    if (group == kAuthenticated || group == "system:unauthenticated") return;
  }
  user->groups.emplace_back(kAuthenticated);
}

}  // namespace epslice

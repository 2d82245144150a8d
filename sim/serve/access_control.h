// AccessControl: who a request comes from, and what it may do.
#ifndef EPSLICE_SIM_SERVE_ACCESS_CONTROL_H_
#define EPSLICE_SIM_SERVE_ACCESS_CONTROL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/request.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/rbac.h"
#include "sim/serve/issued_tokens.h"
#include "sim/serve/token_auth.h"

namespace epslice::sim {

// kube-apiserver's --authorization-mode, as far as we have it.
enum class AuthorizationMode : std::uint8_t { kAlwaysAllow, kRbac };

// Thread-safe.
class AccessControl {
 public:
  // `tokens`: null, and nobody is asked who they are. `documents` has the roles,
  // bindings and accounts; `issued`, which may be null, the tokens that the
  // accounts were given. Both must outlive this.
  AccessControl(AuthorizationMode mode, std::shared_ptr<const TokenAuth> tokens, DocumentStore* documents,
                const IssuedTokens* issued = nullptr)
      : mode_(mode), tokens_(std::move(tokens)), documents_(documents), issued_(issued) {}

  // Whom an Authorization header names; nullopt: answer 401. Where nobody is
  // asked who they are, everybody is system:anonymous who does not show a token
  // that an account was given.
  std::optional<UserInfo> Authenticate(std::string_view authorization) const;
  // Whose token it is; nullopt: nobody's, or one that has ended.
  std::optional<UserInfo> UserOfToken(std::string_view token) const;

  // Whom `user` acts as where the headers Impersonate-User and Impersonate-Group
  // ask for it, in place of *user; themselves where they do not. An error: 403
  // without the verb "impersonate" on each, 400 for groups without a user.
  Status Impersonate(const std::string& as_user, const std::vector<std::string>& as_groups, UserInfo* user) const;

  AccessDecision Decide(const UserInfo& user, const AccessAttributes& attributes) const;

 private:
  const AuthorizationMode mode_;
  const std::shared_ptr<const TokenAuth> tokens_;
  DocumentStore* const documents_;
  const IssuedTokens* const issued_;
};

Status StatusUnauthorized();  // 401
// 403, in the words of a kube-apiserver.
Status StatusForbidden(const UserInfo& user, const AccessAttributes& attributes, std::string_view reason);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_ACCESS_CONTROL_H_

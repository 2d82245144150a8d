#include "sim/serve/access_control.h"

#include "apis/cat.h"
#include "informers/http/reviews.h"
#include "sim/serve/token_request.h"

namespace epslice::sim {

std::optional<UserInfo> AccessControl::Authenticate(std::string_view authorization) const {
  const std::string_view token = BearerToken(authorization);
  const bool given = issued_ != nullptr && !token.empty() && issued_->OwnerOf(token).has_value();
  if (tokens_ == nullptr && !given) return UserInfo{"system:anonymous", "", {"system:unauthenticated"}};
  return UserOfToken(token);
}

std::optional<UserInfo> AccessControl::UserOfToken(std::string_view token) const {
  if (token.empty()) return std::nullopt;
  if (tokens_ != nullptr) {
    if (std::optional<UserInfo> user = tokens_->UserOf(token)) return user;
  }
  const std::optional<IssuedTokens::Owner> owner = issued_ == nullptr ? std::nullopt : issued_->OwnerOf(token);
  if (!owner || owner->expired) return std::nullopt;
  // Not once the account is gone, or another of its name.
  ServiceAccountRef now;
  const Status found = FindAccount(owner->account.namespace_, owner->account.name, documents_, &now);
  return found.ok() && now == owner->account ? std::optional<UserInfo>(UserOf(now)) : std::nullopt;
}

Status AccessControl::Impersonate(const std::string& as_user, const std::vector<std::string>& as_groups,
                                  UserInfo* user) const {
  if (as_user.empty() && as_groups.empty()) return {};
  if (as_user.empty()) return StatusBadRequest("groups cannot be impersonated without a user");
  AccessAttributes wanted;
  wanted.verb = "impersonate";
  wanted.version = "v1";
  wanted.resource = "users";
  wanted.name = as_user;
  if (const std::size_t colon = as_user.find(':', kServiceAccountPrefix.size());
      as_user.rfind(kServiceAccountPrefix, 0) == 0 && colon != std::string::npos) {
    wanted.resource = "serviceaccounts";
    wanted.namespace_ = as_user.substr(kServiceAccountPrefix.size(), colon - kServiceAccountPrefix.size());
    wanted.name = as_user.substr(colon + 1);
  }
  if (const AccessDecision may = Decide(*user, wanted); !may.allowed) return StatusForbidden(*user, wanted, may.reason);
  for (const std::string& group : as_groups) {
    wanted.resource = "groups";
    wanted.namespace_.clear();
    wanted.name = group;
    if (const AccessDecision may = Decide(*user, wanted); !may.allowed) {
      return StatusForbidden(*user, wanted, may.reason);
    }
  }
  *user = WithImpliedGroups({as_user, "", as_groups});
  return {};
}

AccessDecision AccessControl::Decide(const UserInfo& user, const AccessAttributes& attributes) const {
  if (mode_ == AuthorizationMode::kAlwaysAllow) return {true, ""};
  return documents_->Decide(user, attributes);
}

Status StatusUnauthorized() {
  Status status;
  status.code = 401;
  status.reason = "Unauthorized";
  status.message = "Unauthorized";
  return status;
}

Status StatusForbidden(const UserInfo& user, const AccessAttributes& attributes, std::string_view reason) {
  Status status;
  status.code = 403;
  status.reason = "Forbidden";
  const std::string why = Cat({DescribeRefusal(user, attributes), reason.empty() ? "" : ": ", reason});
  if (!attributes.is_resource) {
    status.message = Cat({"forbidden: ", why});
    return status;
  }
  status.detailsGroup = attributes.group;
  status.detailsKind = attributes.resource;
  status.detailsName = attributes.name;
  const std::string_view dot = attributes.group.empty() ? "" : ".";
  const std::string name = attributes.name.empty() ? std::string() : Cat({" \"", attributes.name, "\""});
  status.message = Cat({attributes.resource, dot, attributes.group, name, " is forbidden: ", why});
  return status;
}

}  // namespace epslice::sim

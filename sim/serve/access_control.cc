#include "sim/serve/access_control.h"

#include "apis/cat.h"

namespace epslice::sim {

std::optional<UserInfo> AccessControl::Authenticate(std::string_view authorization) const {
  if (tokens_ == nullptr) return UserInfo{"system:anonymous", "", {"system:unauthenticated"}};
  return tokens_->UserOf(authorization);
}

std::optional<UserInfo> AccessControl::UserOfToken(std::string_view token) const {
  return tokens_ == nullptr ? std::nullopt : tokens_->UserOfToken(token);
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

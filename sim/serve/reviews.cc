#include "sim/serve/reviews.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "apis/cat.h"
#include "apis/status_text.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

// doc[key] where it is an object.
const Json* ObjectAt(const Json& doc, const char* key) {
  const Json* value = Find(doc, key);
  return value != nullptr && value->is_object() ? value : nullptr;
}

Json UserJson(const UserInfo& user) {
  Json out = Json::object();
  if (!user.name.empty()) out["username"] = user.name;
  if (!user.uid.empty()) out["uid"] = user.uid;
  if (!user.groups.empty()) out["groups"] = user.groups;
  return out;
}

Status Invalid(const ReviewKind& kind, std::vector<StatusCause> causes) {
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = Cat({kind.name, ".", kind.group, " \"\" is invalid: "});
  for (std::size_t i = 0; i < causes.size(); ++i) {
    status.message += Cat({i > 0 ? ", " : causes.size() > 1 ? "[" : "", causes[i].field, ": ", causes[i].message});
  }
  if (causes.size() > 1) status.message += ']';
  status.detailsGroup = kind.group;
  status.detailsKind = kind.name;
  status.causes = std::move(causes);
  return status;
}

Status AnswerToken(const Json& spec, const AccessControl& access, Json* answer) {
  const std::string token = StringAt(spec, "token");
  if (token.empty()) return StatusBadRequest("token is required for TokenReview in authentication");
  Json user = Json::object();
  if (const std::optional<UserInfo> found = access.UserOfToken(token)) {
    user = UserJson(*found);
    (*answer)["authenticated"] = true;
    // Tokens of a file are good for every audience.
    if (const Json* audiences = Find(spec, "audiences"); audiences != nullptr && audiences->is_array()) {
      (*answer)["audiences"] = *audiences;
    }
  } else {
    (*answer)["error"] = "invalid bearer token";
  }
  (*answer)["user"] = std::move(user);
  return {};
}

AccessAttributes AttributesOf(const Json& resource) {
  AccessAttributes out;
  out.verb = StringAt(resource, "verb");
  out.namespace_ = StringAt(resource, "namespace");
  out.group = StringAt(resource, "group");
  out.version = StringAt(resource, "version");
  out.resource = StringAt(resource, "resource");
  out.subresource = StringAt(resource, "subresource");
  out.name = StringAt(resource, "name");
  return out;
}

UserInfo SubjectOf(const Json& spec) {
  UserInfo user{StringAt(spec, "user"), StringAt(spec, "uid"), {}};
  const Json* groups = Find(spec, "groups");
  for (const Json& group : groups != nullptr && groups->is_array() ? *groups : Json::array()) {
    if (group.is_string()) user.groups.push_back(group.get<std::string>());
  }
  return user;
}

// `asking` of a review of oneself; null: the spec says who.
Status AnswerAccess(const ReviewKind& kind, const UserInfo* asking, std::string_view namespace_, const Json& spec,
                    const AccessControl& access, Json* answer) {
  const Json* resource = ObjectAt(spec, "resourceAttributes");
  const Json* path = ObjectAt(spec, "nonResourceAttributes");
  std::vector<StatusCause> causes;
  if (resource != nullptr && path != nullptr) {
    causes.push_back({"FieldValueInvalid",
                      Cat({"Invalid value: ", DumpDoc(*path),
                           ": cannot be specified in combination with "
                           "resourceAttributes"}),
                      "spec.nonResourceAttributes"});
  }
  if (resource == nullptr && path == nullptr) {
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be "
                      "specified",
                      "spec.resourceAttributes"});
  }
  const UserInfo user = asking != nullptr ? *asking : SubjectOf(spec);
  if (user.name.empty() && user.groups.empty()) {
    causes.push_back(
        {"FieldValueInvalid", "Invalid value: \"\": at least one of user or group must be specified", "spec.user"});
  }
  if (!causes.empty()) return Invalid(kind, std::move(causes));
  AccessAttributes attributes;
  if (resource != nullptr) {
    attributes = AttributesOf(*resource);
    if (kind.namespaced && attributes.namespace_ != namespace_) {
      return StatusBadRequest(Cat({"spec.resourceAttributes.namespace must match namespace: ", namespace_}));
    }
  } else {
    attributes.is_resource = false;
    attributes.verb = StringAt(*path, "verb");
    attributes.path = StringAt(*path, "path");
  }
  const AccessDecision decision = access.Decide(user, attributes);
  (*answer)["allowed"] = decision.allowed;
  if (!decision.reason.empty()) (*answer)["reason"] = decision.reason;
  return {};
}

}  // namespace

const std::vector<ReviewKind>& ReviewKinds() {
  static const std::vector<ReviewKind> kinds = [] {
    constexpr std::string_view kWho = "authentication.k8s.io";
    constexpr std::string_view kMay = "authorization.k8s.io";
    return std::vector<ReviewKind>{
        {"SelfSubjectReview", kWho, "selfsubjectreviews", "selfsubjectreview"},
        {"TokenReview", kWho, "tokenreviews", "tokenreview"},
        {"LocalSubjectAccessReview", kMay, "localsubjectaccessreviews", "localsubjectaccessreview", true},
        {"SelfSubjectAccessReview", kMay, "selfsubjectaccessreviews", "selfsubjectaccessreview"},
        {"SubjectAccessReview", kMay, "subjectaccessreviews", "subjectaccessreview"},
    };
  }();
  return kinds;
}

const ReviewKind* FindReview(std::string_view group, std::string_view version, std::string_view resource) {
  for (const ReviewKind& kind : ReviewKinds()) {
    if (kind.group == group && kind.resource == resource && version == "v1") return &kind;
  }
  return nullptr;
}

ReviewAnswer AnswerReview(const ReviewKind& kind, const UserInfo& asking, std::string_view namespace_,
                          std::string_view body, const AccessControl& access) {
  absl::StatusOr<Json> doc = ParseDoc(body);
  if (!doc.ok()) return {StatusBadRequest(MessageOf(doc.status())), ""};
  if (!doc->is_object()) return {StatusBadRequest("the body is not a JSON object"), ""};
  const std::string own_kind = StringAt(*doc, "kind");
  const std::string own_version = StringAt(*doc, "apiVersion");
  const std::string api_version = Cat({kind.group, "/v1"});
  if ((!own_kind.empty() && own_kind != kind.name) || (!own_version.empty() && own_version != api_version)) {
    return {StatusBadRequest(Cat({QuoteForError(own_kind), " in version ", QuoteForError(own_version),
                                  " cannot be handled as a ", kind.name})),
            ""};
  }
  (*doc)["kind"] = kind.name;
  (*doc)["apiVersion"] = api_version;
  Section(*doc, "metadata");
  const Json spec = Section(*doc, "spec");
  Json answer = Json::object();
  Status status;
  if (kind.name == "TokenReview") {
    status = AnswerToken(spec, access, &answer);
  } else if (kind.name == "SelfSubjectReview") {
    doc->erase("spec");
    answer["userInfo"] = UserJson(asking);
  } else {
    const bool self = kind.name == "SelfSubjectAccessReview";
    status = AnswerAccess(kind, self ? &asking : nullptr, namespace_, spec, access, &answer);
  }
  if (!status.ok()) return {std::move(status), ""};
  (*doc)["status"] = std::move(answer);
  status.code = 201;
  return {std::move(status), DumpDoc(*doc)};
}

}  // namespace epslice::sim

#include "sim/serve/token_request.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "apis/time_format.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/stamp.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTokenRequestVersion = "authentication.k8s.io/v1";
constexpr std::int64_t kPresetSeconds = 3600;

Status InvalidExpiration(const Json& value, std::string_view why) {
  const std::string message = Cat({"Invalid value: ", DumpDoc(value), ": ", why});
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = Cat({"TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: ", message});
  status.detailsGroup = "authentication.k8s.io";
  status.detailsKind = "TokenRequest";
  status.causes = {{"FieldValueInvalid", message, "spec.expirationSeconds"}};
  return status;
}

Status ReadLifetime(const Json& spec, const TokenRequestLimits& limits, std::int64_t* seconds) {
  const Json* const asked = Find(spec, "expirationSeconds");
  if (asked == nullptr || asked->is_null()) {
    *seconds = kPresetSeconds;
    return {};
  }
  if (!asked->is_number_integer()) return StatusBadRequest("spec.expirationSeconds is not a whole number");
  const std::int64_t shortest = limits.shortest / std::chrono::seconds(1);
  const std::int64_t longest = limits.longest / std::chrono::seconds(1);
  *seconds = asked->is_number_unsigned() && asked->get<std::uint64_t>() > static_cast<std::uint64_t>(longest)
                 ? longest
                 : std::min(asked->get<std::int64_t>(), longest);
  if (*seconds >= shortest) return {};
  return InvalidExpiration(
      *asked, shortest % 60 == 0
                  ? Cat({"may not specify a duration less than ", std::to_string(shortest / 60), " minutes"})
                  : Cat({"may not specify a duration less than ", std::to_string(shortest), " seconds"}));
}

Status ReadAudiences(const Json& spec) {
  const Json* const audiences = Find(spec, "audiences");
  if (audiences == nullptr || audiences->is_null()) return {};
  if (!audiences->is_array()) return StatusBadRequest("spec.audiences is not a list");
  if (audiences->empty()) return {};
  const bool ours = std::any_of(audiences->begin(), audiences->end(), [](const Json& a) { return a == kApiAudience; });
  if (ours) return {};
  return StatusBadRequest(Cat({"spec.audiences: tokens are good for ", QuoteForError(kApiAudience), " alone here"}));
}

TokenRequestAnswer Refused(Status status) { return {std::move(status), ""}; }

// The request's object; an error where it is none.
absl::StatusOr<Json> ReadRequest(std::string_view body) {
  absl::StatusOr<Json> doc = ParseDoc(body);
  if (!doc.ok()) return doc.status();
  if (!doc->is_object()) return absl::InvalidArgumentError("the body is not a JSON object");
  const std::string kind = StringAt(*doc, "kind");
  const std::string version = StringAt(*doc, "apiVersion");
  if ((!kind.empty() && kind != "TokenRequest") || (!version.empty() && version != kTokenRequestVersion)) {
    return absl::InvalidArgumentError(
        Cat({QuoteForError(kind), " in version ", QuoteForError(version), " cannot be handled as a TokenRequest"}));
  }
  return doc;
}

}  // namespace

Status FindAccount(const std::string& namespace_, const std::string& name, DocumentStore* documents,
                   ServiceAccountRef* account) {
  DocumentRequest get;
  get.verb = Verb::kGet;
  get.kind = FindDocumentKind("v1", "ServiceAccount");
  get.namespace_ = namespace_;
  get.name = name;
  const DocumentAnswer found = documents->Handle(get);
  if (!found.status.ok()) return found.status;
  const Json doc = ParseDoc(found.json).value_or(Json::object());
  const Json* const meta = Find(doc, "metadata");
  *account = {namespace_, name, meta == nullptr ? "" : StringAt(*meta, "uid")};
  return {};
}

TokenRequestAnswer AnswerTokenRequest(const std::string& namespace_, const std::string& name, std::string_view body,
                                      const TokenRequestLimits& limits, DocumentStore* documents,
                                      IssuedTokens* tokens) {
  absl::StatusOr<Json> doc = ReadRequest(body);
  if (!doc.ok()) return Refused(StatusBadRequest(MessageOf(doc.status())));
  Json& spec = Section(*doc, "spec");
  std::int64_t seconds = 0;
  if (Status status = ReadLifetime(spec, limits, &seconds); !status.ok()) return Refused(std::move(status));
  if (Status status = ReadAudiences(spec); !status.ok()) return Refused(std::move(status));
  if (const Json* bound = Find(spec, "boundObjectRef"); bound != nullptr && !bound->is_null()) {
    return Refused(StatusBadRequest("spec.boundObjectRef: tokens are bound to their account alone here"));
  }
  ServiceAccountRef account;
  if (Status status = FindAccount(namespace_, name, documents, &account); !status.ok()) {
    return Refused(std::move(status));
  }
  const std::optional<IssuedToken> token = tokens->Issue(account, kApiAudience, std::chrono::seconds(seconds));
  if (!token) {
    Status status;
    status.code = 429;
    status.reason = "TooManyRequests";
    status.message = "too many tokens are good now";
    return Refused(std::move(status));
  }
  (*doc)["kind"] = "TokenRequest";
  (*doc)["apiVersion"] = kTokenRequestVersion;
  (*doc)["metadata"] = {
      {"name", name}, {"namespace", namespace_}, {"creationTimestamp", FormatRfc3339(WholeSeconds(token->issued))}};
  spec["audiences"] = {kApiAudience};
  spec["expirationSeconds"] = seconds;
  spec["boundObjectRef"] = nullptr;
  (*doc)["status"] = {{"token", token->token}, {"expirationTimestamp", FormatRfc3339(token->expires)}};
  TokenRequestAnswer answer{{}, DumpDoc(*doc)};
  answer.status.code = 201;
  return answer;
}

}  // namespace epslice::sim

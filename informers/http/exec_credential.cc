#include "informers/http/exec_credential.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/time_format.h"

namespace epslice {
namespace {

using Json = nlohmann::json;

absl::Status Invalid(std::initializer_list<std::string_view> parts) { return absl::InvalidArgumentError(Cat(parts)); }

// A string, "" where it is absent or null, or false.
bool GetString(const Json& object, const char* key, std::string* out) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return true;
  if (!it->is_string()) return false;
  *out = it->get<std::string>();
  return true;
}

}  // namespace

bool IsTokenText(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f;
  });
}

std::string ExecInfoJson(const ExecPluginConfig& config) {
  Json info = {{"kind", "ExecCredential"}, {"apiVersion", config.api_version}, {"spec", {{"interactive", false}}}};
  if (!config.cluster_json.empty()) {
    info["spec"]["cluster"] = Json::parse(config.cluster_json, nullptr, /*allow_exceptions=*/false);
  }
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view json, const std::string& api_version) {
  constexpr int kMaxDepth = 32;
  bool too_deep = false;
  const Json::parser_callback_t bound = [&](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  const Json document = Json::parse(json, bound, /*allow_exceptions=*/false);
  if (too_deep || !document.is_object()) return Invalid({"its output is not an ExecCredential in JSON"});
  std::string kind;
  std::string version;
  if (!GetString(document, "kind", &kind) || !GetString(document, "apiVersion", &version) || kind != "ExecCredential") {
    return Invalid({"its output is not an ExecCredential in JSON"});
  }
  if (version != api_version) {
    return Invalid({"it was asked for apiVersion ", QuoteForError(api_version), " and gave ", QuoteForError(version)});
  }
  const auto status = document.find("status");
  if (status == document.end() || !status->is_object()) return Invalid({"its ExecCredential has no status"});

  ExecCredential out;
  std::string expiration;
  const std::pair<const char*, std::string*> fields[] = {{"token", &out.token},
                                                         {"clientCertificateData", &out.identity.certificate_pem},
                                                         {"clientKeyData", &out.identity.key_pem},
                                                         {"expirationTimestamp", &expiration}};
  for (const auto& [key, value] : fields) {
    if (!GetString(*status, key, value)) return Invalid({"status.", key, " is not a string"});
  }
  if (!IsTokenText(out.token)) return Invalid({"status.token holds blanks or control characters"});
  if (out.identity.certificate_pem.empty() != out.identity.key_pem.empty()) {
    return Invalid({"of status.clientCertificateData and status.clientKeyData there is only one"});
  }
  if (out.identity != Identity()) {
    if (absl::Status good = CheckIdentity(out.identity); !good.ok()) {
      return Invalid({"status.clientCertificateData: ", std::string(good.message())});
    }
  } else if (out.token.empty()) {
    return Invalid({"its ExecCredential holds neither token nor client certificate"});
  }
  if (!expiration.empty()) {
    absl::StatusOr<Timestamp> time = ParseRfc3339(expiration);
    if (!time.ok()) return Invalid({"status.expirationTimestamp is no RFC 3339 time"});
    out.expiration = *time;
  }
  return out;
}

}  // namespace epslice

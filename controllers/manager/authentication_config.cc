#include "controllers/manager/authentication_config.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/bounded_json.h"

namespace epslice {
namespace {

using Json = nlohmann::json;

std::string TextAt(const Json& data, const char* key) {
  const auto it = data.find(key);
  return it != data.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// A list in JSON, in a string; of "" an empty one.
absl::Status ReadList(const Json& data, const char* key, std::vector<std::string>* to) {
  to->clear();
  const std::string text = TextAt(data, key);
  if (text.empty()) return absl::OkStatus();
  const std::optional<Json> list = ParseBoundedJson(text);
  const auto bad = [key] { return absl::InvalidArgumentError(Cat({key, " is no list of strings in JSON"})); };
  if (!list || !(list->is_array() || list->is_null())) return bad();
  for (const Json& item : *list) {
    if (!item.is_string()) return bad();
    to->push_back(item.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AuthenticationConfig> ParseAuthenticationConfig(std::string_view json) {
  const std::optional<Json> document = ParseBoundedJson(json);
  const auto bad = [] { return absl::InvalidArgumentError("the answer is no ConfigMap"); };
  if (!document || !document->is_object() || TextAt(*document, "kind") != "ConfigMap") return bad();
  AuthenticationConfig config;
  const auto data = document->find("data");
  const Json nothing = Json::object();
  const Json& texts = data == document->end() || data->is_null() ? nothing : *data;
  if (!texts.is_object()) return bad();
  config.client_ca_pem = TextAt(texts, "client-ca-file");
  config.requestheader_client_ca_pem = TextAt(texts, "requestheader-client-ca-file");
  RequestHeaderOptions& headers = config.request_headers;
  for (const auto& [key, list] : {std::pair("requestheader-allowed-names", &headers.allowed_names),
                                  std::pair("requestheader-username-headers", &headers.username_headers),
                                  std::pair("requestheader-uid-headers", &headers.uid_headers),
                                  std::pair("requestheader-group-headers", &headers.group_headers),
                                  std::pair("requestheader-extra-headers-prefix", &headers.extra_header_prefixes)}) {
    if (absl::Status read = ReadList(texts, key, list); !read.ok()) return read;
  }
  return config;
}

}  // namespace epslice

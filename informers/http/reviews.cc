#include "informers/http/reviews.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/json_writer.h"
#include "informers/http/bounded_json.h"

namespace epslice {
namespace {

using Json = nlohmann::json;

void WriteHead(std::string_view api_version, std::string_view kind, JsonWriter* writer) {
  writer->BeginObject();
  writer->Field("apiVersion", api_version);
  writer->Field("kind", kind);
  writer->Key("spec");
  writer->BeginObject();
}

void WriteStrings(std::string_view key, const std::vector<std::string>& values, JsonWriter* writer) {
  writer->Key(key);
  writer->BeginArray();
  for (const std::string& value : values) writer->String(value);
  writer->EndArray();
}

// The status of a review of this kind.
absl::StatusOr<Json> StatusOf(std::string_view json, std::string_view kind) {
  std::optional<Json> document = ParseBoundedJson(json);
  const auto no_review = [kind] { return absl::InvalidArgumentError(Cat({"the answer is no ", kind})); };
  if (!document || !document->is_object()) return no_review();
  const auto named = document->find("kind");
  if (named == document->end() || *named != kind) return no_review();
  const auto status = document->find("status");
  if (status == document->end() || !status->is_object()) return no_review();
  return std::move(*status);
}

bool TrueAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

std::string TextAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::vector<std::string> TextsIn(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace

std::string TokenReviewJson(std::string_view token) {
  std::string json;
  // In one piece, so that no copy of the token stays behind in the heap.
  json.reserve(token.size() * 6 + 128);
  JsonWriter writer(&json);
  WriteHead("authentication.k8s.io/v1", "TokenReview", &writer);
  writer.Field("token", token);
  writer.EndObject();
  writer.EndObject();
  return json;
}

absl::StatusOr<TokenVerdict> ParseTokenReview(std::string_view json) {
  const absl::StatusOr<Json> status = StatusOf(json, "TokenReview");
  if (!status.ok()) return status.status();
  TokenVerdict verdict;
  verdict.authenticated = TrueAt(*status, "authenticated");
  const auto user = status->find("user");
  if (!verdict.authenticated || user == status->end() || !user->is_object()) {
    // Nobody is told by name: that cannot be answered for.
    if (verdict.authenticated) return absl::InvalidArgumentError("the TokenReview names no user");
    return verdict;
  }
  verdict.user.name = TextAt(*user, "username");
  verdict.user.uid = TextAt(*user, "uid");
  if (const auto groups = user->find("groups"); groups != user->end()) verdict.user.groups = TextsIn(*groups);
  if (const auto extra = user->find("extra"); extra != user->end() && extra->is_object()) {
    for (const auto& [key, values] : extra->items()) verdict.user.extra[key] = TextsIn(values);
  }
  if (verdict.user.name.empty()) return absl::InvalidArgumentError("the TokenReview names no user");
  return verdict;
}

std::string AccessReviewJson(const ReviewedUser& user, std::string_view path, std::string_view verb) {
  std::string json;
  JsonWriter writer(&json);
  WriteHead("authorization.k8s.io/v1", "SubjectAccessReview", &writer);
  writer.Key("nonResourceAttributes");
  writer.BeginObject();
  writer.Field("path", path);
  writer.Field("verb", verb);
  writer.EndObject();
  writer.Field("user", user.name);
  if (!user.uid.empty()) writer.Field("uid", user.uid);
  if (!user.groups.empty()) WriteStrings("groups", user.groups, &writer);
  if (!user.extra.empty()) {
    writer.Key("extra");
    writer.BeginObject();
    for (const auto& [key, values] : user.extra) WriteStrings(key, values, &writer);
    writer.EndObject();
  }
  writer.EndObject();
  writer.EndObject();
  return json;
}

absl::StatusOr<AccessVerdict> ParseAccessReview(std::string_view json) {
  const absl::StatusOr<Json> status = StatusOf(json, "SubjectAccessReview");
  if (!status.ok()) return status.status();
  AccessVerdict verdict;
  verdict.allowed = TrueAt(*status, "allowed") && !TrueAt(*status, "denied");
  verdict.reason = TextAt(*status, "reason");
  return verdict;
}

std::string Sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string_view BearerToken(std::string_view header) {
  const auto trim = [](std::string_view* text) {
    const std::size_t begin = text->find_first_not_of(" \t");
    text->remove_prefix(begin == std::string_view::npos ? text->size() : begin);
    text->remove_suffix(text->size() - (text->find_last_not_of(" \t") + 1));
  };
  trim(&header);
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  // As the reference: up to the next blank, and none where two follow.
  const std::string_view rest = header.substr(kScheme.size());
  return rest.substr(0, rest.find(' '));
}

void Wipe(std::string* secret) {
  OPENSSL_cleanse(secret->data(), secret->size());
  secret->clear();
}

}  // namespace epslice

#include "sim/serve/issued_tokens.h"

#include <openssl/rand.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "informers/http/reviews.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string Base64Url(std::string_view bytes) {
  std::string out = absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()));
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

std::string Claims(const ServiceAccountRef& account, std::string_view audience, const IssuedToken& token) {
  const std::int64_t issued = token.issued.nanos / kSecond;
  return DumpDoc(
      {{"aud", {audience}},
       {"exp", token.expires.nanos / kSecond},
       {"iat", issued},
       {"iss", audience},
       {"kubernetes.io",
        {{"namespace", account.namespace_}, {"serviceaccount", {{"name", account.name}, {"uid", account.uid}}}}},
       {"nbf", issued},
       {"sub", UserOf(account).name}});
}

}  // namespace

std::string IssuedTokens::RandomSecret() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return "";
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void IssuedTokens::Prune(Timestamp now) {
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.expires <= now; });
}

std::optional<IssuedToken> IssuedTokens::Issue(const ServiceAccountRef& account, std::string_view audience,
                                               Duration lifetime) {
  const std::string secret = new_secret_();
  if (secret.empty()) return std::nullopt;
  IssuedToken token;
  // Whole seconds, as it says of itself.
  token.issued = Timestamp{clock_->WallNow().nanos / kSecond * kSecond};
  token.expires = Timestamp{token.issued.nanos + lifetime.count()};
  token.token = Cat({Base64Url(R"({"alg":"none","typ":"JWT"})"), ".", Base64Url(Claims(account, audience, token)), ".",
                     Base64Url(secret)});
  std::lock_guard<std::mutex> lock(mu_);
  if (entries_.size() >= kMaxTokens) Prune(token.issued);
  if (entries_.size() >= kMaxTokens) return std::nullopt;
  entries_.insert_or_assign(Sha256(token.token), Entry{account, token.expires});
  return token;
}

std::optional<IssuedTokens::Owner> IssuedTokens::OwnerOf(std::string_view token) const {
  const std::string key = Sha256(token);
  std::lock_guard<std::mutex> lock(mu_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return Owner{found->second.account, found->second.expires <= clock_->WallNow()};
}

UserInfo UserOf(const ServiceAccountRef& account) {
  return WithImpliedGroups({ServiceAccountUser(account.namespace_, account.name), account.uid, {}});
}

}  // namespace epslice::sim

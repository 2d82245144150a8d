#include "sim/cluster/paging.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kTokenVersion = "meta.k8s.io/v1";
// Larger than any two names.
constexpr std::size_t kMaxTokenBytes = 4096;

}  // namespace

std::string EncodeContinueToken(const ContinueToken& token) {
  const nlohmann::json doc = {
      {"v", kTokenVersion},
      {"rv", token.version},
      {"left", token.remaining},
      {"start", token.last.namespace_.str() + "/" + token.last.name.str() + std::string(1, '\0')}};
  return absl::WebSafeBase64Escape(doc.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::optional<ContinueToken> DecodeContinueToken(std::string_view text) {
  std::string plain;
  if (text.size() > kMaxTokenBytes ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &plain)) {
    return std::nullopt;
  }
  // Flat, so depth is no concern; discarded where it is no JSON.
  const nlohmann::json doc = nlohmann::json::parse(plain, nullptr, /*allow_exceptions=*/false);
  if (!doc.is_object()) return std::nullopt;
  auto v = doc.find("v"), rv = doc.find("rv"), start = doc.find("start");
  if (v == doc.end() || rv == doc.end() || start == doc.end()) return std::nullopt;
  if (*v != kTokenVersion || !rv->is_number_integer() || !start->is_string()) return std::nullopt;
  std::string place = start->get<std::string>();
  if (place.empty() || place.back() != '\0') return std::nullopt;
  place.pop_back();
  const std::size_t slash = place.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto left = doc.find("left");
  const std::int64_t remaining = left != doc.end() && left->is_number_integer() ? left->get<std::int64_t>() : -1;
  return ContinueToken{
      rv->get<std::int64_t>(), {Text(place.substr(0, slash)), Text(place.substr(slash + 1))}, remaining};
}

}  // namespace epslice::sim

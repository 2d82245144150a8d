#include "informers/http/bounded_json.h"

#include <nlohmann/json.hpp>

namespace epslice {

std::optional<nlohmann::json> ParseBoundedJson(std::string_view text) {
  constexpr int kMaxDepth = 32;
  using Json = nlohmann::json;
  bool too_deep = false;
  const Json::parser_callback_t bound = [&](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json document = Json::parse(text, bound, /*allow_exceptions=*/false);
  if (too_deep || document.is_discarded()) return std::nullopt;
  return document;
}

}  // namespace epslice

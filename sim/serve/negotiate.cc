#include "sim/serve/negotiate.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "apis/cat.h"
#include "apis/protobuf.h"

namespace epslice::sim {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the next part off `text`, up to `separator`.
std::string_view Cut(std::string_view* text, char separator) {
  const std::size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return Trim(part);
}

struct MediaRange {
  std::string type;
  std::string_view as, group, version;
};

MediaRange ParseRange(std::string_view text) {
  MediaRange range;
  range.type = LowerCase(Cut(&text, ';'));
  while (!text.empty()) {
    std::string_view parameter = Cut(&text, ';');
    const std::string key = LowerCase(Cut(&parameter, '='));
    if (key == "as") range.as = parameter;
    if (key == "g") range.group = parameter;
    if (key == "v") range.version = parameter;
  }
  return range;
}

bool IsJson(const MediaRange& range) {
  return range.type == "application/json" || range.type == "application/*" || range.type == "*/*";
}

// Calls `choose` for each entry, until one is chosen.
template <typename Format, typename Choose>
std::optional<Format> FirstChosen(std::string_view accept, Choose choose) {
  while (!accept.empty()) {
    const MediaRange range = ParseRange(Cut(&accept, ','));
    const std::optional<Format> chosen = choose(range);
    if (chosen.has_value()) return chosen;
  }
  return std::nullopt;
}

}  // namespace

ObjectFormat NegotiateObject(std::string_view accept, const Offer& offer) {
  if (Trim(accept).empty()) return ObjectFormat::kJson;
  const auto choose = [&offer](const MediaRange& range) -> std::optional<ObjectFormat> {
    const bool protobuf = offer.protobuf && range.type == kProtobufMediaType;
    if (!protobuf && !IsJson(range)) return std::nullopt;
    if (range.as.empty()) return protobuf ? ObjectFormat::kProtobuf : ObjectFormat::kJson;
    if (range.group != "meta.k8s.io" || range.version != "v1") return std::nullopt;
    if (range.as == "Table" && !protobuf) return ObjectFormat::kTable;
    if (range.as == "PartialObjectMetadata" && offer.metadata) {
      return protobuf ? ObjectFormat::kMetadataProtobuf : ObjectFormat::kMetadataJson;
    }
    return std::nullopt;
  };
  return FirstChosen<ObjectFormat>(accept, choose).value_or(ObjectFormat::kNone);
}

DiscoveryFormat NegotiateDiscovery(std::string_view accept) {
  return FirstChosen<DiscoveryFormat>(
             accept,
             [](const MediaRange& range) -> std::optional<DiscoveryFormat> {
               if (!IsJson(range)) return std::nullopt;
               if (range.as.empty()) return DiscoveryFormat::kPlain;
               if (range.as != "APIGroupDiscoveryList" || range.group != "apidiscovery.k8s.io") {
                 return std::nullopt;
               }
               if (range.version == "v2") return DiscoveryFormat::kAggregatedV2;
               if (range.version == "v2beta1") return DiscoveryFormat::kAggregatedV2Beta1;
               return std::nullopt;
             })
      .value_or(DiscoveryFormat::kPlain);
}

std::string MediaType(std::string_view content_type) { return LowerCase(Cut(&content_type, ';')); }

Status StatusNotAcceptable() {
  Status status;
  status.code = 406;
  status.reason = "NotAcceptable";
  status.message =
      "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io, "
      "application/vnd.kubernetes.protobuf";
  return status;
}

Status StatusUnsupportedMediaType(std::string_view accepted) {
  Status status;
  status.code = 415;
  status.reason = "UnsupportedMediaType";
  status.message = Cat({"the body of the request was in an unknown format - accepted media types include: ", accepted});
  return status;
}

}  // namespace epslice::sim

// Content negotiation: what an Accept header asks for, as far as we have it.
//
// kubectl asks for "application/json;as=Table;v=v1;g=meta.k8s.io,
// application/json", controllers for protobuf with JSON as second best. We
// have both, Tables as JSON, the metadata of single objects, and the two aggregated forms of discovery; the
// first entry of the list that we have wins (weights are ignored: no client
// of the API sends them).
#ifndef EPSLICE_SIM_SERVE_NEGOTIATE_H_
#define EPSLICE_SIM_SERVE_NEGOTIATE_H_

#include <string>
#include <string_view>

#include "apis/request.h"

namespace epslice::sim {

enum class ObjectFormat { kJson, kTable, kProtobuf, kMetadataJson, kMetadataProtobuf, kNone };
inline bool IsProtobuf(ObjectFormat format) {
  return format == ObjectFormat::kProtobuf || format == ObjectFormat::kMetadataProtobuf;
}
inline bool IsMetadata(ObjectFormat format) {
  return format == ObjectFormat::kMetadataJson || format == ObjectFormat::kMetadataProtobuf;
}

struct Offer {
  bool protobuf = true;
  bool metadata = false;  // PartialObjectMetadata: of single objects, which we have it for
};
// What objects and lists are to look like. An empty header accepts anything.
// kNone: nothing acceptable, answer 406.
ObjectFormat NegotiateObject(std::string_view accept, const Offer& offer = {});

enum class DiscoveryFormat { kPlain, kAggregatedV2, kAggregatedV2Beta1 };
DiscoveryFormat NegotiateDiscovery(std::string_view accept);

// "application/json; charset=utf-8" -> "application/json", in lower case.
std::string MediaType(std::string_view content_type);

Status StatusNotAcceptable();                                  // 406
Status StatusUnsupportedMediaType(std::string_view accepted);  // 415: "accepted media types include: ..."

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_NEGOTIATE_H_

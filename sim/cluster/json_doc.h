// Whole objects as JSON documents, for the objects that must come back whole.
//
// Text comes from clients: it is bounded in size and depth here, before
// nlohmann's recursive functions see it.
#ifndef EPSLICE_SIM_CLUSTER_JSON_DOC_H_
#define EPSLICE_SIM_CLUSTER_JSON_DOC_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apis/object.h"

namespace epslice::sim {

// What an API server takes in one request body.
inline constexpr std::size_t kMaxObjectBytes = std::size_t{3} << 20;
inline constexpr std::size_t kMaxDocDepth = 64;

// InvalidArgument where the text is no JSON, too long or nested too deep.
absl::StatusOr<nlohmann::json> ParseDoc(std::string_view text);
// Whether values are nested deeper than kMaxDocDepth.
bool TooDeep(const nlohmann::json& doc);
// Invalid UTF-8 comes out as U+FFFD.
std::string DumpDoc(const nlohmann::json& doc);

// The object as a document: its JSON, or its struct written out.
absl::StatusOr<nlohmann::json> DocOf(const AnyObject& object);
// The document as an object that keeps its JSON.
absl::StatusOr<AnyObject> ObjectOf(Kind kind, const nlohmann::json& doc);

// doc[key] as an object: made when it is absent or something else.
nlohmann::json& Section(nlohmann::json& doc, const char* key);
// doc[key], or null.
const nlohmann::json* Find(const nlohmann::json& doc, const char* key);
// doc[key] as a string, or "".
std::string StringAt(const nlohmann::json& doc, const char* key);

// events.k8s.io/v1 names of an event's fields (regarding, note, deprecated*)
// become those of core/v1, in an object or a patch of one.
void EventToCore(nlohmann::json* doc);

// What a struct says, put into the whole object it is a projection of: its
// labels, annotations, finalizers and owners, and the parts of spec and status
// it knows. What it does not know stays, but for what TellContainers() says.
absl::Status OverlayStruct(const AnyObject& object, nlohmann::json* doc);

// What a kubelet would tell of the containers of a pod that a struct stands for:
// of each, while the pod is running, what the pod's Ready condition says.
void TellContainers(const Pod& pod, nlohmann::json* doc);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_JSON_DOC_H_

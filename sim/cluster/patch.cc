#include "sim/cluster/patch.h"

#include <nlohmann/json.hpp>
#include <string>

#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

// As many as the API server takes.
constexpr std::size_t kMaxPatchOperations = 10'000;

bool HasCopy(const json& patch) {
  for (const json& operation : patch) {
    if (StringAt(operation, "op") == "copy") return true;
  }
  return false;
}

absl::Status CheckSize(const json& doc) {
  // Depth first: writing a very deep document out would exhaust the stack.
  if (TooDeep(doc)) return absl::FailedPreconditionError("the patched object is nested too deep");
  if (DumpDoc(doc).size() > kMaxObjectBytes) return absl::FailedPreconditionError("the patched object is too large");
  return absl::OkStatus();
}

absl::Status ApplyJsonPatch(const json& patch, json* doc) {
  if (!patch.is_array()) return absl::InvalidArgumentError("a JSON patch is a list of operations (RFC 6902)");
  if (patch.size() > kMaxPatchOperations) {
    return absl::InvalidArgumentError("The allowed maximum operations in a JSON patch is " +
                                      std::to_string(kMaxPatchOperations) + ", got " + std::to_string(patch.size()));
  }
  try {
    if (!HasCopy(patch)) {
      *doc = doc->patch(patch);
      return CheckSize(*doc);
    }
    // Each copy can double the document: look at it after every step.
    for (const json& operation : patch) {
      *doc = doc->patch(json::array({operation}));
      if (absl::Status status = CheckSize(*doc); !status.ok()) return status;
    }
    return absl::OkStatus();
  } catch (const json::parse_error& e) {
    return absl::InvalidArgumentError(e.what());
  } catch (const json::exception& e) {
    return absl::FailedPreconditionError(e.what());
  }
}

}  // namespace

absl::Status ApplyPatch(PatchType type, Kind kind, std::string_view patch, json* doc) {
  absl::StatusOr<json> parsed = ParseDoc(patch);
  if (!parsed.ok()) return parsed.status();
  if (type == PatchType::kJson) return ApplyJsonPatch(*parsed, doc);
  if (!parsed->is_object()) return absl::InvalidArgumentError("a merge patch is a JSON object");
  if (kind == Kind::kEvent) EventToCore(&*parsed);
  if (type == PatchType::kStrategicMerge) {
    if (absl::Status status = StrategicMergePatch(kind, *parsed, doc); !status.ok()) return status;
  } else {
    doc->merge_patch(*parsed);
  }
  return CheckSize(*doc);
}

}  // namespace epslice::sim

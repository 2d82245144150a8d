#include "sim/cluster/patch.h"

#include <nlohmann/json.hpp>
#include <string>

#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using nlohmann::json;

// As many as the API server takes.
constexpr std::size_t kMaxPatchOperations = 10'000;

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
    // Step by step and in place: a patch of a few bytes can copy much, again
    // and again, so what it copies is counted before it does.
    std::size_t copied = 0;
    for (const json& operation : patch) {
      const std::string op = StringAt(operation, "op");
      if (op == "copy" || op == "move") {
        const json& source = doc->at(json::json_pointer(StringAt(operation, "from")));
        if (absl::Status status = CheckSize(source); !status.ok()) return status;
        copied += DumpDoc(source).size();
        if (copied > kMaxObjectBytes) return absl::FailedPreconditionError("the patch copies too much");
      }
      doc->patch_inplace(json::array({operation}));
    }
    return CheckSize(*doc);
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

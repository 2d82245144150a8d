#include "sim/serve/bodies.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "apis/cat.h"
#include "apis/json.h"
#include "apis/protobuf.h"
#include "apis/status_text.h"
#include "sim/cluster/json_doc.h"
#include "sim/serve/negotiate.h"
#include "sim/serve/protobuf_body.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPatchTypes =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";

constexpr std::string_view kBodyTypes = "application/json, application/vnd.kubernetes.protobuf";

// The beginning of what could not be read, for the error.
std::string Beginning(std::string_view body) {
  constexpr std::size_t kShown = 30;
  std::string shown = QuoteForError(body, kShown);
  return Cat({shown, body.size() > kShown ? " ..." : ""});
}

Status Unrecognized(std::string_view kind, std::string_view why, std::string_view body) {
  return StatusBadRequest(Cat({"the object provided is unrecognized (must be of type ", kind,
                               "): couldn't get version/kind; ", why, " (", Beginning(body), ")"}));
}

std::string_view ApiVersionOf(const Route& route) {
  return route.events_v1 ? std::string_view("events.k8s.io/v1") : InfoOf(route.request.kind).apiVersion;
}

// The kind and version a body claims against those of the path. A body may
// leave them out (the path says them).
Status CheckType(const Json& doc, const Route& route) {
  const KindInfo& info = InfoOf(route.request.kind);
  const std::string kind = StringAt(doc, "kind");
  const std::string api_version = StringAt(doc, "apiVersion");
  if (!kind.empty() && kind != info.name) {
    return StatusBadRequest(
        Cat({QuoteForError(kind), " in version ", QuoteForError(api_version), " cannot be handled as a ", info.name}));
  }
  if (!api_version.empty() && api_version != ApiVersionOf(route)) {
    return StatusBadRequest(Cat({"the API version in the data (", QuoteForError(api_version),
                                 ") does not match the expected API version (", ApiVersionOf(route), ")"}));
  }
  return {};
}

// Name and namespace in the body against those of the path; what the body
// leaves out is filled in.
Status CheckPlace(const Route& route, Json* doc) {
  const Request& request = route.request;
  Json& meta = Section(*doc, "metadata");
  const std::string namespace_ = StringAt(meta, "namespace");
  if (InfoOf(request.kind).namespaced) {
    if (!namespace_.empty() && namespace_ != request.namespace_) {
      if (request.verb == Verb::kCreate) {
        return StatusBadRequest(
            "the namespace of the provided object does not match the namespace sent on the request");
      }
      return StatusBadRequest(Cat({"the namespace of the object (", QuoteForError(namespace_),
                                   ") does not match the namespace on the request (", request.namespace_, ")"}));
    }
    meta["namespace"] = request.namespace_;
  } else {
    meta.erase("namespace");
  }
  if (request.verb != Verb::kUpdate) return {};
  const std::string name = StringAt(meta, "name");
  if (name != request.name) {
    return StatusBadRequest(Cat({"the name of the object (", QuoteForError(name),
                                 ") does not match the name on the URL (", request.name, ")"}));
  }
  return {};
}

Status ReadObject(std::string_view body, Route* route) {
  const KindInfo& info = InfoOf(route->request.kind);
  absl::StatusOr<Json> doc = ParseDoc(body);
  if (!doc.ok()) return Unrecognized(info.name, MessageOf(doc.status()), body);
  if (!doc->is_object()) return Unrecognized(info.name, "the body is not a JSON object", body);
  if (Status status = CheckType(*doc, *route); !status.ok()) return status;
  if (Status status = CheckPlace(*route, &*doc); !status.ok()) return status;
  (*doc)["kind"] = info.name;
  // Events of either spelling are kept in core/v1's.
  if (route->events_v1) EventToCore(&*doc);
  (*doc)["apiVersion"] = info.apiVersion;
  absl::StatusOr<AnyObject> object = ObjectOf(route->request.kind, *doc);
  if (!object.ok()) {
    return StatusBadRequest(Cat({info.name, " in version \"", info.version, "\" cannot be handled as a ", info.name,
                                 ": ", MessageOf(object.status())}));
  }
  route->request.object = *std::move(object);
  return {};
}

// A slice or a Lease in protobuf of which our struct holds every byte: it is
// written back to see. That is what controllers write all day, and it needs no
// way over JSON. Empty for all else, for what is to be refused, too.
std::optional<AnyObject> ReadWhole(std::string_view body, const Request& request) {
  const auto read = [&]<typename T>() -> std::optional<AnyObject> {
    absl::StatusOr<T> object = DecodeProtobuf<T>(body);
    if (!object.ok() || EncodeProtobuf(*object) != body) return std::nullopt;
    BasicMeta& meta = object->metadata;
    if (request.verb == Verb::kUpdate && meta.name != request.name) return std::nullopt;
    if (meta.namespace_.empty()) meta.namespace_ = Text::Intern(request.namespace_);
    if (meta.namespace_ != request.namespace_) return std::nullopt;
    return AnyObject::Of(*std::move(object));
  };
  if (!request.subresource.empty()) return std::nullopt;
  if (request.kind == Kind::kEndpointSlice) return read.operator()<EndpointSlice>();
  if (request.kind == Kind::kLease) return read.operator()<Lease>();
  return std::nullopt;
}

Status ReadDeleteOptions(const Json& doc, Request* request) {
  DeleteOptions* const options = &request->deletion;
  const std::string kind = StringAt(doc, "kind");
  if (!kind.empty() && kind != "DeleteOptions") {
    return StatusBadRequest(Cat({QuoteForError(kind), " cannot be handled as a DeleteOptions"}));
  }
  if (const Json* grace = Find(doc, "gracePeriodSeconds"); grace != nullptr && !grace->is_null()) {
    if (!grace->is_number_integer() || grace->get<std::int64_t>() < 0) {
      return StatusBadRequest("DeleteOptions: gracePeriodSeconds must be a whole number from 0");
    }
    options->gracePeriodSeconds = grace->get<std::int64_t>();
  }
  const Json* dry_run = Find(doc, "dryRun");
  if (dry_run != nullptr && !dry_run->is_null() && dry_run->size() > 0) {
    request->dryRun = true;
    if (*dry_run != Json::array({"All"})) {
      return StatusBadRequest("DeleteOptions: dryRun: Unsupported value: supported values: \"All\"");
    }
  }
  if (const std::string policy = StringAt(doc, "propagationPolicy"); !policy.empty()) {
    if (policy != "Background" && policy != "Foreground" && policy != "Orphan") {
      return StatusBadRequest(Cat(
          {"DeleteOptions: propagationPolicy ", QuoteForError(policy), " is none of Background, Foreground, Orphan"}));
    }
    options->propagationPolicy = policy;
  }
  if (const Json* orphan = Find(doc, "orphanDependents"); orphan != nullptr && orphan->is_boolean()) {
    options->propagationPolicy = orphan->get<bool>() ? "Orphan" : "Background";
  }
  if (const Json* preconditions = Find(doc, "preconditions"); preconditions != nullptr && preconditions->is_object()) {
    options->preconditionUid = StringAt(*preconditions, "uid");
    options->preconditionResourceVersion = StringAt(*preconditions, "resourceVersion");
  }
  return {};
}

absl::StatusOr<Json> ParseObject(std::string_view body) {
  absl::StatusOr<Json> doc = ParseDoc(body);
  if (doc.ok() && !doc->is_object()) return absl::InvalidArgumentError("the body is not a JSON object");
  return doc;
}

Status ReadBinding(std::string_view body, Request* request) {
  const absl::StatusOr<Json> doc = ParseObject(body);
  if (!doc.ok()) return Unrecognized("Binding", MessageOf(doc.status()), body);
  const Json* target = Find(*doc, "target");
  Pod pod;
  if (target != nullptr && target->is_object()) pod.nodeName = StringAt(*target, "name");
  if (pod.nodeName.empty()) return StatusBadRequest("Binding: target.name must name the node");
  pod.metadata.name = request->name;
  pod.metadata.namespace_ = request->namespace_;
  request->object = AnyObject::Of(std::move(pod));
  return {};
}

Status ReadEviction(std::string_view body, Request* request) {
  const absl::StatusOr<Json> doc = ParseObject(body);
  if (!doc.ok()) return Unrecognized("Eviction", MessageOf(doc.status()), body);
  const Json* options = Find(*doc, "deleteOptions");
  if (options == nullptr || !options->is_object()) return {};
  return ReadDeleteOptions(*options, request);
}

Status ReadPatch(std::string_view type, std::string_view body, Request* request) {
  if (type == "application/merge-patch+json") {
    request->patchType = PatchType::kMerge;
  } else if (type == "application/strategic-merge-patch+json") {
    request->patchType = PatchType::kStrategicMerge;
  } else if (type == "application/json-patch+json") {
    request->patchType = PatchType::kJson;
  } else if (type == "application/apply-patch+yaml" || type == "application/apply-patch+cbor") {
    Status status = StatusUnsupportedMediaType(kPatchTypes);
    status.message = Cat({"server-side apply is not served here - accepted media types include: ", kPatchTypes});
    return status;
  } else {
    return StatusUnsupportedMediaType(kPatchTypes);
  }
  request->patch = std::string(body);
  return {};
}

}  // namespace

Status ReadBody(std::string_view content_type, std::string_view body, Route* route) {
  Request& request = route->request;
  const std::string type = MediaType(content_type);
  if (request.verb == Verb::kPatch) return ReadPatch(type, body, &request);
  const bool deletes = request.verb == Verb::kDelete;
  if (!deletes && request.verb != Verb::kCreate && request.verb != Verb::kUpdate) return {};
  if (deletes && body.empty()) return {};
  std::string converted;
  if (type == kProtobufMediaType) {
    if (std::optional<AnyObject> object = ReadWhole(body, request); object) {
      request.object = *std::move(object);
      return {};
    }
    absl::StatusOr<std::string> json = ProtobufToJson(body);
    if (absl::IsUnimplemented(json.status())) {
      Status status = StatusUnsupportedMediaType(kBodyTypes);
      status.message += Cat({" (", MessageOf(json.status()), ")"});
      return status;
    }
    if (!json.ok()) return StatusBadRequest(MessageOf(json.status()));
    converted = *std::move(json);
    body = converted;
  } else if (!type.empty() && type != "application/json") {
    // No header counts as JSON, as the reference has it.
    return StatusUnsupportedMediaType(kBodyTypes);
  }
  if (deletes) {
    const absl::StatusOr<Json> doc = ParseObject(body);
    if (!doc.ok()) return Unrecognized("DeleteOptions", MessageOf(doc.status()), body);
    return ReadDeleteOptions(*doc, &request);
  }
  if (request.subresource == "binding") return ReadBinding(body, &request);
  if (request.subresource == "eviction") return ReadEviction(body, &request);
  return ReadObject(body, route);
}

}  // namespace epslice::sim

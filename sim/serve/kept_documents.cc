#include "sim/serve/kept_documents.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "apis/cat.h"
#include "apis/protobuf.h"
#include "apis/status_text.h"
#include "sim/serve/bodies.h"
#include "sim/serve/negotiate.h"
#include "sim/serve/protobuf_body.h"
#include "sim/serve/request_attributes.h"
#include "sim/serve/reviews.h"
#include "sim/serve/tables.h"

namespace epslice::sim {
namespace {

HttpAnswer Answer(const Status& status, std::string json) {
  if (!status.ok()) return AnswerStatus(status);
  HttpAnswer answer;
  answer.code = status.code;
  answer.body = std::move(json);
  return answer;
}

// The body of a write as JSON.
Status JsonBody(const HttpRequest& http, std::string* json) {
  constexpr std::string_view kTypes = "application/json, application/vnd.kubernetes.protobuf";
  const std::string type = MediaType(http.content_type);
  if (type.empty() || type == "application/json") {
    *json = http.body;
    return {};
  }
  if (type != kProtobufMediaType) return StatusUnsupportedMediaType(kTypes);
  absl::StatusOr<std::string> converted = ProtobufToJson(http.body);
  if (converted.ok()) {
    *json = *std::move(converted);
    return {};
  }
  const std::string_view why = MessageOf(converted.status());
  if (!absl::IsUnimplemented(converted.status())) return StatusBadRequest(why);
  Status status = StatusUnsupportedMediaType(kTypes);
  status.message += Cat({" (", why, ")"});
  return status;
}

HttpAnswer HandleReview(const HttpRequest& http, const ReviewKind& kind, const ResourcePath& path,
                        const AccessControl& access) {
  if (http.method != "POST") return AnswerStatus(StatusNoSuchMethod());
  std::string body;
  if (Status status = JsonBody(http, &body); !status.ok()) return AnswerStatus(status);
  ReviewAnswer answer = AnswerReview(kind, http.user, path.namespace_, body, access);
  return Answer(answer.status, std::move(answer.json));
}

bool IsTokenRequest(const ResourcePath& path) {
  return path.group.empty() && path.version == "v1" && path.resource == "serviceaccounts" &&
         path.subresource == "token" && !path.namespace_.empty();
}

HttpAnswer HandleTokenRequest(const HttpRequest& http, const ResourcePath& path, DocumentStore* documents,
                              const TokenIssuing& issuing) {
  if (http.method != "POST") return AnswerStatus(StatusNoSuchMethod());
  std::string body;
  if (Status status = JsonBody(http, &body); !status.ok()) return AnswerStatus(status);
  TokenRequestAnswer answer =
      AnswerTokenRequest(path.namespace_, path.name, body, issuing.limits, documents, issuing.tokens);
  return Answer(answer.status, std::move(answer.json));
}

std::optional<Verb> VerbFor(std::string_view method, const ResourcePath& path, const DocumentKind& kind) {
  const bool whole_cluster = kind.namespaced && path.namespace_.empty();
  if (path.name.empty()) {
    if (method == "GET") return Verb::kList;
    if (whole_cluster) return std::nullopt;
    if (method == "POST") return Verb::kCreate;
    return method == "DELETE" ? std::optional<Verb>(Verb::kDelete) : std::nullopt;
  }
  if (method == "GET") return Verb::kGet;
  if (method == "PUT") return Verb::kUpdate;
  if (method == "PATCH") return Verb::kPatch;
  if (method == "DELETE") return Verb::kDelete;
  return std::nullopt;
}

// Options of a delete, and the type of a patch, are read as for all kinds.
Status ReadWrite(const HttpRequest& http, DocumentRequest* request) {
  Route as_route;
  as_route.request.verb = request->verb;
  switch (request->verb) {
    case Verb::kCreate:
    case Verb::kUpdate: return JsonBody(http, &request->body);
    case Verb::kPatch:
    case Verb::kDelete:
      if (Status status = ReadBody(http.content_type, http.body, &as_route); !status.ok()) return status;
      request->patch_type = as_route.request.patchType;
      request->body = std::move(as_route.request.patch);
      request->deletion = std::move(as_route.request.deletion);
      request->dry_run |= as_route.request.dryRun;
      return {};
    default: return {};
  }
}

}  // namespace

std::optional<HttpAnswer> AnswerKept(const HttpRequest& http, Route route, const AccessControl& access, Timestamp now,
                                     MemoryApiServer* server, DocumentStore* documents, const TokenIssuing& issuing) {
  const std::optional<ResourcePath> path = FindResourcePath(http.target);
  if (!path.has_value() || path->deeper) return std::nullopt;
  if (IsTokenRequest(*path) && issuing.tokens != nullptr) return HandleTokenRequest(http, *path, documents, issuing);
  if (!path->subresource.empty()) return std::nullopt;
  const ReviewKind* const review = FindReview(path->group, path->version, path->resource);
  if (review != nullptr && path->name.empty() && review->namespaced == !path->namespace_.empty()) {
    return HandleReview(http, *review, *path, access);
  }
  const DocumentKind* const kind = FindDocumentResource(path->group, path->version, path->resource);
  if (kind == nullptr || (!kind->namespaced && !path->namespace_.empty())) return std::nullopt;
  if (kind->namespaced && path->namespace_.empty() && !path->name.empty()) return std::nullopt;
  std::optional<Verb> verb = VerbFor(http.method, *path, *kind);
  if (!verb.has_value()) return AnswerStatus(StatusNoSuchMethod());
  if (Status status = ReadParameters(&route); !status.ok()) return AnswerStatus(status);
  if (*verb == Verb::kList && route.WantsWatch()) verb = Verb::kWatch;
  DocumentRequest request;
  request.verb = *verb;
  request.kind = kind;
  request.namespace_ = path->namespace_;
  request.name = path->name;
  request.list = route.request.list;
  request.dry_run = route.request.dryRun;
  // Protobuf and metadata alone there are none of.
  const bool table = NegotiateObject(http.accept, {.protobuf = false, .metadata = false}) == ObjectFormat::kTable;
  if (request.verb == Verb::kWatch) {
    HttpAnswer answer;
    answer.watch = WatchPlan{
        .request = {}, .document = std::move(request), .table = table, .include_object = route.include_object};
    return answer;
  }
  if (Status status = ReadWrite(http, &request); !status.ok()) return AnswerStatus(status);
  if (request.verb == Verb::kCreate && kind->namespaced) {
    Request get;
    get.kind = Kind::kNamespace;
    get.name = path->namespace_;
    if (const Response found = server->Handle(get); !found.status.ok()) return AnswerStatus(found.status);
  }
  DocumentAnswer answer = documents->Handle(request);
  if (table && answer.status.ok() && request.verb != Verb::kDelete) {
    answer.json = EncodeDocumentTable(*kind, answer.json, {route.include_object, now});
  }
  return Answer(answer.status, std::move(answer.json));
}

}  // namespace epslice::sim

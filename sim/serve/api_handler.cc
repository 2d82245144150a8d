#include "sim/serve/api_handler.h"

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/protobuf.h"
#include "sim/serve/bodies.h"
#include "sim/serve/discovery.h"
#include "sim/serve/encode.h"
#include "sim/serve/kept_documents.h"
#include "sim/serve/negotiate.h"
#include "sim/serve/protobuf_whole.h"
#include "sim/serve/request_attributes.h"
#include "sim/serve/tables.h"

namespace epslice::sim {
namespace {

HttpAnswer NoSuchPath() {
  HttpAnswer answer;
  answer.code = 404;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "404 page not found\n";
  return answer;
}

HttpAnswer AnswerDocument(const HttpRequest& http, const Route& route) {
  const DiscoveryFormat format = NegotiateDiscovery(http.accept);
  std::optional<Document> document = FindDocument(route.path, format, route.HasQuery("verbose"));
  if (!document.has_value()) return NoSuchPath();
  if (http.method != "GET" && http.method != "HEAD") return AnswerStatus(StatusNoSuchMethod());
  HttpAnswer answer;
  answer.content_type = std::move(document->content_type);
  answer.body = std::move(document->body);
  // /api and /apis look different to who asks differently.
  answer.headers.emplace_back("Vary", "Accept");
  return answer;
}

// Status "Success" with what was done to what.
Status Success(const Request& request, const AnyObject& object) {
  const KindInfo& info = InfoOf(request.kind);
  Status status;
  status.detailsName = request.name;
  status.detailsGroup = info.group;
  status.detailsKind = info.resource;
  if (object.has_value()) status.detailsUid = object.meta().uid.str();
  return status;
}

// Whether a DELETE answers with the object: always for the kinds that end by
// and by, and for what is kept by finalizers.
bool AnswersWithObject(Kind kind, const AnyObject& object) {
  if (!object.has_value()) return false;
  return kind == Kind::kPod || kind == Kind::kService || kind == Kind::kNamespace ||
         object.meta().deletionTimestamp.is_set();
}

// Whether what is asked for is an object, and not a list or a stream of them.
bool IsOneObject(const Route& route) {
  return route.target == Route::Target::kResource && route.request.verb != Verb::kList &&
         route.request.verb != Verb::kWatch && !route.delete_collection;
}

void SetStatus(const Status& status, ObjectFormat format, HttpAnswer* answer) {
  answer->said = Answered{.status = status};
  if (IsProtobuf(format)) {
    answer->content_type = kProtobufMediaType;
    answer->body = EncodeProtobuf(status);
  } else {
    answer->body = EncodeJson(status);
  }
}

}  // namespace

HttpAnswer AnswerStatus(const Status& status, ObjectFormat format) {
  HttpAnswer answer;
  // No answer from behind is an error of this server's.
  answer.code = status.code == 0 ? 500 : status.code;
  SetStatus(status, format, &answer);
  if (status.retryAfterSeconds > 0) {
    answer.headers.emplace_back("Retry-After", std::to_string(status.retryAfterSeconds));
  }
  return answer;
}

HttpAnswer ApiHandler::Handle(const HttpRequest& request) {
  Route route = ParseRoute(request.method, request.target);
  const ObjectFormat format = NegotiateObject(request.accept, {.protobuf = protobuf_, .metadata = IsOneObject(route)});
  // Before anything is said about what there is.
  const AccessAttributes attributes = AttributesOf(request.method, request.target);
  AccessDecision decision = access_->Decide(request.user, attributes);
  HttpAnswer answer = decision.allowed
                          ? HandleRoute(request, std::move(route), format)
                          : AnswerStatus(StatusForbidden(request.user, attributes, decision.reason), format);
  answer.decision = std::move(decision);
  return answer;
}

HttpAnswer ApiHandler::HandleRoute(const HttpRequest& http, Route route, ObjectFormat format) {
  switch (route.target) {
    case Route::Target::kUnknown: return NoSuchPath();
    case Route::Target::kDocument: {
      std::optional<HttpAnswer> kept =
          AnswerKept(http, route, *access_, clock_->WallNow(), server_, documents_, issuing_);
      return kept.has_value() ? *std::move(kept) : AnswerDocument(http, route);
    }
    case Route::Target::kRefused: return AnswerStatus(route.status, format);
    case Route::Target::kResource: return HandleResource(http, std::move(route), format);
  }
  return NoSuchPath();
}

HttpAnswer ApiHandler::HandleResource(const HttpRequest& http, Route route, ObjectFormat format) {
  if (format == ObjectFormat::kNone) return AnswerStatus(StatusNotAcceptable());
  route.request.userAgent = http.user_agent;
  if (Status status = ReadBody(http.content_type, http.body, &route); !status.ok()) {
    return AnswerStatus(status, format);
  }
  if (route.request.verb == Verb::kWatch) {
    HttpAnswer answer;
    answer.watch = WatchPlan{.request = route.request,
                             .table = format == ObjectFormat::kTable,
                             .protobuf = format == ObjectFormat::kProtobuf,
                             .events_v1 = route.events_v1,
                             .include_object = route.include_object};
    return answer;
  }
  return Encode(route, server_->Handle(route.request), format);
}

HttpAnswer ApiHandler::Encode(const Route& route, Response response, ObjectFormat format) const {
  if (!response.status.ok()) return AnswerStatus(response.status, format);
  const Request& request = route.request;
  const TableOptions table_options{route.include_object, clock_->WallNow()};
  HttpAnswer answer;
  answer.code = response.status.code;
  const bool table = format == ObjectFormat::kTable;
  const bool protobuf = IsProtobuf(format);
  if (protobuf) answer.content_type = kProtobufMediaType;
  if (request.verb == Verb::kList || route.delete_collection) {
    if (protobuf) {
      answer.body = EncodeWholeListProtobuf(request.kind, response.list, SpellingOf(route.events_v1));
    } else if (table) {
      answer.body = EncodeTable(request.kind, response.list, table_options);
    } else if (route.events_v1) {
      answer.body = EncodeEventsV1List(response.list);
    } else {
      answer.body = EncodeListJson(request.kind, response.list);
    }
    answer.said = Answered{.list_of = request.kind, .list = std::move(response.list)};
    return answer;
  }
  const bool only_status = request.subresource == "binding" || request.subresource == "eviction" ||
                           (request.verb == Verb::kDelete && !AnswersWithObject(request.kind, response.object));
  if (only_status || !response.object.has_value()) {
    SetStatus(Success(request, response.object), format, &answer);
    return answer;
  }
  if (format == ObjectFormat::kMetadataProtobuf) {
    AppendMetadataProtobuf(response.object, &answer.body);
  } else if (format == ObjectFormat::kMetadataJson) {
    answer.body = EncodeMetadata(response.object);
  } else if (protobuf && route.events_v1) {
    answer.body = EncodeEventsV1Protobuf(*response.object.As<Event>());
  } else if (protobuf) {
    AppendWholeProtobuf(response.object, &answer.body);
  } else if (table) {
    answer.body = EncodeTable(response.object, table_options);
  } else if (route.events_v1) {
    answer.body = EncodeEventsV1Object(response.object);
  } else {
    AppendJson(response.object, &answer.body);
  }
  answer.said = Answered{.object = std::move(response.object), .metadata_only = IsMetadata(format)};
  return answer;
}

}  // namespace epslice::sim

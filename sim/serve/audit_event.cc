#include <nlohmann/json.hpp>

#include "apis/json.h"
#include "apis/json_writer.h"
#include "apis/protobuf.h"
#include "apis/time_format.h"
#include "sim/serve/audit_log.h"
#include "sim/serve/negotiate.h"
#include "sim/serve/protobuf_body.h"
#include "sim/serve/tables.h"
#include "sim/trace/json_span.h"

namespace epslice::sim {
namespace {

void Optional(std::string_view key, std::string_view value, JsonWriter* json) {
  if (!value.empty()) json->Field(key, value);
}

void AppendUser(std::string_view key, const UserInfo& user, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  Optional("username", user.name, json);
  Optional("uid", user.uid, json);
  if (!user.groups.empty()) {
    json->Key("groups");
    json->BeginArray();
    for (const std::string& group : user.groups) json->String(group);
    json->EndArray();
  }
  json->EndObject();
}

// White space between the tokens of valid JSON left out: an event is one line.
std::string OnOneLine(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false, escaped = false;
  for (const char c : text) {
    if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
    out.push_back(c);
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
  }
  return out;
}

// A body as JSON on one line; "" where it is none.
std::string JsonOfBody(const AuditEvent& event) {
  if (event.body.empty()) return {};
  if (MediaType(event.content_type) == kProtobufMediaType) {
    absl::StatusOr<std::string> json = ProtobufToJson(event.body);
    return json.ok() ? *std::move(json) : std::string();
  }
  return nlohmann::json::accept(event.body) ? OnOneLine(event.body) : std::string();
}

std::string JsonOfAnswer(const HttpAnswer& answer) {
  const std::string type = MediaType(answer.content_type);
  if (answer.watch.has_value() || type == "text/plain") return {};
  if (type == "application/json") return OnOneLine(answer.body);
  if (!answer.said.has_value()) return {};
  std::string out;
  const Answered& said = *answer.said;
  if (said.object.has_value() && said.metadata_only) {
    out = EncodeMetadata(said.object);
  } else if (said.object.has_value()) {
    AppendJson(said.object, &out);
  } else if (said.list_of.has_value()) {
    out = EncodeListJson(*said.list_of, said.list);
  } else {
    out = EncodeJson(said.status);
  }
  return OnOneLine(out);
}

// meta/v1 Status without its type: what of it is known before the body.
void AppendStatus(const HttpAnswer& answer, JsonWriter* json) {
  json->Key("responseStatus");
  json->BeginObject();
  json->Key("metadata");
  json->BeginObject();
  json->EndObject();
  if (answer.said.has_value() && !answer.said->object.has_value() && !answer.said->list_of.has_value()) {
    const Status& status = answer.said->status;
    json->Field("status", status.ok() ? "Success" : "Failure");
    Optional("message", status.message, json);
    Optional("reason", status.reason, json);
    const std::string text = EncodeJson(status);
    if (const JsonSpan details = JsonSpan(text)["details"]; details.present()) {
      json->Key("details");
      json->Raw(details.text());
    }
  }
  json->IntField("code", answer.code);
  json->EndObject();
}

void AppendObjectRef(const AuditEvent& event, const std::string& request, JsonWriter* json) {
  const AccessAttributes& a = event.attributes;
  json->Key("objectRef");
  json->BeginObject();
  json->Field("resource", a.resource);
  Optional("namespace", a.namespace_, json);
  std::string name = a.name;
  if (a.verb == "create" && name.empty() && !request.empty()) {
    const nlohmann::json object = nlohmann::json::parse(request, nullptr, false);
    const nlohmann::json::json_pointer place("/metadata/name");
    if (object.is_object() && object.contains(place) && object[place].is_string()) name = object[place];
  }
  Optional("name", name, json);
  Optional("apiGroup", a.group, json);
  Optional("apiVersion", a.version, json);
  Optional("subresource", a.subresource, json);
  json->EndObject();
}

void AppendDecision(const AccessDecision& decision, JsonWriter* json) {
  json->Key("annotations");
  json->BeginObject();
  json->Field("authorization.k8s.io/decision", decision.allowed ? "allow" : "forbid");
  json->Field("authorization.k8s.io/reason", decision.reason);
  json->EndObject();
}

}  // namespace

std::string AuditLine(const AuditEvent& event) {
  const AuditLevel level = event.decision.level;
  const bool answered = event.answer.has_value();
  const std::string request = answered && level >= AuditLevel::kRequest ? JsonOfBody(event) : std::string();
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "Event");
  json.Field("apiVersion", "audit.k8s.io/v1");
  json.Field("level", AuditLevelName(level));
  json.Field("auditID", event.id);
  json.Field("stage", AuditStageName(event.stage));
  json.Field("requestURI", event.target);
  json.Field("verb", event.attributes.verb);
  AppendUser("user", event.user.value_or(UserInfo()), &json);
  if (event.impersonated) AppendUser("impersonatedUser", *event.impersonated, &json);
  json.Key("sourceIPs");
  json.BeginArray();
  json.String(event.source);
  json.EndArray();
  Optional("userAgent", event.user_agent, &json);
  if (event.attributes.is_resource) AppendObjectRef(event, request, &json);
  if (answered) {
    AppendStatus(*event.answer, &json);
    if (!request.empty()) {
      json.Key("requestObject");
      json.Raw(request);
    }
    if (level >= AuditLevel::kRequestResponse && event.stage == AuditStage::kResponseComplete) {
      if (const std::string response = JsonOfAnswer(*event.answer); !response.empty()) {
        json.Key("responseObject");
        json.Raw(response);
      }
    }
  }
  json.Field("requestReceivedTimestamp", FormatRfc3339Micro(event.received));
  json.Field("stageTimestamp", FormatRfc3339Micro(event.staged));
  if (answered && event.answer->decision.has_value()) AppendDecision(*event.answer->decision, &json);
  json.EndObject();
  return out;
}

}  // namespace epslice::sim

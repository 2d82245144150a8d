#include "sim/trace/audit_entry.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json.h"
#include "apis/protobuf.h"
#include "apis/time_format.h"
#include "sim/trace/url_query.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kAuditGroup = "audit.k8s.io/";
constexpr int kMostWrappings = 4;
constexpr std::int64_t kHttpCreated = 201;

bool StartsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// An entry with its parts named, whatever it was wrapped in.
struct Parts {
  std::string stage, level, verb, resource, group, namespace_, name, subresource, uri, actor, source, id;
  std::int64_t code = 200;
  JsonSpan request, response;
  Timestamp time;
  Duration took{0};
  bool gke = false;
};

absl::StatusOr<Timestamp> TimeAt(JsonSpan span, std::string_view field) {
  if (!span.present()) return Timestamp{};
  absl::StatusOr<Timestamp> time = ParseRfc3339(span.String());
  if (!time.ok()) return absl::InvalidArgumentError(Concat(field, ": ", std::string(time.status().message())));
  return time;
}

absl::StatusOr<Parts> PartsOfEvent(JsonSpan event) {
  Parts parts;
  JsonSpan stage, level, verb, uri, agent, user, object, status, stage_time, old_time, received, sources, id;
  event.Get({{"stage", &stage},
             {"level", &level},
             {"verb", &verb},
             {"requestURI", &uri},
             {"userAgent", &agent},
             {"user", &user},
             {"sourceIPs", &sources},
             {"auditID", &id},
             {"objectRef", &object},
             {"responseStatus", &status},
             {"requestObject", &parts.request},
             {"responseObject", &parts.response},
             {"stageTimestamp", &stage_time},
             {"requestReceivedTimestamp", &received},
             {"timestamp", &old_time}});
  parts.stage = stage.String();
  parts.level = level.String();
  parts.verb = verb.String();
  parts.uri = uri.String();
  parts.actor = agent.String();
  if (parts.actor.empty()) parts.actor = user["username"].String();
  sources.ForEachItem([&parts](JsonSpan item) {
    if (parts.source.empty()) parts.source = item.String();
  });
  parts.id = id.String();
  parts.resource = object["resource"].String();
  parts.group = object["apiGroup"].String();
  parts.namespace_ = object["namespace"].String();
  parts.name = object["name"].String();
  parts.subresource = object["subresource"].String();
  if (const JsonSpan code = status["code"]; code.present()) parts.code = code.Int().value_or(500);
  const bool old = !stage_time.present();
  const absl::StatusOr<Timestamp> time = TimeAt(old ? old_time : stage_time, old ? "timestamp" : "stageTimestamp");
  if (!time.ok()) return time.status();
  parts.time = *time;
  const absl::StatusOr<Timestamp> came = TimeAt(received, "requestReceivedTimestamp");
  if (!came.ok()) return came.status();
  if (*came > Timestamp{0} && *came < *time) parts.took = Duration(time->nanos - came->nanos);
  return parts;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// Cloud Audit Logs: methodName "io.k8s.core.v1.pods.status.patch", resourceName
// "core/v1/namespaces/shop/pods/a/status".
absl::StatusOr<Parts> PartsOfGke(JsonSpan entry) {
  Parts parts;
  parts.gke = true;
  JsonSpan payload, time, received, id;
  entry.Get({{"protoPayload", &payload}, {"timestamp", &time}, {"receiveTimestamp", &received}, {"insertId", &id}});
  parts.id = id.String();
  JsonSpan service, method, resource, authentication, metadata, status;
  payload.Get({{"serviceName", &service},
               {"methodName", &method},
               {"resourceName", &resource},
               {"authenticationInfo", &authentication},
               {"requestMetadata", &metadata},
               {"status", &status},
               {"request", &parts.request},
               {"response", &parts.response}});
  parts.stage = "ResponseComplete";
  parts.level = parts.request.present() || parts.response.present() ? "RequestResponse" : "Metadata";
  if (service.String() != "k8s.io") return parts;  // of the cloud, not of the cluster
  parts.actor = metadata["callerSuppliedUserAgent"].String();
  if (parts.actor.empty()) parts.actor = authentication["principalEmail"].String();
  parts.source = metadata["callerIp"].String();
  if (const JsonSpan code = status["code"]; code.present() && code.Int() != 0) parts.code = 500;
  const std::string method_name = method.String();
  const std::vector<std::string_view> words = Split(method_name, '.');
  parts.verb = words.back();
  const std::string path = resource.String();
  std::vector<std::string_view> names = Split(path, '/');
  if (names.size() < 3) return parts;
  parts.group = names[0] == "core" ? std::string_view() : names[0];
  names.erase(names.begin(), names.begin() + 2);
  if (names.size() >= 3 && names[0] == "namespaces") {
    parts.namespace_ = names[1];
    names.erase(names.begin(), names.begin() + 2);
  }
  parts.resource = names[0];
  if (names.size() > 1) parts.name = names[1];
  if (names.size() > 2) parts.subresource = names[2];
  const absl::StatusOr<Timestamp> when = TimeAt(time.present() ? time : received, "timestamp");
  if (!when.ok()) return when.status();
  parts.time = *when;
  return parts;
}

std::optional<Kind> KindOfResource(const Parts& parts) {
  for (const Kind kind : {Kind::kPod, Kind::kService, Kind::kNode, Kind::kNamespace, Kind::kEndpointSlice}) {
    if (InfoOf(kind).resource == parts.resource && InfoOf(kind).group == parts.group) return kind;
  }
  return std::nullopt;
}

// By the query, or by DeleteOptions, which an eviction has within it.
bool IsDryRun(const Parts& parts) {
  if (parts.uri.find("dryRun=") != std::string::npos) return true;
  bool any = false;
  for (const JsonSpan options : {parts.request, parts.request["deleteOptions"]}) {
    options["dryRun"].ForEachItem([&any](JsonSpan) { any = true; });
  }
  return any;
}

// Why an entry is passed over; "" when it is not.
std::string WhySkipped(const Parts& parts) {
  static constexpr std::array<std::string_view, 5> kWrites = {"create", "update", "patch", "delete",
                                                              "deletecollection"};
  static constexpr std::array<std::string_view, 6> kNoWrites = {"log",   "exec",  "attach",
                                                                "proxy", "token", "portforward"};
  if (parts.gke && parts.verb.empty()) return "entries of other services";
  if (std::find(kWrites.begin(), kWrites.end(), parts.verb) == kWrites.end()) return Concat("verb ", parts.verb);
  if (!KindOfResource(parts)) return parts.resource.empty() ? "requests without a resource" : parts.resource;
  if (std::find(kNoWrites.begin(), kNoWrites.end(), parts.subresource) != kNoWrites.end()) {
    return Concat(parts.resource, "/", parts.subresource);
  }
  if (parts.stage != "ResponseComplete") return Concat("stage ", parts.stage);
  if (parts.code >= 400) return "refused requests";
  if (IsDryRun(parts)) return "dry runs";
  return {};
}

// The object in `span` if it is one of `kind` (not a Status).
absl::StatusOr<AnyObject> ObjectIn(Kind kind, JsonSpan span, bool keep_json) {
  if (!span.is_object() || span["kind"].String() != InfoOf(kind).name) return AnyObject();
  return DecodeObjectJson(kind, span.text(), keep_json);
}

void FillFromObject(const AnyObject& object, JsonSpan span, AuditChange* change) {
  change->object = object;
  change->facts = FactsOf(span);
  if (!object.meta().name.empty()) change->key = KeyOf(object.meta());
}

// What a writer that asked for the metadata alone in return (a
// PartialObjectMetadata) would have been answered else: what it sent, with the
// metadata that it was told. Empty where the entry is not of that sort.
std::string WithAnsweredMetadata(const Parts& parts) {
  if (parts.response["kind"].String() != kPartialMetadataKind || !parts.request.is_object()) return {};
  const JsonSpan sent = parts.request["metadata"];
  const JsonSpan answered = parts.response["metadata"];
  if (!sent.is_object() || !answered.is_object()) return {};
  const std::string_view whole = parts.request.text();
  const std::size_t begin = static_cast<std::size_t>(sent.text().data() - whole.data());
  return Concat(whole.substr(0, begin), answered.text(), whole.substr(begin + sent.text().size()));
}

// Who sends no DeleteOptions may say it in the query.
std::optional<std::int64_t> GraceInQuery(std::string_view uri) {
  const std::string value = QueryValue(QueryOf(uri), "gracePeriodSeconds");
  return JsonSpan(value).Int();
}

// What was deleted, where the answer is a list of it.
std::optional<std::vector<ObjectKey>> ListedIn(Kind kind, JsonSpan response) {
  const JsonSpan items = response["items"];
  if (!items.is_array() || response["kind"].String() != Concat(InfoOf(kind).name, "List")) return std::nullopt;
  std::vector<ObjectKey> keys;
  items.ForEachItem([&keys](JsonSpan item) {
    JsonSpan metadata = item["metadata"], name, namespace_;
    metadata.Get({{"name", &name}, {"namespace", &namespace_}});
    keys.push_back({Text::Intern(namespace_.String()), Text(name.String())});
  });
  return keys;
}

absl::Status FillDelete(const Parts& parts, const AuditEntryOptions& options, AuditChange* change) {
  change->what = AuditChange::What::kDelete;
  change->by_delete = true;
  JsonSpan how = parts.request;
  if (parts.subresource == "eviction") {
    change->what = AuditChange::What::kEvict;
    how = how["deleteOptions"];
  }
  if (how.is_object()) change->grace = how["gracePeriodSeconds"].Int();
  if (!change->grace) change->grace = GraceInQuery(parts.uri);
  if (change->what == AuditChange::What::kEvict) return absl::OkStatus();
  const absl::StatusOr<AnyObject> object = ObjectIn(change->kind, parts.response, options.keep_json);
  if (!object.ok()) return object.status();
  if (object->has_value()) {
    change->what = AuditChange::What::kState;
    FillFromObject(*object, parts.response, change);
    change->version = VersionNumber(object->meta().resourceVersion);
  } else if (parts.response.is_object()) {
    change->what = AuditChange::What::kGone;  // a Status: nothing is left
  }
  return absl::OkStatus();
}

absl::Status FillState(const Parts& parts, const AuditEntryOptions& options, AuditChange* change) {
  const std::string joined = parts.verb == "patch" ? std::string() : WithAnsweredMetadata(parts);
  const JsonSpan response = joined.empty() ? parts.response : JsonSpan(joined);
  absl::StatusOr<AnyObject> object = ObjectIn(change->kind, response, options.keep_json);
  if (!object.ok()) return object.status();
  if (object->has_value()) {
    FillFromObject(*object, response, change);
    change->version = VersionNumber(object->meta().resourceVersion);
    return absl::OkStatus();
  }
  change->status_only = parts.subresource == "status";
  if (parts.verb == "patch") {
    change->what = AuditChange::What::kPatch;
    change->text = parts.request.text();
    // Only apply names itself and the object's type.
    change->applied = parts.uri.find("fieldManager=") != std::string::npos &&
                      parts.request["kind"].String() == InfoOf(change->kind).name;
    if (!change->applied || !change->created) return absl::OkStatus();
    // It made the object.
    change->what = AuditChange::What::kState;
  }
  object = ObjectIn(change->kind, parts.request, options.keep_json);
  if (!object.ok()) return object.status();
  if (!object->has_value()) {
    return absl::InvalidArgumentError(
        Concat("the ", parts.verb, " of ", parts.resource, " has no ", InfoOf(change->kind).name, " in it"));
  }
  const ObjectKey named = change->key;
  FillFromObject(*object, parts.request, change);
  change->key.namespace_ = named.namespace_;
  if (change->key.name.empty()) change->key.name = named.name;
  if (change->key.name.empty()) {
    change->what = AuditChange::What::kUnnamed;
    change->text = parts.request["metadata"]["generateName"].String();
  }
  return absl::OkStatus();
}

absl::Status Fill(const Parts& parts, const AuditEntryOptions& options, AuditChange* change) {
  if (parts.verb == "deletecollection") {
    change->what = AuditChange::What::kCollection;
    change->text = QueryOf(parts.uri);
    if (parts.request.is_object()) change->grace = parts.request["gracePeriodSeconds"].Int();
    if (!change->grace) change->grace = GraceInQuery(parts.uri);
    change->listed = ListedIn(change->kind, parts.response);
    return absl::OkStatus();
  }
  if (parts.verb == "delete" || parts.subresource == "eviction") return FillDelete(parts, options, change);
  if (parts.subresource == "binding") {
    change->what = AuditChange::What::kBind;
    change->text = parts.request["target"]["name"].String();
    if (change->text.empty()) return absl::InvalidArgumentError("a binding without target.name");
    return absl::OkStatus();
  }
  return FillState(parts, options, change);
}

// Servers name each request; where a log does not tell, equal entries are one.
std::uint64_t IdOf(const Parts& parts, JsonSpan record) {
  const std::string named = Concat(parts.id, "\n", parts.uri, "\n", parts.time.nanos);
  return std::hash<std::string_view>()(parts.id.empty() ? record.text() : std::string_view(named));
}

AuditChange ChangeOf(const Parts& parts, JsonSpan record, std::size_t line) {
  AuditChange change;
  change.kind = *KindOfResource(parts);
  change.key = {Text::Intern(parts.namespace_), Text(parts.name)};
  change.time = parts.time;
  change.took = parts.took;
  change.actor = parts.actor;
  change.source = parts.source;
  change.line = line;
  change.id = IdOf(parts, record);
  change.bytes = record.text().size();
  change.created = parts.subresource.empty() && (parts.verb == "create" || parts.code == kHttpCreated);
  return change;
}

absl::Status ReadParts(const Parts& parts, JsonSpan record, std::size_t line, const AuditEntryOptions& options,
                       AuditEntries* out) {
  if (out->entries++ == 0) out->begin = parts.time;
  out->entries_metadata += parts.level == "Metadata" ? 1 : 0;
  if (std::string why = WhySkipped(parts); !why.empty()) {
    out->skipped.push_back(std::move(why));
    return absl::OkStatus();
  }
  // Deletes need no body.
  const bool deletes = parts.verb == "delete" || parts.verb == "deletecollection";
  if (!parts.request.present() && !parts.response.present() && (parts.level == "Metadata" || !deletes)) {
    out->unseen.push_back(
        {*KindOfResource(parts),
         Concat(parts.verb, " of ", parts.resource, parts.subresource.empty() ? "" : "/", parts.subresource),
         Concat(parts.namespace_, parts.namespace_.empty() ? "" : "/", parts.name), parts.level});
    if (parts.resource == InfoOf(Kind::kEndpointSlice).resource && parts.verb != "deletecollection" &&
        parts.time.is_set()) {
      AuditChange change = ChangeOf(parts, record, line);
      change.what = AuditChange::What::kUnseen;
      change.text = change.created ? "create" : parts.verb;
      out->changes.push_back(std::move(change));
    }
    return absl::OkStatus();
  }
  if (!parts.time.is_set()) return absl::InvalidArgumentError("an entry without stageTimestamp");
  AuditChange change = ChangeOf(parts, record, line);
  if (absl::Status s = Fill(parts, options, &change); !s.ok()) return s;
  const bool needs_name = change.what != AuditChange::What::kUnnamed && change.what != AuditChange::What::kCollection;
  if (needs_name && change.key.name.empty()) {
    out->skipped.push_back("writes that do not tell the object's name");
    return absl::OkStatus();
  }
  out->changes.push_back(std::move(change));
  return absl::OkStatus();
}

absl::Status Read(JsonSpan record, std::size_t line, const AuditEntryOptions& options, int wrappings,
                  AuditEntries* out) {
  if (wrappings > kMostWrappings) return absl::InvalidArgumentError("an entry wrapped too many times");
  JsonSpan payload, properties, log, records, items, api;
  record.Get({{"protoPayload", &payload},
              {"properties", &properties},
              {"log", &log},
              {"records", &records},
              {"items", &items},
              {"apiVersion", &api}});
  if (payload.is_object()) {
    const absl::StatusOr<Parts> parts = PartsOfGke(record);
    return parts.ok() ? ReadParts(*parts, record, line, options, out) : parts.status();
  }
  if (api.present() && StartsWith(api.String(), kAuditGroup) && !items.present()) {
    const absl::StatusOr<Parts> parts = PartsOfEvent(record);
    return parts.ok() ? ReadParts(*parts, record, line, options, out) : parts.status();
  }
  if (const JsonSpan list = records.present() ? records : items; list.is_array()) {
    absl::Status status;
    list.ForEachItem([&](JsonSpan item) {
      if (status.ok()) status = Read(item, line, options, wrappings + 1, out);
    });
    return status;
  }
  // AKS: the event as a string, or as an object, in properties.log.
  if (properties.is_string()) {
    const std::string text = properties.String();
    return Read(JsonSpan(text), line, options, wrappings + 1, out);
  }
  if (properties.is_object()) log = properties["log"];
  if (log.is_object()) return Read(log, line, options, wrappings + 1, out);
  if (log.is_string()) {
    const std::string text = log.String();
    const JsonSpan event(text);
    if (event.is_object() && EndOfJsonValue(event.text(), 0) == event.text().size()) {
      return Read(event, line, options, wrappings + 1, out);
    }
  }
  out->skipped.push_back("records that are no audit entries");
  return absl::OkStatus();
}

}  // namespace

bool IsAuditRecord(JsonSpan record) {
  JsonSpan api, payload, properties, log, records;
  record.Get({{"apiVersion", &api},
              {"protoPayload", &payload},
              {"properties", &properties},
              {"log", &log},
              {"records", &records}});
  if (api.present()) return StartsWith(api.String(), kAuditGroup);
  return payload.is_object() || properties.present() || log.present() || records.is_array();
}

absl::StatusOr<AuditEntries> ReadAuditRecord(JsonSpan record, std::size_t line, const AuditEntryOptions& options) {
  AuditEntries entries;
  if (absl::Status s = Read(record, line, options, 0, &entries); !s.ok()) return s;
  return entries;
}

}  // namespace epslice::sim

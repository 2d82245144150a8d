#include <cmath>

#include "apis/json_writer.h"
#include "controllers/topologyhints/explain_report.h"

namespace epslice {
namespace {

// Shares and loads to six digits after the point: beyond is rounding.
void Number(std::string_view key, double value, JsonWriter* json) {
  constexpr double kDigits = 1e6;
  const double rounded = std::round(value * kDigits) / kDigits;
  json->Key(key);
  json->Double(rounded == 0 ? 0 : rounded);  // no -0
}

double Share(Millionths millionths) { return static_cast<double>(millionths) / static_cast<double>(kOne); }

template <typename Strings>
void Array(std::string_view key, const Strings& strings, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const auto& s : strings) json->String(s);
  json->EndArray();
}

template <typename Items, typename F>
void Objects(std::string_view key, const Items& items, JsonWriter* json, F write) {
  json->Key(key);
  json->BeginArray();
  for (const auto& item : items) {
    json->BeginObject();
    write(item);
    json->EndObject();
  }
  json->EndArray();
}

void OptionalString(std::string_view key, std::string_view value, JsonWriter* json) {
  if (!value.empty()) json->Field(key, value);
}

void WriteTraffic(const TrafficEstimate& traffic, JsonWriter* json) {
  json->BeginObject();
  json->IntField("readyEndpoints", traffic.ready);
  json->BoolField("onlyTerminating", traffic.terminating);
  json->Field("hintsHeeded", NameOf(traffic.effect));
  if (traffic.any) {
    Number("inZone", traffic.in_zone, json);
    Number("maxOverload", traffic.max_overload, json);
    json->Field("maxOverloadZone", traffic.max_overload_zone);
  }
  json->EndObject();
}

void WriteOutlook(const Outlook& outlook, JsonWriter* json) {
  json->Field("state", NameOf(outlook.state));
  json->Field("reason", outlook.reason);
  json->Key("traffic");
  WriteTraffic(outlook.traffic, json);
  json->IntField("hintedAway", outlook.hinted_away);
  json->IntField("writes", outlook.writes);
}

void WriteZone(const ZoneExplanation& zone, JsonWriter* json) {
  json->Field("zone", zone.zone);
  json->IntField("cpuMilli", zone.cpu_milli);
  json->IntField("nodes", zone.nodes);
  Number("ratio", zone.ratio, json);
  if (zone.desired) Number("desired", *zone.desired, json);
  if (zone.minimum) json->IntField("minimum", *zone.minimum);
  if (zone.maximum) json->IntField("maximum", *zone.maximum);
  json->IntField("own", zone.own);
  json->IntField("given", zone.given);
  json->IntField("received", zone.received);
  json->IntField("namedBy", zone.named_by);
  if (!zone.traffic) return;
  const ZoneTraffic& traffic = *zone.traffic;
  json->Key("traffic");
  json->BeginObject();
  Number("share", traffic.share, json);
  json->Key("proxies");
  json->BeginObject();
  json->IntField("byNode", traffic.by_node);
  json->IntField("byZone", traffic.by_zone);
  json->IntField("fromAll", traffic.from_all);
  json->EndObject();
  json->IntField("picked", traffic.picked);
  Number("load", traffic.load, json);
  Number("overload", traffic.load == 0 ? 0 : traffic.load - 1, json);
  Number("inZone", traffic.in_zone, json);
  json->EndObject();
}

void WriteFix(const Fix& fix, JsonWriter* json) {
  json->IntField("size", fix.size);
  json->BoolField("best", fix.best);
  Objects("parts", fix.parts, json, [&](const Fix::Part& part) {
    json->Field("step", NameOf(part.step));
    json->IntField("count", part.count);
    Array("objects", part.objects, json);
    OptionalString("value", part.value, json);
    json->Field("text", part.text);
  });
  json->Key("outlook");
  json->BeginObject();
  WriteOutlook(fix.outlook, json);
  json->EndObject();
}

void WriteHints(std::string_view key, const EndpointHints& hints, JsonWriter* json) {
  if (hints.empty()) return;
  json->Key(key);
  json->BeginObject();
  if (!hints.forZones.empty()) Array("forZones", hints.forZones, json);
  if (!hints.forNodes.empty()) Array("forNodes", hints.forNodes, json);
  json->EndObject();
}

void WritePod(const PodExplanation& pod, JsonWriter* json) {
  json->Field("namespace", pod.pod.namespace_);
  json->Field("name", pod.pod.name);
  OptionalString("node", pod.node, json);
  OptionalString("zone", pod.zone, json);
  OptionalString("ip", pod.ip, json);
  json->BoolField("ready", pod.ready);
  json->BoolField("serving", pod.serving);
  json->BoolField("terminating", pod.terminating);
  Array("writtenIn", pod.written_in, json);
  WriteHints("writtenHints", pod.written_hints, json);
  Array("plannedIn", pod.planned_in, json);
  WriteHints("plannedHints", pod.hints, json);
  OptionalString("leftOut", pod.left_out, json);
}

void WriteType(const AddressTypeExplanation& type, JsonWriter* json) {
  json->Field("addressType", type.address_type);
  json->Field("state", NameOf(type.state));
  json->Field("reason", type.reason);
  OptionalString("message", type.message, json);
  json->BoolField("inVain", type.asks_in_vain());
  json->BoolField("shared", type.shared);
  json->Key("traffic");
  WriteTraffic(type.traffic, json);
  json->IntField("notReadyEndpoints", type.not_ready);
  json->IntField("hintedAway", type.hinted_away);
  Objects("zones", type.zones, json, [&](const auto& zone) { WriteZone(zone, json); });
  json->Key("written");
  json->BeginObject();
  json->IntField("hintedEndpoints", type.written_hinted);
  json->Key("traffic");
  WriteTraffic(type.written_traffic, json);
  json->EndObject();
  json->Key("plan");
  json->BeginObject();
  json->IntField("create", type.creates);
  json->IntField("update", type.updates);
  json->IntField("delete", type.deletes);
  json->EndObject();
  Objects("blockers", type.blockers, json, [&](const Blocker& blocker) {
    json->Field("kind", NameOf(blocker.kind));
    json->Field("code", blocker.code);
    OptionalString("object", blocker.object, json);
    OptionalString("node", blocker.node, json);
    json->Field("message", blocker.message);
  });
  json->BoolField("fixesLookedFor", type.fixes_looked_for);
  Objects("fixes", type.fixes, json, [&](const Fix& fix) { WriteFix(fix, json); });
  Objects("alternatives", type.alternatives, json, [&](const Alternative& alternative) {
    json->Field("name", alternative.name);
    json->BoolField("active", alternative.active);
    WriteOutlook(alternative.outlook, json);
  });
  Objects("pods", type.pods, json, [&](const PodExplanation& pod) { WritePod(pod, json); });
}

void WriteHeuristic(const Explanation& explanation, JsonWriter* json) {
  json->BeginObject();
  json->Field("name", NameOf(explanation.heuristic));
  if (!explanation.asked_key.empty()) {
    json->Key("askedBy");
    json->BeginObject();
    json->Field("kind", explanation.asked_by_annotation ? "annotation" : "field");
    json->Field("key", explanation.asked_key);
    json->Field("value", explanation.asked_value);
    json->EndObject();
  }
  const ServiceHintsOptions& options = explanation.options;
  const auto from = [](bool annotation) { return annotation ? "annotation" : "flag"; };
  json->Field("policy", NameOf(options.options.policy));
  json->Field("policyFrom", from(options.policy_from_annotation));
  Number("overloadThreshold", Share(options.options.overload_threshold), json);
  json->Field("overloadThresholdFrom", from(options.threshold_from_annotation));
  Number("unknownNodes", Share(options.options.unknown_nodes), json);
  Array("notes", explanation.notes, json);
  json->EndObject();
}

void WriteCapacity(const NodeReport& report, JsonWriter* json) {
  json->BeginObject();
  json->IntField("readyNodes", report.capacity->ready_nodes);
  json->IntField("unknownNodes", report.capacity->unknown_nodes);
  Objects("zones", report.zones, json, [&](const NodeReport::Zone& zone) {
    json->Field("zone", zone.zone);
    json->IntField("cpuMilli", zone.cpu_milli);
    json->IntField("openCpuMilli", zone.open_cpu_milli);
    Array("nodes", zone.nodes, json);
  });
  Objects("leftOut", report.left_out, json, [&](const NodeReport::LeftOut& node) {
    json->Field("node", node.node);
    OptionalString("zone", node.zone, json);
    json->Key("lacks");
    json->BeginArray();
    for (const NodeReport::Lack lack : node.lacks) json->String(NameOf(lack));
    json->EndArray();
    json->BoolField("resilientOnly", node.resilient_only);
    json->BoolField("blocksReference", node.unknown);
  });
  json->EndObject();
}

void WriteKind(std::string_view kind, JsonWriter* json) {
  json->Field("apiVersion", kExplainApiVersion);
  json->Field("kind", kind);
}

void WriteKey(const ObjectKey& key, JsonWriter* json) {
  json->Field("namespace", key.namespace_);
  json->Field("name", key.name);
}

}  // namespace

std::string ExplanationJson(const Explanation& explanation) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  WriteKind("Explanation", &json);
  json.Key("service");
  json.BeginObject();
  WriteKey(explanation.service, &json);
  json.EndObject();
  json.BoolField("managed", explanation.managed);
  if (!explanation.managed) {
    json.Field("unmanaged", explanation.unmanaged);
    json.EndObject();
    return out;
  }
  json.BoolField("inVain", explanation.asks_in_vain());
  json.Key("heuristic");
  WriteHeuristic(explanation, &json);
  json.Key("capacity");
  WriteCapacity(*explanation.nodes, &json);
  Objects("addressTypes", explanation.address_types, &json, [&](const auto& type) { WriteType(type, &json); });
  Array("errors", explanation.errors, &json);
  json.EndObject();
  return out;
}

std::string ExplanationListJson(const std::vector<ExplainRow>& rows, std::int64_t skipped_services) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  WriteKind("ExplanationList", &json);
  json.IntField("skippedServices", skipped_services);
  Objects("items", rows, &json, [&](const ExplainRow& row) {
    WriteKey(row.service, &json);
    json.Field("heuristic", NameOf(row.heuristic));
    OptionalString("policy", row.policy, &json);
    json.BoolField("inVain", row.in_vain);
    json.Field("addressType", row.address_type);
    json.Field("state", NameOf(row.state));
    json.Field("reason", row.reason);
    json.Key("traffic");
    WriteTraffic(row.traffic, &json);
    OptionalString("fix", row.fix, &json);
  });
  json.EndObject();
  return out;
}

}  // namespace epslice

// Actions, as scenario files say them. What they refer to is checked in
// parse.cc, once all is read.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "apis/concat.h"
#include "apis/names.h"
#include "sim/scenario/parse_parts.h"

namespace epslice::sim {
namespace {

using What = ScenarioAction::What;

constexpr int kMostTimes = 1'000'000;

std::string NeedText(Fields* fields, std::string_view key) {
  const DocNode* node = fields->Need(key);
  return node == nullptr ? std::string() : ReadText(*node, fields->Path(key), fields->errors());
}

void ReadSpan(Fields* fields, std::string_view key, std::optional<Duration>* value) {
  if (const DocNode* node = fields->Take(key)) *value = ReadDuration(*node, fields->Path(key), fields->errors());
}

IntOrPercent ReadIntOrPercent(Fields* fields, std::string_view key) {
  IntOrPercent value;
  const DocNode* node = fields->Take(key);
  if (node == nullptr) return value;
  if (node->type == DocNode::Type::kNumber) {
    value.percent = false;
    value.value = static_cast<int>(ReadInt(*node, fields->Path(key), 0, kMostReplicas, fields->errors()));
    return value;
  }
  const std::string& text = node->text;
  const bool digits = node->type == DocNode::Type::kString && text.size() >= 2 && text.size() <= 4 &&
                      text.find_first_not_of("0123456789") == text.size() - 1 && text.back() == '%';
  value.value = digits ? std::stoi(text) : 101;
  if (value.value > 100) {
    fields->errors()->Add(node->line, Concat(fields->Path(key), ": is ", node->Describe(),
                                             "; accepted are a number of pods and 0% to 100%"));
  }
  return value;
}

NodeChoice ReadChoice(Fields* fields) {
  NodeChoice choice;
  std::string zone;
  const DocNode* zone_node = fields->Take("zone");
  if (zone_node != nullptr) choice.zone = ReadText(*zone_node, fields->Path("zone"), fields->errors());
  fields->Texts("nodes", &choice.names);
  fields->Text("pool", &choice.pool);
  fields->Int("count", 1, 1'000'000, &choice.count);
  const bool by_name = !choice.names.empty();
  const bool by_place = choice.zone || !choice.pool.empty();
  if (by_name == by_place || (by_name && choice.count > 0)) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("nodes"),
                                                 ": accepted are nodes: [NAME, ...], or zone and pool (one or both) "
                                                 "with a count"));
  }
  return choice;
}

// Keys with a text, or null to take them off.
std::vector<std::pair<std::string, std::optional<std::string>>> ReadChanges(Fields* fields, std::string_view key) {
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  const DocNode* node = fields->Take(key);
  if (node == nullptr) return changes;
  Fields map(*node, fields->Path(key), fields->errors());
  for (const auto& [name, value] : node->entries) {
    std::optional<std::string> text;
    if (value.type != DocNode::Type::kNull) text = ReadText(value, map.Path(name), fields->errors());
    if (!IsQualifiedName(name) || (key == "labels" && text && !IsLabelValue(*text))) {
      fields->errors()->Add(value.line, Concat(map.Path(name), ": is no label or annotation"));
    }
    changes.emplace_back(name, std::move(text));
  }
  return changes;
}

What ReadRollout(Fields* fields, const Scenario& scenario) {
  RolloutAction action;
  action.service = NeedText(fields, "service");
  action.max_surge = ReadIntOrPercent(fields, "maxSurge");
  action.max_unavailable = ReadIntOrPercent(fields, "maxUnavailable");
  fields->Span("stagger", &action.stagger);
  if (const DocNode* pods = fields->Take("pods")) {
    action.behaviour = ReadBehaviour(*pods, fields->Path("pods"), *scenario.pods, fields->errors());
  }
  if (action.max_surge.value == 0 && action.max_unavailable.value == 0) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("maxSurge"), ": may not be 0 when maxUnavailable is 0"));
  }
  return action;
}

What ReadScale(Fields* fields, const Scenario& /*scenario*/) {
  ScaleAction action;
  action.service = NeedText(fields, "service");
  if (const DocNode* to = fields->Need("to")) {
    action.to = static_cast<int>(ReadInt(*to, fields->Path("to"), 0, kMostReplicas, fields->errors()));
  }
  return action;
}

What ReadZoneOutage(Fields* fields, const Scenario& /*scenario*/) {
  ZoneOutageAction action;
  action.zone = NeedText(fields, "zone");
  ReadSpan(fields, "duration", &action.duration);
  return action;
}

What ReadNodeFailure(Fields* fields, const Scenario& /*scenario*/) {
  NodeFailureAction action;
  action.nodes = ReadChoice(fields);
  ReadSpan(fields, "comesBackAfter", &action.comes_back);
  return action;
}

What ReadDrain(Fields* fields, const Scenario& /*scenario*/) {
  DrainAction action;
  action.nodes = ReadChoice(fields);
  ReadSpan(fields, "uncordonAfter", &action.uncordon_after);
  return action;
}

What ReadAddNodes(Fields* fields, const Scenario& /*scenario*/) {
  AddNodesAction action;
  action.pool = ReadNodePool(fields);
  fields->Span("readyAfter", &action.ready_after);
  return action;
}

What ReadRemoveNodes(Fields* fields, const Scenario& /*scenario*/) {
  RemoveNodesAction action;
  action.nodes = ReadChoice(fields);
  fields->Bool("drain", &action.drain);
  return action;
}

What ReadRelabel(Fields* fields, const Scenario& /*scenario*/) {
  RelabelAction action;
  action.nodes = ReadChoice(fields);
  action.labels = ReadChanges(fields, "labels");
  if (action.labels.empty()) fields->errors()->Add(fields->line(), Concat(fields->Path("labels"), ": is missing"));
  return action;
}

What ReadSetAllocatable(Fields* fields, const Scenario& /*scenario*/) {
  SetAllocatableAction action;
  action.nodes = ReadChoice(fields);
  action.cpu_milli = -1;
  fields->Cpu("cpu", &action.cpu_milli);
  if (action.cpu_milli < 0) fields->errors()->Add(fields->line(), Concat(fields->Path("cpu"), ": is missing"));
  return action;
}

What ReadFlap(Fields* fields, const Scenario& /*scenario*/) {
  FlapAction action;
  action.service = NeedText(fields, "service");
  fields->Int("pods", 1, kMostReplicas, &action.pods);
  fields->Span("period", &action.period);
  fields->Span("duration", &action.duration);
  if (action.period < std::chrono::milliseconds(1)) {
    fields->errors()->Add(fields->line(), Concat(fields->Path("period"), ": accepted is at least 1ms"));
  }
  return action;
}

What ReadSetService(Fields* fields, const Scenario& /*scenario*/) {
  SetServiceAction action;
  action.service = NeedText(fields, "service");
  action.annotations = ReadChanges(fields, "annotations");
  if (const DocNode* node = fields->Take("trafficDistribution")) {
    if (node->type == DocNode::Type::kNull) {
      action.traffic_distribution = "";
    } else {
      std::string value;
      fields->OneOf("trafficDistribution", {"PreferClose", "PreferSameZone", "PreferSameNode"}, &value);
      action.traffic_distribution = value;
    }
  }
  std::string internal, external;
  bool publish = false;
  fields->OneOf("internalTrafficPolicy", {"Cluster", "Local"}, &internal);
  fields->OneOf("externalTrafficPolicy", {"Cluster", "Local"}, &external);
  if (!internal.empty()) action.internal_traffic_policy = internal;
  if (!external.empty()) action.external_traffic_policy = external;
  const bool has_publish = fields->Take("publishNotReadyAddresses") != nullptr;
  fields->Bool("publishNotReadyAddresses", &publish);
  if (has_publish) action.publish_not_ready = publish;
  return action;
}

What ReadApiSlowdown(Fields* fields, const Scenario& /*scenario*/) {
  ApiSlowdownAction action;
  fields->Number("factor", 0.01, 10'000, &action.factor);
  ReadSpan(fields, "duration", &action.duration);
  return action;
}

What ReadControllerRestart(Fields* fields, const Scenario& /*scenario*/) {
  ControllerRestartAction action;
  fields->Span("downtime", &action.downtime);
  return action;
}

struct ActionKind {
  std::string_view key;
  What (*read)(Fields*, const Scenario&);
};
// Names of things that have to be there.
constexpr std::array<std::string_view, 5> kNames = {"service", "zone", "pool", "nodes", "externalTrafficPolicy"};

void NoteNames(const DocNode& body, std::vector<ScenarioAction::NameLine>* names) {
  for (const std::string_view key : kNames) {
    const DocNode* node = body.Find(key);
    if (node == nullptr) continue;
    if (node->IsScalar()) names->push_back({std::string(key), node->text, node->line});
    for (const DocNode& item : node->items) names->push_back({std::string(key), item.text, item.line});
  }
}

constexpr std::array<ActionKind, 13> kActions = {{{"rollout", ReadRollout},
                                                  {"scale", ReadScale},
                                                  {"zoneOutage", ReadZoneOutage},
                                                  {"nodeFailure", ReadNodeFailure},
                                                  {"drain", ReadDrain},
                                                  {"addNodes", ReadAddNodes},
                                                  {"removeNodes", ReadRemoveNodes},
                                                  {"relabel", ReadRelabel},
                                                  {"setAllocatable", ReadSetAllocatable},
                                                  {"flap", ReadFlap},
                                                  {"setService", ReadSetService},
                                                  {"apiSlowdown", ReadApiSlowdown},
                                                  {"controllerRestart", ReadControllerRestart}}};

}  // namespace

int ScenarioAction::LineOf(std::string_view key, std::string_view name) const {
  const auto is_it = [&](const NameLine& known) { return known.key == key && known.name == name; };
  const auto it = std::find_if(names.begin(), names.end(), is_it);
  return it == names.end() ? line : it->line;
}

ScenarioAction ReadAction(const DocNode& node, const std::string& what, const Scenario& scenario, DocErrors* errors) {
  ScenarioAction action;
  action.line = node.line;
  Fields fields(node, what, errors);
  if (const DocNode* at = fields.Need("at")) action.at = ReadDuration(*at, fields.Path("at"), errors);
  ReadSpan(&fields, "every", &action.every);
  fields.Int("times", 1, kMostTimes, &action.times);
  if (action.every && *action.every < std::chrono::milliseconds(1)) {
    errors->Add(node.line, Concat(fields.Path("every"), ": accepted is at least 1ms"));
  }
  if (action.times > 0 && !action.every) {
    errors->Add(node.line, Concat(fields.Path("times"), ": says nothing without every"));
  }
  int found = 0;
  std::string names;
  for (const ActionKind& kind : kActions) {
    names += Concat(names.empty() ? "" : ", ", kind.key);
    const DocNode* body = fields.Take(kind.key);
    if (body == nullptr) continue;
    if (++found > 1)
      errors->Add(body->line, Concat(what, ": has two actions; put \"", kind.key, "\" in one of its own"));
    Fields one(*body, Concat(what, '.', kind.key), errors);
    action.what = kind.read(&one, scenario);
    one.Done();
    NoteNames(*body, &action.names);
  }
  fields.Done();
  if (found == 0) errors->Add(node.line, Concat(what, ": has no action; accepted are ", names));
  return action;
}

}  // namespace epslice::sim

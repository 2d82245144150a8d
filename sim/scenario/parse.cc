#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/engine/digest.h"
#include "sim/scenario/parse_parts.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/text_format.h"

namespace epslice::sim {
namespace {

constexpr double kMostRps = 1e12;
constexpr std::int64_t kMostPods = 2'000'000;
constexpr std::size_t kMostItems = 100'000;  // of any list

const std::vector<DocNode>& Items(const DocNode& node, std::string_view what, DocErrors* errors) {
  if (node.type != DocNode::Type::kList) errors->Add(node.line, Concat(what, ": is ", node.Describe(), ", not a list"));
  if (node.items.size() > kMostItems) errors->Add(node.line, Concat(what, ": has more than ", kMostItems, " entries"));
  return node.items;
}

// "service,rps" or "service,zone,rps", told by the first line, which names the
// columns. Lines that begin with '#' and empty ones are passed over.
absl::Status ReadTrafficTable(std::string_view text, std::vector<TrafficRule>* rules) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  int line_number = 0;
  std::size_t columns = 0;
  std::map<std::string, std::size_t> rule_of;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto bad = [line_number](std::string_view why) {
      return absl::InvalidArgumentError(Concat("line ", line_number, ": ", why));
    };
    if (columns == 0) {
      if (line != "service,rps" && line != "service,zone,rps") {
        return bad("the first line is not \"service,rps\" or \"service,zone,rps\"");
      }
      columns = line == "service,rps" ? 2 : 3;
      continue;
    }
    std::vector<std::string_view> cells;
    for (std::string_view rest = line;;) {
      const std::size_t comma = rest.find(',');
      cells.push_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    if (cells.size() != columns) return bad(Concat("has ", cells.size(), " columns, not ", columns));
    double rps = 0;
    const auto [rest, error] = std::from_chars(cells.back().data(), cells.back().data() + cells.back().size(), rps);
    if (error != std::errc() || rest != cells.back().data() + cells.back().size() || !(rps >= 0 && rps <= kMostRps)) {
      return bad(Concat('"', cells.back().substr(0, 40), "\" is no number of requests each second from 0 to 1e12"));
    }
    const auto [it, added] = rule_of.emplace(cells[0], rules->size());
    if (added) {
      rules->emplace_back();
      rules->back().services = std::string(cells[0]);
      rules->back().table_line = line_number;
    }
    TrafficRule& rule = (*rules)[it->second];
    const bool again = columns == 2 ? !added : !rule.by_zone.emplace(cells[1], rps).second;
    if (columns == 3) rule.zone_lines.emplace(cells[1], line_number);
    if (again) return bad("names the same source of the same Service again");
    rule.rps += rps;
  }
  return columns == 0 ? absl::InvalidArgumentError("line 1: is empty") : absl::OkStatus();
}

TrafficRule ReadTrafficRule(const DocNode& node, const std::string& what, DocErrors* errors) {
  TrafficRule rule;
  Fields fields(node, what, errors);
  if (const DocNode* name = fields.Need("service")) {
    rule.services = ReadText(*name, fields.Path("service"), errors);
    rule.line = name->line;
  }
  const DocNode* rps = fields.Take("rps");
  const DocNode* from = fields.Take("fromZones");
  if ((rps == nullptr) == (from == nullptr)) {
    errors->Add(node.line, Concat(what, ": accepted is one of rps and fromZones"));
  }
  if (rps != nullptr) rule.rps = ReadNumber(*rps, fields.Path("rps"), 0, kMostRps, errors);
  if (from != nullptr) {
    Fields zones(*from, fields.Path("fromZones"), errors);
    for (const auto& [zone, value] : from->entries) {
      rule.rps += rule.by_zone[zone] = ReadNumber(value, zones.Path(zone), 0, kMostRps, errors);
    }
  }
  fields.Done();
  return rule;
}

ScenarioTraffic ReadTraffic(const DocNode& node, const ReadFile& read, DocErrors* errors) {
  ScenarioTraffic traffic;
  Fields fields(node, "traffic", errors);
  if (const DocNode* value = fields.Take("defaultRps")) {
    traffic.default_rps = ReadNumber(*value, "traffic.defaultRps", 0, kMostRps, errors);
  }
  if (const DocNode* file = fields.Take("file")) {
    const std::string path = ReadText(*file, "traffic.file", errors);
    const absl::StatusOr<std::string> text = read(path);
    absl::Status status = text.status();
    if (status.ok()) status = ReadTrafficTable(*text, &traffic.rules);
    if (!status.ok()) errors->Add(file->line, Concat("traffic.file: ", path, ": ", std::string(status.message())));
    for (TrafficRule& rule : traffic.rules) {
      rule.line = file->line;
      rule.table = path;
    }
  }
  if (const DocNode* rules = fields.Take("services")) {
    const auto& items = Items(*rules, "traffic.services", errors);
    for (std::size_t i = 0; i < items.size(); ++i) {
      traffic.rules.push_back(ReadTrafficRule(items[i], Concat("traffic.services[", i, ']'), errors));
    }
  }
  fields.Done();
  return traffic;
}

void ReadSettings(const DocNode& node, std::vector<ScenarioSetting>* settings, DocErrors* errors) {
  if (node.type != DocNode::Type::kMap) {
    errors->Add(node.line, Concat("settings: is ", node.Describe(), ", not a map"));
  }
  for (const auto& [key, value] : node.entries) {
    std::string text = ReadScalar(value, Concat("settings.", key), errors);
    // What YAML made of yes and no.
    if (value.type == DocNode::Type::kBool) text = text == "true" ? "yes" : "no";
    settings->push_back({key, std::move(text), value.line});
  }
}

void ReadExpectations(const DocNode& node, std::vector<Expectation>* expectations, DocErrors* errors) {
  const auto one = [&](const DocNode& item) {
    absl::StatusOr<Expectation> parsed = ParseExpectation(ReadText(item, "expect", errors));
    if (!parsed.ok()) return errors->Add(item.line, Concat("expect: ", std::string(parsed.status().message())));
    parsed->line = item.line;
    expectations->push_back(*std::move(parsed));
  };
  if (node.IsScalar()) return one(node);
  for (const DocNode& item : Items(node, "expect", errors)) one(item);
}

void ReadMetadata(const DocNode& node, Scenario* scenario, DocErrors* errors) {
  Fields fields(node, "metadata", errors);
  fields.Text("name", &scenario->name);
  fields.Text("description", &scenario->description);
  fields.Done();
}

void ReadHead(Fields* fields, Scenario* scenario) {
  DocErrors* errors = fields->errors();
  if (const DocNode* version = fields->Need("apiVersion")) {
    if (version->text != "epslice.dev/v1") {
      errors->Add(version->line, Concat("apiVersion: is ", version->Describe(), "; accepted is epslice.dev/v1"));
    }
  }
  if (const DocNode* kind = fields->Need("kind")) {
    if (kind->text != "Scenario") {
      errors->Add(kind->line, Concat("kind: is ", kind->Describe(), "; accepted is Scenario"));
    }
  }
  if (const DocNode* metadata = fields->Take("metadata")) ReadMetadata(*metadata, scenario, errors);
  if (const DocNode* seed = fields->Take("seed")) {
    scenario->seed = static_cast<std::uint64_t>(ReadInt(*seed, "seed", 0, INT64_MAX, errors));
  }
  if (const DocNode* duration = fields->Take("duration")) {
    scenario->duration = ReadDuration(*duration, "duration", errors);
  }
  if (const DocNode* start = fields->Take("start")) {
    const absl::StatusOr<Timestamp> time = ParseRfc3339(ReadText(*start, "start", errors));
    if (!time.ok() || !time->is_set()) {
      errors->Add(start->line,
                  Concat("start: is ", start->Describe(), "; accepted is a time like 2026-01-01T00:00:00Z"));
    } else {
      scenario->start = *time;
    }
  }
  std::string state = "settled";
  fields->OneOf("startState", {"settled", "withoutSlices"}, &state);
  scenario->warm_start = state == "settled";
  if (const DocNode* lifecycle = fields->Take("nodeLifecycle")) {
    Fields one(*lifecycle, "nodeLifecycle", errors);
    one.Span("notReadyAfter", &scenario->node_lifecycle.not_ready_after);
    one.Span("evictAfter", &scenario->node_lifecycle.evict_after);
    one.Done();
  }
  scenario->pods = std::make_shared<const PodBehaviour>();
  if (const DocNode* pods = fields->Take("pods")) scenario->pods = ReadBehaviour(*pods, "pods", PodBehaviour(), errors);
}

std::int64_t NodesOf(const NodePool& pool) {
  return std::int64_t{pool.count} * static_cast<std::int64_t>(std::max<std::size_t>(1, pool.zones.size()));
}

void CheckSizes(const Scenario& scenario, DocErrors* errors) {
  std::int64_t nodes = 0, services = 0, pods = 0;
  for (const NodePool& pool : scenario.cluster.value_or(std::vector<NodePool>())) nodes += NodesOf(pool);
  for (const ScenarioAction& action : scenario.actions) {
    if (const auto* added = std::get_if<AddNodesAction>(&action.what)) nodes += NodesOf(added->pool);
  }
  for (const ServiceTemplate& service : scenario.services) {
    services += service.count;
    pods += std::int64_t{service.count} * service.replicas;
  }
  if (nodes > kMostNodes) errors->Add(1, Concat("there are ", nodes, " nodes; accepted are ", kMostNodes));
  if (services > kMostServices) {
    errors->Add(1, Concat("there are ", services, " Services; accepted are ", kMostServices));
  }
  if (pods > kMostPods) errors->Add(1, Concat("there are ", pods, " pods; accepted are ", kMostPods));
}

}  // namespace

bool MatchesServicePattern(std::string_view pattern, const ObjectKey& service) {
  if (pattern == "*") return true;
  const std::string name = service.ToString();
  // The usual search with one place to go back to.
  std::size_t p = 0, star = std::string_view::npos, resume = 0;
  for (std::size_t i = 0; i < name.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, resume = i;
    } else if (p < pattern.size() && pattern[p] == name[i]) {
      ++p, ++i;
    } else if (star != std::string_view::npos && name[resume] != '/') {
      p = star + 1, i = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

absl::StatusOr<Scenario> ParseScenario(const std::string& name, std::string_view text, const ReadFile& read) {
  const auto in_file = [&name](const absl::Status& status) {
    return absl::InvalidArgumentError(Concat(name, ": ", std::string(status.message())));
  };
  if (absl::StatusOr<TextFormat> format = DetectTextFormat(&text); !format.ok()) return in_file(format.status());
  absl::StatusOr<DocNode> document = ParseDocument(text);
  if (!document.ok()) return in_file(document.status());
  Scenario scenario;
  scenario.file = name;
  Digest digest;
  digest.Add(text);
  const ReadFile read_table = [&](const std::string& path) -> absl::StatusOr<std::string> {
    if (!read) return absl::InvalidArgumentError("no files can be read here");
    absl::StatusOr<std::string> table = read(path);
    if (table.ok()) digest.Add(*table);
    return table;
  };
  DocErrors errors;
  Fields fields(*document, "", &errors);
  ReadHead(&fields, &scenario);
  if (const DocNode* cluster = fields.Take("cluster")) scenario.cluster = ReadCluster(*cluster, &errors);
  if (const DocNode* services = fields.Take("services")) {
    const auto& items = Items(*services, "services", &errors);
    for (std::size_t i = 0; i < items.size(); ++i) {
      scenario.services.push_back(ReadService(items[i], Concat("services[", i, ']'), scenario, &errors));
    }
  }
  if (const DocNode* traffic = fields.Take("traffic")) scenario.traffic = ReadTraffic(*traffic, read_table, &errors);
  if (const DocNode* settings = fields.Take("settings")) ReadSettings(*settings, &scenario.settings, &errors);
  if (const DocNode* actions = fields.Take("actions")) {
    const auto& items = Items(*actions, "actions", &errors);
    for (std::size_t i = 0; i < items.size(); ++i) {
      scenario.actions.push_back(ReadAction(items[i], Concat("actions[", i, ']'), scenario, &errors));
    }
  }
  if (const DocNode* expect = fields.Take("expect")) ReadExpectations(*expect, &scenario.expect, &errors);
  fields.Done();
  if (errors.ok() && scenario.cluster && !scenario.duration) {
    errors.Add(1, "duration: is missing; a run without a trace has no end of its own");
  }
  if (errors.ok()) CheckSizes(scenario, &errors);
  if (errors.ok()) CheckReferences(scenario, &errors);
  if (!errors.ok()) return in_file(errors.status());
  scenario.digest = digest.ToString();
  return scenario;
}

}  // namespace epslice::sim

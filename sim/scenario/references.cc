// Whether what a scenario refers to is there.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "apis/concat.h"
#include "sim/cluster/service_defaults.h"
#include "sim/scenario/parse_parts.h"

namespace epslice::sim {
namespace {

// What the file refers to is in it, where the cluster does not come from a
// trace; what then is not there turns up at the start of the run.
class References {
 public:
  References(const Scenario& scenario, DocErrors* errors) : scenario_(scenario), errors_(errors) {
    for (const ServiceTemplate& service : scenario.services) {
      for (int n = 1; n <= service.count && errors->ok(); ++n) {
        if (!services_.insert(service.KeyOf(n)).second) {
          errors->Add(service.line, Concat("services: there are two Services ", service.KeyOf(n).ToString()));
        }
      }
    }
    for (const NodePool& pool : scenario.cluster.value_or(std::vector<NodePool>())) AddPool(pool);
    for (const ScenarioAction& action : scenario.actions) {
      if (const auto* added = std::get_if<AddNodesAction>(&action.what)) {
        AddPool(added->pool);
        for (const std::string& zone : added->pool.zones) added_.push_back(Concat(added->pool.name, '-', zone, '-'));
        if (added->pool.zones.empty()) added_.push_back(Concat(added->pool.name, '-'));
      }
      // It may bring back, or make, any zone.
      if (const auto* relabel = std::get_if<RelabelAction>(&action.what)) {
        for (const auto& [key, value] : relabel->labels) {
          if (key == "topology.kubernetes.io/zone" && value) zones_.insert(*value);
        }
      }
    }
  }

  // `where`: what goes before the message.
  void CheckService(const std::string& pattern, int line, std::string_view where = "") const {
    if (!scenario_.cluster) return;
    const std::size_t slash = pattern.find('/');
    if (slash != std::string::npos && pattern.find('*') == std::string::npos) {
      if (services_.count({Text(pattern.substr(0, slash)), Text(pattern.substr(slash + 1))}) > 0) return;
    }
    const auto fits = [&](const ObjectKey& key) { return MatchesServicePattern(pattern, key); };
    if (pattern.find('*') != std::string::npos && std::any_of(services_.begin(), services_.end(), fits)) return;
    errors_->Add(line, Concat(where, "there is no Service \"", pattern, "\"; accepted are ", Known(services_)));
  }
  void CheckZone(const std::string& zone, int line, std::string_view where = "") const {
    if (!scenario_.cluster || zones_.count(zone) > 0) return;
    errors_->Add(line, Concat(where, "there is no zone \"", zone, "\"; accepted are ", Known(zones_)));
  }
  void CheckNodes(const NodeChoice& choice, const ScenarioAction& action) const {
    if (!scenario_.cluster) return;
    if (choice.zone) CheckZone(*choice.zone, action.LineOf("zone", *choice.zone));
    if (!choice.pool.empty() && pools_.count(choice.pool) == 0) {
      errors_->Add(action.LineOf("pool", choice.pool),
                   Concat("there is no pool \"", choice.pool, "\"; accepted are ", Known(pools_)));
    }
    for (const std::string& name : choice.names) {
      if (nodes_.count(name) == 0 && !MayBeAdded(name)) {
        errors_->Add(action.LineOf("nodes", name),
                     Concat("there is no node \"", name, "\"; accepted are ", Known(nodes_)));
      }
    }
  }
  // A policy that none of the Services can have.
  void CheckPolicy(const SetServiceAction& set, const ScenarioAction& action) const {
    if (!scenario_.cluster || !set.external_traffic_policy) return;
    for (const ServiceTemplate& service : scenario_.services) {
      if (!HasNodePorts(service.service.spec)) continue;
      for (int n = 1; n <= service.count; ++n) {
        if (MatchesServicePattern(set.service, service.KeyOf(n))) return;
      }
    }
    errors_->Add(action.LineOf("externalTrafficPolicy", *set.external_traffic_policy),
                 Concat("setService.externalTrafficPolicy: a ClusterIP Service has none, and \"", set.service,
                        "\" is no other"));
  }

 private:
  void AddPool(const NodePool& pool) {
    pools_.insert(pool.name);
    if (pool.zones.empty()) zones_.insert("");
    for (const std::string& zone : pool.zones) zones_.insert(zone);
    for (int i = 1; i <= pool.count; ++i) {
      for (const std::string& zone : pool.zones) nodes_.insert(Concat(pool.name, '-', zone, '-', i));
      if (pool.zones.empty()) nodes_.insert(Concat(pool.name, '-', i));
    }
  }
  // Numbers go on where names are taken, and as often as it is done.
  bool MayBeAdded(const std::string& name) const {
    return std::any_of(added_.begin(), added_.end(), [&name](const std::string& base) {
      return name.size() > base.size() && name.starts_with(base) && name[base.size()] != '0' &&
             name.find_first_not_of("0123456789", base.size()) == std::string::npos;
    });
  }
  static std::string Quoted(const std::string& name) { return name.empty() ? "\"\" (nodes without a zone)" : name; }
  static std::string Quoted(const ObjectKey& key) { return key.ToString(); }
  template <typename Names>
  static std::string Known(const Names& names) {
    constexpr int kMost = 8;
    std::string out;
    int count = 0;
    for (const auto& name : names) {
      if (count++ == kMost) return out + ", ...";
      out += Concat(out.empty() ? "" : ", ", Quoted(name));
    }
    return out.empty() ? "none" : out;
  }

  const Scenario& scenario_;
  DocErrors* errors_;
  std::set<ObjectKey> services_;
  std::set<std::string> zones_, pools_, nodes_;
  std::vector<std::string> added_;  // how names of nodes begin that actions add
};

}  // namespace

void CheckReferences(const Scenario& scenario, DocErrors* errors) {
  const References references(scenario, errors);
  for (const ServiceTemplate& service : scenario.services) {
    for (const Text& zone : service.placement.zones) references.CheckZone(zone.str(), service.placement_line);
  }
  for (const TrafficRule& rule : scenario.traffic.rules) {
    // Where in the table, if it is in one.
    const auto in_table = [&rule](int line) {
      return rule.table.empty() ? "" : Concat("traffic.file: ", rule.table, ": line ", line, ": ");
    };
    references.CheckService(rule.services, rule.line, in_table(rule.table_line));
    for (const auto& [zone, rps] : rule.by_zone) {
      const auto line = rule.zone_lines.find(zone);
      references.CheckZone(zone, rule.line, in_table(line == rule.zone_lines.end() ? rule.table_line : line->second));
    }
  }
  for (const ScenarioAction& action : scenario.actions) {
    std::visit(
        [&](const auto& what) {
          using T = std::decay_t<decltype(what)>;
          if constexpr (requires { what.service; }) {
            references.CheckService(what.service, action.LineOf("service", what.service));
          }
          if constexpr (requires { what.nodes; }) references.CheckNodes(what.nodes, action);
          if constexpr (std::is_same_v<T, ZoneOutageAction>) {
            references.CheckZone(what.zone, action.LineOf("zone", what.zone));
          }
          if constexpr (std::is_same_v<T, SetServiceAction>) references.CheckPolicy(what, action);
        },
        action.what);
    if (scenario.duration && action.at > *scenario.duration) {
      errors->Add(action.line, "actions: an action comes after the end of the run (duration)");
    }
  }
}

}  // namespace epslice::sim

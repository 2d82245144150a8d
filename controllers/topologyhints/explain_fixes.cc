// The smallest changes that bring hints back: candidates by what is wrong, each
// tried on a copy, and combined where none does by itself.
#include "controllers/topologyhints/explain_fixes.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "controllers/endpointslice/endpoints.h"
#include "controllers/topologyhints/allocation.h"

namespace epslice::internal {
namespace {

// Bounds of the search.
constexpr std::size_t kMostParts = 3;
constexpr int kMostTrials = 48;
constexpr int kMostTrialsInBrief = 8;  // of each Service in a table
constexpr std::size_t kMostZonesTried = 8;
constexpr std::int64_t kMostEndpointsAdded = 2000;
constexpr std::int64_t kMostResilientAdded = 16;

class FixFinder {
 public:
  FixFinder(const ExplainInput& input, const ReconcileConfig& config, const AddressTypeExplanation& type, bool brief)
      : input_(input), config_(config), type_(type), most_trials_(brief ? kMostTrialsInBrief : kMostTrials) {
    const HintsOptions options = OptionsOf(input);
    const bool is_auto = HeuristicOf(*input.cluster.service) == Heuristic::kAuto;
    view_ = is_auto ? options.policy : HintsPolicy::kReference;
  }

  std::vector<Fix> Find() {
    std::deque<Trial> failed;
    failed.push_back({input_, {}});
    while (!failed.empty() && trials_ < most_trials_) {
      const Trial trial = std::move(failed.front());
      failed.pop_front();
      for (Trial& next : Candidates(trial)) {
        if (trials_ >= most_trials_) break;
        if (IsRepeated(next)) continue;
        const Outlook outlook = Try(next);
        if (Works(outlook)) {
          fixes_.push_back(MakeFix(std::move(next), outlook));
        } else if (next.parts.size() < kMostParts) {
          failed.push_back(std::move(next));
        }
      }
    }
    DropDominated();
    Rank();
    return std::move(fixes_);
  }

 private:
  HintsOptions OptionsOf(const ExplainInput& input) const {
    return HintsOptionsOf(*input.cluster.service, config_.hints).options;
  }

  Outlook Try(const Trial& trial) {
    ++trials_;
    // Who sends is seen as before the change, so that outlooks compare.
    return LookAhead(trial.input, config_, type_.address_type, trial.input.nodes->ConsumersAs(view_));
  }

  bool Works(const Outlook& outlook) const {
    if (outlook.state != HintState::Kind::kEnabled || !outlook.traffic.any) return false;
    if (outlook.traffic.effect == HintEffect::kEverywhere) return true;
    // What is asked for anew has at least to be heeded by somebody; so has
    // what the controller refused. What it did give has to be heeded by all.
    return type_.state != HintState::Kind::kEnabled && outlook.traffic.effect == HintEffect::kSomewhere;
  }

  // The same steps in another order are the same change; and more of a step
  // that is there already is a candidate of its own.
  bool IsRepeated(const Trial& trial) {
    std::multiset<std::string> texts;
    for (const Fix::Part& part : trial.parts) texts.insert(part.text);
    for (std::size_t i = 0; i + 1 < trial.parts.size(); ++i) {
      if (trial.parts[i].step == trial.parts.back().step) return true;
    }
    return !seen_.insert(std::move(texts)).second;
  }

  std::vector<Trial> Candidates(const Trial& trial) {
    const Plan plan = Reconcile(trial.input.cluster, config_);
    const Verdict verdict = VerdictOf(trial.input, config_, plan, type_.address_type);
    if (verdict.state == HintState::Kind::kOff) {
      // Nothing that is not asked for is worth anything else.
      if (!trial.parts.empty()) return {};
      return {Ask(trial, Heuristic::kAuto), Ask(trial, Heuristic::kPreferSameZone),
              Ask(trial, Heuristic::kPreferSameNode)};
    }
    std::vector<Trial> trials;
    if (verdict.state == HintState::Kind::kEnabled) {
      AddHeeding(trial, plan, &trials);
    } else {
      AddForFailure(trial, verdict.failure, plan, &trials);
      const bool resilient = OptionsOf(trial.input).policy == HintsPolicy::kResilient;
      if (!resilient) trials.push_back(SetResilient(trial));
    }
    return trials;
  }

  void AddForFailure(const Trial& trial, HintFailure failure, const Plan& plan, std::vector<Trial>* trials) {
    switch (failure) {
      case HintFailure::kNodeInformation:
      case HintFailure::kOneZone:
        if (trial.input.nodes->capacity->unknown_nodes > 0 && failure == HintFailure::kNodeInformation) {
          AddNodeData(trial, trials);
        } else {
          AddZones(trial, trials);
        }
        return;
      case HintFailure::kTooFewEndpoints:
      case HintFailure::kThreshold: AddForNumbers(trial, failure, plan, trials); return;
      case HintFailure::kEndpointWithoutZone: AddLabels(trial, NodesOfHomeless(trial.input), trials); return;
      case HintFailure::kNone:
      case HintFailure::kNothingToHint: return;
    }
  }

  // Labels for nodes without a zone, with the zone that the slices say they
  // were in; or else with the one that has the fewest nodes, since nodes are
  // mostly spread evenly; or with each that there is, until one works.
  void AddLabels(const Trial& trial, const std::vector<Text>& nodes, std::vector<Trial>* trials) {
    if (nodes.empty()) return;
    std::vector<Text> zones;
    std::vector<std::size_t> sizes;
    for (const NodeReport::Zone& zone : trial.input.nodes->zones) {
      zones.push_back(zone.zone);
      sizes.push_back(zone.nodes.size());
    }
    for (const char* name : {"a new zone", "another new zone"}) {
      if (zones.size() >= 2) break;
      zones.emplace_back(name);
      sizes.push_back(0);
    }
    std::vector<std::pair<Text, Text>> zone_of_node;
    bool guessed = false;
    for (const Text& node : nodes) {
      Text zone = ZoneAsWritten(trial.input, node);
      if (zone.empty()) {
        guessed = true;
        const auto fewest = std::min_element(sizes.begin(), sizes.end());
        ++*fewest;
        zone = zones[static_cast<std::size_t>(fewest - sizes.begin())];
      }
      zone_of_node.push_back({node, zone});
    }
    Trial first = LabelNodes(trial, zone_of_node);
    if (guessed && nodes.size() == 1 && !Works(Try(first))) {
      for (std::size_t i = 0; i < zones.size() && i < kMostZonesTried && trials_ < kMostTrials; ++i) {
        Trial other = LabelNodes(trial, {{nodes[0], zones[i]}});
        if (!Works(Try(other))) continue;
        first = std::move(other);
        break;
      }
    }
    trials->push_back(std::move(first));
  }

  void AddNodeData(const Trial& trial, std::vector<Trial>* trials) {
    std::vector<Text> no_zone;
    std::vector<Text> no_cpu;
    const ZoneCapacity& capacity = *trial.input.nodes->capacity;
    const HintsOptions options = OptionsOf(trial.input);
    // The resilient policy puts up with some.
    std::int64_t to_mend = capacity.unknown_nodes;
    if (options.policy == HintsPolicy::kResilient) to_mend -= options.unknown_nodes * capacity.ready_nodes / kOne;
    for (const NodeReport::LeftOut& node : trial.input.nodes->left_out) {
      if (!node.unknown || to_mend-- <= 0) continue;
      for (const NodeReport::Lack lack : node.lacks) {
        (lack == NodeReport::Lack::kNoZoneLabel ? no_zone : no_cpu).push_back(node.node);
      }
    }
    if (!no_cpu.empty()) {
      trials->push_back(ReportCpu(trial, no_cpu));
    }
    if (no_zone.empty()) return;
    if (no_cpu.empty()) {
      AddLabels(trial, no_zone, trials);
    } else {
      const Trial with_cpu = std::move(trials->back());
      trials->pop_back();
      AddLabels(with_cpu, no_zone, trials);
    }
  }

  static void AddZones(const Trial& trial, std::vector<Trial>* trials) {
    std::set<Text> zones;
    for (const ZoneCapacity::Share& share : trial.input.nodes->capacity->consumer_zones) zones.insert(share.zone);
    for (const NodeReport::LeftOut& node : trial.input.nodes->left_out) {
      const bool not_ready = node.lacks[0] == NodeReport::Lack::kNotReady;
      if (not_ready && !node.zone.empty() && zones.insert(node.zone).second) {
        trials->push_back(MakeNodeReady(trial, node.node));
      }
    }
    trials->push_back(AddNodeInNewZone(trial));
  }

  void AddForNumbers(const Trial& trial, HintFailure failure, const Plan& plan, std::vector<Trial>* trials) {
    const ZoneCapacity& capacity = *trial.input.nodes->capacity;
    const HintsOptions options = OptionsOf(trial.input);
    const std::int64_t ready = plan.hints.at(type_.address_type).ready_endpoints;
    const auto add = [&](std::int64_t count) {
      const std::vector<Placement> places = PlaceByDeficit(ZonesOf(trial, plan), count);
      if (!places.empty()) trials->push_back(AddPods(trial, type_.address_type, places));
    };
    if (options.policy == HintsPolicy::kResilient) {
      for (std::int64_t count = 1; count <= (ready == 0 ? 1 : kMostResilientAdded); ++count) add(count);
      return;
    }
    const auto fails = [&](std::int64_t endpoints, Millionths threshold) {
      return AllocateEndpoints(capacity, threshold, static_cast<int>(endpoints)).failure != HintFailure::kNone;
    };
    if (failure == HintFailure::kThreshold) {
      // More is never worse: halve the range of hundredths.
      Millionths low = 0;
      Millionths high = kMaxThreshold / kHundredth;
      while (low < high) {
        const Millionths middle = (low + high) / 2;
        (fails(ready, middle * kHundredth) ? low : high) = fails(ready, middle * kHundredth) ? middle + 1 : middle;
      }
      if (!fails(ready, low * kHundredth)) trials->push_back(SetThreshold(trial, low * kHundredth));
    }
    const auto zones = static_cast<std::int64_t>(capacity.zones.size());
    std::int64_t enough = 1;
    while (enough <= kMostEndpointsAdded && fails(ready + enough, options.overload_threshold)) ++enough;
    if (enough <= kMostEndpointsAdded) add(enough);
    // One for each zone may do together with something else.
    if (zones > ready && zones - ready < enough) add(zones - ready);
  }

  static constexpr Millionths kHundredth = kOne / 100;

  // Where the endpoints of a trial are, and how much CPU is beside them.
  std::vector<ZoneExplanation> ZonesOf(const Trial& trial, const Plan& plan) const {
    std::map<Text, ZoneExplanation> zones;
    std::int64_t total = 0;
    for (const NodeReport::Zone& zone : trial.input.nodes->zones) total += zone.cpu_milli;
    for (const NodeReport::Zone& zone : trial.input.nodes->zones) {
      ZoneExplanation& into = zones[zone.zone];
      into.nodes = static_cast<std::int64_t>(zone.nodes.size());
      into.ratio = static_cast<double>(zone.cpu_milli) / static_cast<double>(std::max<std::int64_t>(total, 1));
    }
    for (const SlicePtr& slice : PlannedSlices(trial.input.cluster.slices, plan, type_.address_type)) {
      for (const Endpoint& endpoint : slice->endpoints) zones[endpoint.zone].own += IsReady(endpoint) ? 1 : 0;
    }
    std::vector<ZoneExplanation> result;
    for (auto& [name, zone] : zones) {
      zone.zone = name;
      result.push_back(std::move(zone));
    }
    return result;
  }

  // Nodes that are known, of ready endpoints without a zone; by name.
  std::vector<Text> NodesOfHomeless(const ExplainInput& input) const {
    const IpFamily family = type_.address_type == "IPv6" ? IpFamily::kIPv6 : IpFamily::kIPv4;
    std::set<Text> nodes;
    for (const DesiredEndpoint& endpoint : DesireEndpoints(input.cluster, family).endpoints) {
      const Text& node = endpoint.pod->nodeName;
      if (endpoint.ready && endpoint.zone == nullptr && input.cluster.nodes->contains(node)) nodes.insert(node);
    }
    return {nodes.begin(), nodes.end()};
  }

  // Hints are given, and some proxies do not heed them.
  void AddHeeding(const Trial& trial, const Plan& plan, std::vector<Trial>* trials) {
    std::set<Text> to_label;
    for (const Text& node : NodesOfHomeless(trial.input)) to_label.insert(node);
    for (const NodeReport::LeftOut& node : trial.input.nodes->left_out) {
      if (node.unknown && node.zone.empty()) to_label.insert(node.node);
    }
    AddLabels(trial, {to_label.begin(), to_label.end()}, trials);
    std::vector<Text> no_cpu;
    for (const NodeReport::LeftOut& node : trial.input.nodes->left_out) {
      if (node.unknown && !node.zone.empty()) no_cpu.push_back(node.node);
    }
    if (!no_cpu.empty()) trials->push_back(ReportCpu(trial, no_cpu));
    std::set<Text> named;
    for (const SlicePtr& slice : PlannedSlices(trial.input.cluster.slices, plan, type_.address_type)) {
      for (const Endpoint& endpoint : slice->endpoints) {
        if (IsReady(endpoint) && endpoint.hints) {
          named.insert(endpoint.hints->forZones.begin(), endpoint.hints->forZones.end());
        }
      }
    }
    std::vector<Placement> missing;
    for (const NodeReport::Zone& zone : trial.input.nodes->zones) {
      if (!named.contains(zone.zone)) missing.push_back({zone.zone, 1});
    }
    if (!missing.empty()) trials->push_back(AddPods(trial, type_.address_type, missing));
  }

  static Fix MakeFix(Trial trial, Outlook outlook) {
    Fix fix;
    fix.parts = std::move(trial.parts);
    for (const Fix::Part& part : fix.parts) fix.size += part.count;
    fix.outlook = std::move(outlook);
    return fix;
  }

  // Whether `b` is the same as `a`, only more of it.
  static bool IsMoreOf(const Fix& a, const Fix& b) {
    if (a.parts.size() != b.parts.size() || a.size >= b.size) return false;
    for (std::size_t i = 0; i < a.parts.size(); ++i) {
      if (a.parts[i].step != b.parts[i].step || a.parts[i].count > b.parts[i].count) return false;
    }
    return true;
  }

  // A combination is not worth its while where a part of it works alone.
  void DropDominated() {
    const auto texts = [](const Fix& fix) {
      std::set<std::string> all;
      for (const Fix::Part& part : fix.parts) all.insert(part.text);
      return all;
    };
    std::vector<Fix> kept;
    for (const Fix& fix : fixes_) {
      const std::set<std::string> mine = texts(fix);
      const bool dominated = std::any_of(fixes_.begin(), fixes_.end(), [&](const Fix& other) {
        const std::set<std::string> theirs = texts(other);
        if (IsMoreOf(other, fix)) return true;
        return theirs.size() < mine.size() && std::includes(mine.begin(), mine.end(), theirs.begin(), theirs.end());
      });
      if (!dominated) kept.push_back(fix);
    }
    fixes_ = std::move(kept);
  }

  // Smallest first. The best is the smallest that keeps more traffic in its
  // zone than there is now; where none does, the smallest.
  void Rank() {
    std::stable_sort(fixes_.begin(), fixes_.end(), [](const Fix& a, const Fix& b) {
      if (a.size != b.size) return a.size < b.size;
      if (a.parts.size() != b.parts.size()) return a.parts.size() < b.parts.size();
      return a.parts[0].step < b.parts[0].step;
    });
    if (fixes_.empty()) return;
    constexpr double kGain = 1e-6;
    const auto gains = [&](const Fix& fix) { return fix.outlook.traffic.in_zone > type_.traffic.in_zone + kGain; };
    const auto best = std::find_if(fixes_.begin(), fixes_.end(), gains);
    (best == fixes_.end() ? fixes_.front() : *best).best = true;
  }

  const ExplainInput& input_;
  const ReconcileConfig& config_;
  const AddressTypeExplanation& type_;
  HintsPolicy view_ = HintsPolicy::kReference;
  int trials_ = 0;
  const int most_trials_;
  std::set<std::multiset<std::string>> seen_;
  std::vector<Fix> fixes_;
};

}  // namespace

std::vector<Fix> FindFixes(const ExplainInput& input, const ReconcileConfig& config, const AddressTypeExplanation& type,
                           bool brief) {
  return FixFinder(input, config, type, brief).Find();
}

}  // namespace epslice::internal

namespace epslice {

std::string_view NameOf(Fix::Step step) {
  switch (step) {
    case Fix::Step::kAskForHints: return "AskForHints";
    case Fix::Step::kLabelNode: return "LabelNode";
    case Fix::Step::kReportCpu: return "ReportCPU";
    case Fix::Step::kThreshold: return "SetThreshold";
    case Fix::Step::kMakeNodeReady: return "MakeNodeReady";
    case Fix::Step::kAddEndpoints: return "AddEndpoints";
    case Fix::Step::kPolicy: return "SetPolicy";
    case Fix::Step::kAddNode: return "AddNode";
  }
  return "";
}

}  // namespace epslice

// "Why are my hints off?": what a Service's topology hints are, why, what they
// do to its traffic, and the smallest change that would bring them back. Pure.
//
// The same answer is behind `endpointslice-sim explain` and the live
// controller's /debug/explain. It is worked out from what Reconcile() is given:
// every proposed change is applied to a copy of the input and reconciled
// before it is listed. Texts and JSON (docs/explain.md): explain_report.h.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "controllers/endpointslice/reconcile.h"
#include "controllers/topologyhints/hints.h"
#include "controllers/topologyhints/policy.h"
#include "controllers/topologyhints/traffic_estimate.h"

namespace epslice {

// The nodes of a cluster, sorted for explanations; made once for all Services.
// Immutable.
struct NodeReport {
  struct Zone {
    Text zone;
    std::int64_t cpu_milli = 0;  // of all its nodes
    // Of those that take pods: what the resilient policy counts.
    std::int64_t open_cpu_milli = 0;
    std::vector<Text> nodes;  // that count, with CPU; by name
  };
  enum class Lack : std::uint8_t {
    kNotReady,
    kControlPlane,
    kNoZoneLabel,
    kNoAllocatableCpu,
    kCordoned,        // the resilient policy does not count its CPU
    kNoExecuteTaint,  // as above
  };
  struct LeftOut {
    Text node;
    Text zone;
    std::vector<Lack> lacks;  // not empty
    // Only the resilient policy leaves it out.
    bool resilient_only = false;
    // It makes the zones' CPU unknown; the others are merely not counted.
    bool unknown = false;
  };

  explicit NodeReport(std::vector<std::shared_ptr<const Node>> all_nodes);

  std::vector<std::shared_ptr<const Node>> nodes;  // by name
  std::vector<Zone> zones;                         // by name
  std::vector<LeftOut> left_out;                   // by name
  // What Reconcile() is given of them.
  std::shared_ptr<const NodeZones> node_zones;
  std::shared_ptr<const ZoneCapacity> capacity;
  Consumers consumers[2];  // by HintsPolicy

  const Consumers& ConsumersAs(HintsPolicy policy) const { return consumers[static_cast<std::size_t>(policy)]; }
};
// "off", "enabled", "disabled"
std::string_view NameOf(HintState::Kind kind);
// "NotReady", "ControlPlane", "NoZoneLabel", "NoAllocatableCPU", "Cordoned",
// "NoExecuteTaint"
std::string_view NameOf(NodeReport::Lack lack);

// What was worked out for one Service and serves the next: the same nodes are
// changed the same way for each. Not thread-safe; lives at most as long as the
// NodeReport it is used with.
struct ExplainMemo {
  std::map<std::pair<const NodeReport*, std::string>, std::shared_ptr<const NodeReport>> changed_nodes;
};

struct ExplainInput {
  // Of `nodes` and `capacity` those of the report are taken instead.
  ReconcileInput cluster;
  std::shared_ptr<const NodeReport> nodes;  // not null
  // Saves time where many Services are explained; may be null. It makes no
  // difference to the answer.
  std::shared_ptr<ExplainMemo> memo;
};

// What a Service may ask for.
enum class Heuristic : std::uint8_t { kNone, kAuto, kPreferSameZone, kPreferSameNode };
// "None", "Auto", "PreferSameZone", "PreferSameNode"
std::string_view NameOf(Heuristic heuristic);

struct ZoneExplanation {
  Text zone;                   // "": endpoints or consumers without a zone
  std::int64_t cpu_milli = 0;  // as the policy counts it
  std::int64_t nodes = 0;
  double ratio = 0;
  // Auto only, and where the nodes allow it.
  std::optional<double> desired;
  std::optional<std::int64_t> minimum, maximum;
  std::int64_t own = 0;                // ready endpoints in the zone
  std::int64_t given = 0;              // of these, hinted for other zones only
  std::int64_t received = 0;           // ready endpoints from elsewhere that name it
  std::int64_t named_by = 0;           // ready endpoints that name it
  std::optional<ZoneTraffic> traffic;  // where it has consumers
};

// One thing that keeps hints from being given, or from being heeded.
struct Blocker {
  enum class Kind : std::uint8_t { kNode, kEndpoint, kZone, kNumber, kService };
  Kind kind = Kind::kNumber;
  std::string code;     // as ReasonCode(), "ZoneWithoutEndpoint", "NotRequested", ...
  std::string object;   // node, "namespace/pod", zone; "" for a number
  std::string node;     // of an endpoint
  std::string message;  // in one line, with the names and numbers
};
std::string_view NameOf(Blocker::Kind kind);

// What would come out after a change.
struct Outlook {
  HintState::Kind state = HintState::Kind::kOff;
  std::string reason;
  TrafficEstimate traffic;
  std::int64_t hinted_away = 0;  // ready endpoints hinted for other zones than their own
  std::int64_t writes = 0;       // of slices of this address type
};

// A change, or several together, that was tried on a copy of the input and
// brings hints back.
struct Fix {
  enum class Step : std::uint8_t {
    kAskForHints,    // value: annotation or field
    kLabelNode,      // objects: nodes to be given a zone label
    kReportCpu,      // objects: nodes that must report allocatable CPU
    kThreshold,      // value: the overload threshold
    kMakeNodeReady,  // objects: nodes that are there, but not Ready
    kAddEndpoints,   // count; objects: "2 in zone-a"
    kPolicy,         // value: the policy
    kAddNode,        // count: Ready nodes in a further zone
  };
  struct Part {
    Step step = Step::kLabelNode;
    std::int64_t count = 1;
    std::vector<std::string> objects;
    std::string value;
    std::string text;   // an instruction: "label node b7 with ..."
    std::string brief;  // for a table
  };
  std::vector<Part> parts;  // in the order they are to be taken
  std::int64_t size = 0;    // single changes: nodes, endpoints, settings
  bool best = false;
  Outlook outlook;
};
std::string_view NameOf(Fix::Step step);

struct Alternative {
  std::string name;  // "Auto (reference)", ...
  bool active = false;
  Outlook outlook;
};

struct PodExplanation {
  ObjectKey pod;
  Text node;
  Text zone;       // of its node
  std::string ip;  // the first of the family
  bool ready = false, serving = false, terminating = false;
  std::vector<std::string> written_in;  // slices as they are
  std::vector<std::string> planned_in;  // as they will be; "web-(new)" for one to be made
  EndpointHints hints;                  // as planned
  EndpointHints written_hints;
  std::string left_out;  // why it is in none; empty where it is in one
};

struct AddressTypeExplanation {
  Text address_type;
  // As the plan leaves it.
  HintState::Kind state = HintState::Kind::kOff;
  std::string reason;   // HintSummary's words
  std::string message;  // disabled: as the event says it
  bool shared = false;  // resilient: zones share endpoints
  TrafficEstimate traffic;
  std::vector<ZoneExplanation> zones;  // by name
  std::int64_t hinted_away = 0;
  std::int64_t not_ready = 0;  // endpoints, terminating ones too
  // As the slices are written now.
  TrafficEstimate written_traffic;
  std::int64_t written_hinted = 0;  // ready endpoints with a hint
  std::int64_t creates = 0, updates = 0, deletes = 0;
  // Most telling first.
  std::vector<Blocker> blockers;
  std::vector<Fix> fixes;  // smallest first
  bool fixes_looked_for = false;
  std::vector<Alternative> alternatives;
  std::vector<PodExplanation> pods;  // by name

  // Hints are asked for, and given to nobody or heeded nowhere.
  bool asks_in_vain() const;
};

struct Explanation {
  ObjectKey service;
  // A Service without selector or of type ExternalName is left alone; then
  // nothing below is set but `unmanaged`.
  bool managed = true;
  std::string unmanaged;  // "NoSelector", "ExternalName"
  Heuristic heuristic = Heuristic::kNone;
  // Where it was asked for: an annotation and its value, or the field; empty
  // for nowhere.
  bool asked_by_annotation = false;
  std::string asked_key, asked_value;
  ServiceHintsOptions options;
  std::vector<std::string> notes;  // what in the Service is overruled or says nothing; a line each
  std::shared_ptr<const NodeReport> nodes;
  std::vector<AddressTypeExplanation> address_types;
  std::vector<std::string> errors;  // pods on nodes that are not known

  bool asks_in_vain() const;
};

struct ExplainOptions {
  // Leave out pods and alternatives, and look for fixes only where hints are
  // asked for in vain: all that a row of a table needs.
  bool brief = false;
};

// Does not change its input; equal input gives an equal value. O(endpoints +
// nodes) for each change that is tried, of which there are at most some dozens.
Explanation ExplainService(const ExplainInput& input, const ReconcileConfig& config,
                           const ExplainOptions& options = {});

// One Service in a table.
struct ExplainRow {
  ObjectKey service;
  Heuristic heuristic = Heuristic::kNone;
  std::string policy;  // Auto: of its hints
  bool in_vain = false;
  // Of the address type that is worst off.
  Text address_type;
  HintState::Kind state = HintState::Kind::kOff;
  std::string reason;
  TrafficEstimate traffic;
  std::string fix;  // the best, in short
};
// Nullopt for a Service that is not managed.
std::optional<ExplainRow> RowOf(const Explanation& explanation);
// The rows of all, worst first: asked for in vain, then heeded in some places only, then by
// overload, then by the share of traffic that leaves its zone, then by name.
// What does not ask for hints comes last.
std::vector<ExplainRow> ExplainRows(const std::vector<ReconcileInput>& services,
                                    const std::shared_ptr<const NodeReport>& nodes, const ReconcileConfig& config);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_H_

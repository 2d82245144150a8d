// reconcile(): what to write so that a Service's EndpointSlices are right.
//
// A function from values to a value: it reads no clock, store or socket, does
// not change what it is given, and gives equal output for equal input. The
// rules are those of the EndpointSlice controller in kube-controller-manager
// v1.36 (KEP-752), step by step, so that the number of writes agrees; where
// the reference leaves a choice open (it iterates over unordered maps), ours
// is fixed: slices by name, port groups by their ports, endpoints by name.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_RECONCILE_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_RECONCILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/meta.h"
#include "controllers/topologyhints/hints.h"
#include "controllers/topologyhints/policy.h"
#include "controllers/topologyhints/zone_capacity.h"

namespace epslice {

// Node name -> zone; a node without the zone label has the empty zone. A node
// that is not in here does not exist.
using NodeZones = std::unordered_map<Text, Text>;

struct ReconcileConfig {
  int max_endpoints_per_slice = 100;  // 1..1000
  // The managed-by label of the slices that are ours.
  Text controller_name = Text::Intern(kDefaultControllerName);
  // --hints-policy and its numbers; a Service's annotations go before them.
  HintsOptions hints;
  // For comparing with recorded answers of the reference. Also plan the writes
  // with which it changes nothing: a placeholder that is as it should be, where
  // the slice names its own apiVersion and kind (as in a file, not in a
  // controller's cache); slices hinted anew, only to end with the hints they
  // had. And tell of hints that are on once for a Service, not for each address
  // type. A controller has it off.
  bool as_recorded = false;
  // Nearly as the reference: tell at every sync of hints that cannot be given. (Of a
  // dual-stack Service of which one family gets none it tells of the other at every
  // sync, too.)
  bool repeat_events = false;
  // 0: new endpoints go into slices by the names of their pods. Else in an order
  // drawn from this and the pods' uids: the reference takes them as its maps have
  // them, and whoever compares with it needs an order that names do not tell.
  std::uint64_t new_endpoints_seed = 0;
};

struct ReconcileInput {
  std::shared_ptr<const Service> service;  // not null
  // The pods of the Service's namespace that its selector matches, in key
  // order.
  std::vector<std::shared_ptr<const Pod>> pods;
  // Set: the Service's endpoints are these, and not pods; for a controller of
  // endpoints that are something else. The Service need not have a selector (where
  // it has one, the cluster's own controller writes slices for it, too).
  // Each is written as it is, but for hints, which follow from the Service as ever:
  // conditions that are not said are not said, a nodeName needs no Node. An
  // existing endpoint is known again by its addresses, hostname, and targetRef's
  // kind, namespace and name, if it has one; of several that are so the last counts.
  // Passed over are those whose first address is of no family of the Service's.
  // Ports are the Service's targetPorts; those by name nobody can resolve.
  std::optional<std::vector<Endpoint>> endpoints;
  // The slices labelled as this Service's and as ours, in key order; those being
  // deleted are passed over.
  std::vector<std::shared_ptr<const EndpointSlice>> slices;
  std::shared_ptr<const NodeZones> nodes;  // not null, but where `endpoints` are given
  // The CPU of the zones, for Services that ask for proportional hints; null
  // counts as unusable.
  std::shared_ptr<const ZoneCapacity> capacity;
  // Where the Service's hints stood after its last sync.
  HintStates hints;
  // When what is being written down happened; unset when unknown.
  Timestamp trigger_time;
};

struct SliceWrite {
  enum class Op : std::uint8_t { kCreate, kUpdate, kDelete };
  Op op = Op::kCreate;
  // Writes of one group depend on each other: after a failure the rest of the
  // group is not sent. Each address type is a group.
  int group = 0;
  // As it is to be sent. For a delete: the slice as it is known.
  std::shared_ptr<const EndpointSlice> slice;
};

// An Event about the Service.
struct PlannedEvent {
  Text type;  // "Normal", "Warning"
  Text reason;
  std::string message;
  friend bool operator==(const PlannedEvent&, const PlannedEvent&) = default;
};

// Where a Service's hints stand, for a count of Services.
struct HintSummary {
  HintState::Kind state = HintState::Kind::kOff;
  // Enabled: by what ("Auto", "AutoResilient", "AutoShared", "PreferSameZone",
  // "PreferSameNode"); disabled: a ReasonCode(); off: "NotRequested",
  // "UnknownTrafficDistribution". Points to static text.
  std::string_view reason;
};

// Ready endpoints after a plan by what their hints name.
struct HintCounts {
  std::int64_t zone = 0;
  std::int64_t node = 0;  // also a zone, mostly
  std::int64_t none = 0;
};

// Endpoints whose hints a plan writes anew, otherwise, or no more.
struct HintChanges {
  std::int64_t add = 0;
  std::int64_t change = 0;
  std::int64_t remove = 0;
};

// What is observed in metrics for one sync.
struct PlanMetrics {
  struct PerAddressType {
    Text address_type;
    std::int64_t endpoints_added = 0;
    std::int64_t endpoints_removed = 0;
  };
  std::vector<PerAddressType> per_address_type;
  std::int64_t desired_endpoints = 0;  // over all address types
  std::int64_t desired_slices = 0;     // were they packed as tightly as can be
  std::int64_t actual_slices = 0;      // after this plan
  HintSummary hints;
  HintCounts hinted;
  HintChanges hint_changes;
};

struct Plan {
  ObjectKey service;
  // In the order to send them: by group; in a group creates, updates, deletes.
  std::vector<SliceWrite> writes;
  // To be sent once the writes went through: changes of the state of hints, or
  // of what they fail for, by address type.
  std::vector<PlannedEvent> events;
  // ReconcileInput::hints for the next sync, once the writes went through.
  HintStates hints;
  // Why the sync has to be tried again although the writes are sent: pods on
  // nodes that are not known.
  std::vector<std::string> retry_errors;
  PlanMetrics metrics;
};

// Whether the controller cares for a Service at all: it has a selector and is
// not of type ExternalName. Slices of other Services are left as they are.
bool IsManagedService(const Service& service);

// The address types a Service's slices have ("IPv4", "IPv6"), in that order.
std::vector<Text> AddressTypesOf(const Service& service);

// An empty plan for a Service that is not managed; where endpoints are given, that
// is one of type ExternalName.
Plan Reconcile(const ReconcileInput& input, const ReconcileConfig& config);

// For a Service that is to have no slices of ours any more. Each goes for itself:
// none waits for another.
Plan DeleteSlices(const ObjectKey& service, const std::vector<std::shared_ptr<const EndpointSlice>>& slices);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_RECONCILE_H_

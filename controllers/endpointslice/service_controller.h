// ServiceController: the core of the endpointslice controller, without
// threads, clock or sockets.
//
// A driver owns it: it feeds the stores from its informers, reports each
// change with Observe(), and asks Next() for work. A Job is a snapshot: the
// driver may drop its lock, call Plan() and send the writes, and comes back
// with Complete(). The live program and the simulator drive the same class.
//
//   informer -> stores() -> Observe -> queue -> Next -> Plan -> PlanApplier
//        ^                                                          |
//        +---------------- echo through the watch <-----------------+
//
// Not thread-safe: one lock around all calls, except Plan(), which is pure.
// Time (`now`) never goes back between calls.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_CONTROLLER_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_CONTROLLER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/request.h"
#include "controllers/endpointslice/event_router.h"
#include "controllers/endpointslice/hint_totals.h"
#include "controllers/endpointslice/plan_applier.h"
#include "controllers/endpointslice/reconcile.h"
#include "controllers/endpointslice/service_pods.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "controllers/endpointslice/trigger_times.h"
#include "controllers/topologyhints/hints.h"
#include "controllers/topologyhints/zone_capacity.h"
#include "informers/clock.h"
#include "informers/store.h"
#include "informers/work_queue.h"

namespace epslice {

// After writes that failed for long (a webhook that was away, a full quota) nothing
// else brings a quiet Service back: it is right again within five minutes. (The
// reference doubles up to 1,000 s, with each failure, and gives up after 15.)
inline constexpr Duration kLongestBackoff = std::chrono::minutes(4);

struct ServiceControllerOptions {
  ReconcileConfig reconcile;
  // --endpointslice-updates-batch-period
  Duration batch_period{0};
  // No backoff is longer than kLongestBackoff, but for heed_as_reference.
  WorkQueueOptions queue;
  // For simulating kube-controller-manager beside a recording of it: heed Nodes
  // and pods as it does. It works on no Service because a Node came or its zone
  // changed; takes in the Nodes' CPU and looks at hints anew only when a Node comes,
  // goes, changes zone or flips Ready; and then at Services that have hints, never
  // at those that lost them. What it heeds of pods is said in event_router.h.
  // A controller has it off.
  bool heed_as_reference = false;
  // For shadow.h: nothing is written, and slices that another controller wrote are
  // looked at as soon as they come.
  bool onlooker = false;
  // How long an unseen write is waited for where versions are not numbers.
  Duration stale_patience = std::chrono::minutes(1);
};

// The informers' stores, with the indexes the controller needs.
struct ClusterStores {
  ClusterStores();
  Store<Service> services;
  Store<Pod> pods;
  Store<Node> nodes;
  Store<EndpointSlice> slices;
  int pods_by_node;       // {"", node name}
  int slices_by_service;  // {namespace, service-name label}
};

// One Service to work on.
struct Job {
  enum class Kind : std::uint8_t {
    // Plan `input` and send the writes.
    kSync,
    // A write of the last sync got no answer. Send `verify` (a list of the
    // Service's slices, from the API server itself) and hand over the answer.
    kVerify,
  };
  Kind kind = Kind::kSync;
  ObjectKey service;
  // kSync: without a service when it is gone or not ours; then there is
  // nothing to plan, and Complete() takes an empty outcome.
  ReconcileInput input;
  Request verify;
  std::shared_ptr<const TriggerTimes::State> trigger_state;
  // The changes of the Service or its pods that queued it: since the last sync that
  // succeeded. nullopt: it was queued by something else.
  struct Seen {
    Instant at{0};    // when the first of them was seen
    Timestamp moved;  // the earliest time of a Ready condition, or a creation, that they brought; unset: none
  };
  std::optional<Seen> seen;
};

// How a sync ended: the reference's metric `syncs`.
enum class SyncResult : std::uint8_t { kSuccess, kStale, kError };

class ServiceController {
 public:
  explicit ServiceController(ServiceControllerOptions options);

  // Written by the driver's informers only.
  ClusterStores& stores() { return stores_; }
  const ClusterStores& stores() const { return stores_; }

  // All stores hold a complete list: queues every Service. Before this
  // Observe() takes note but queues nothing.
  void Start(Instant now);
  bool started() const { return started_; }
  // Queues every Service again, as --min-resync-period asks for. Before
  // Start() it does nothing.
  void Resync(Instant now);

  // Somebody else works, until BeginWork(): what changes is his to write, and is
  // forgotten where he does (Job::seen).
  void AwaitWork() { working_ = false; }
  // Work begins now: what is queued waited for nobody until now.
  void BeginWork(Instant now) {
    working_ = true;
    queue_.WaitAnew(now);
  }

  // Queues one Service: somebody wants to look at it again.
  void Queue(const ObjectKey& service, Instant now) { queue_.Add(service, now); }

  // A change that was made to a store.
  void Observe(const Change<Service>& change, Instant now);
  void Observe(const Change<Pod>& change, Instant now);
  void Observe(const Change<Node>& change, Instant now);
  void Observe(const Change<EndpointSlice>& change, Instant now);
  // The slice store has seen everything up to this resourceVersion; after the
  // changes it came with.
  void ObserveSliceVersion(std::string_view resource_version, Instant now);

  // The next Service to work on, if there is one. Each Job is to be
  // completed; a Service is never in two Jobs at once.
  std::optional<Job> Next(Instant now);
  // When Next() could next have something; nullopt: not before a change.
  std::optional<Instant> NextWakeup(Instant now) const { return queue_.NextWakeup(now); }

  // What to write for a kSync job; without a service: nothing. Pure.
  Plan MakePlan(const Job& job) const;

  SyncResult Complete(const Job& job, const Plan& plan, const Outcome& outcome, Instant now);
  SyncResult CompleteVerify(const Job& job, const Response& response, Instant now);

  // What a sync of `service` would be given now, its trigger time aside; of a
  // Service that is not managed only itself. Changes nothing: for who wants to
  // know (explain_reply.h).
  ReconcileInput InputOf(std::shared_ptr<const Service> service) const;

  const WorkQueue<ObjectKey>& queue() const { return queue_; }
  const ServiceControllerOptions& options() const { return options_; }
  struct Counters {
    std::int64_t success = 0, stale = 0, error = 0;
    std::int64_t creates = 0, updates = 0, deletes = 0;
  };
  const Counters& counters() const { return counters_; }
  const HintTotals::Totals& hint_totals() const { return hint_totals_.totals(); }
  // Services that something is remembered of, beside the stores: none of them
  // is to outlive its Service for longer than its last sync.
  struct Remembered {
    std::size_t written = 0, trigger_times = 0, unsure = 0, awaited = 0, hints = 0, queue = 0, seen = 0;
    friend bool operator==(const Remembered&, const Remembered&) = default;
  };
  Remembered remembered() const {
    return {tracker_.size(), trigger_times_.size(), unsure_.size(), awaited_.size(),
            hints_.size(),   queue_.known_size(),   seen_.size()};
  }

 private:
  void Enqueue(const std::vector<Routed>& routed, Instant now);
  void NoteSeen(const std::vector<Routed>& routed, Timestamp moved, Instant now);
  void NoteAgain(const Job& job);
  void NoteZone(const Change<Node>& change);
  // Whether hints of these no longer fit the zones' CPU.
  bool AnyOutdated(const HintStates& states) const;
  // After a sync that wrote all it wanted to.
  void KeepHints(const Job& job, const Plan& plan, Instant now);
  // Queues the Services whose hints no longer fit the zones' CPU.
  void QueueOutdatedHints(Instant now);
  // Slices labelled as the Service's and as ours.
  std::vector<std::shared_ptr<const EndpointSlice>> SlicesOf(const ObjectKey& key) const;
  ReconcileInput MakeInput(const ObjectKey& key, std::shared_ptr<const Service> service,
                           std::vector<std::shared_ptr<const EndpointSlice>> slices) const;
  Job MakeSync(const ObjectKey& key, std::shared_ptr<const Service> service,
               std::vector<std::shared_ptr<const EndpointSlice>> slices);
  Job MakeVerify(const ObjectKey& key) const;
  bool InStore(const EndpointSlice& slice) const;
  // What came early and is no echo of the job's writes, now that they are known.
  void QueueNews(const ObjectKey& service, const Outcome& outcome, Instant now);
  void Retry(const ObjectKey& key, Instant now, Duration at_least = Duration(0));
  // The store lags behind what was written: tries later.
  void AwaitSlices(const ObjectKey& key, Instant now);
  using Awaited = std::unordered_map<ObjectKey, std::uint64_t>::node_type;
  // Empty: it was not awaited.
  Awaited StopAwaiting(const ObjectKey& key);
  // The store has caught up: what was put off for that is due soon, however
  // long it was put off for.
  void EndAwait(const ObjectKey& awaited, Instant now);

  const ServiceControllerOptions options_;
  ClusterStores stores_;
  ServicePods service_pods_;
  EventRouter router_;
  SliceTracker tracker_;
  TriggerTimes trigger_times_;
  WorkQueue<ObjectKey> queue_;
  // Services whose last sync sent a write that got no answer.
  std::unordered_set<ObjectKey> unsure_;
  // Changes of slices that came while their Service was worked on, and may be
  // the echo of a write whose answer is still on its way.
  struct Early {
    std::shared_ptr<const EndpointSlice> slice;
    bool deleted = false;
    Instant due{0};  // if it is news
  };
  std::unordered_map<ObjectKey, std::vector<Early>> early_;
  // Services that were put off because the store lags: by the version that it
  // has to have seen (0: a deletion, or no number), and the other way round.
  std::set<std::pair<std::uint64_t, ObjectKey>> awaiting_;
  std::unordered_map<ObjectKey, std::uint64_t> awaited_;
  // Copied on write while a job holds it.
  std::shared_ptr<NodeZones> zones_ = std::make_shared<NodeZones>();
  ZoneCapacities capacities_;
  // What hints are made from: that of now, but for heed_as_reference.
  std::shared_ptr<const ZoneCapacity> capacity_ = capacities_.snapshot();
  // Of Services that ask for proportional hints. In order, since a change of
  // the nodes goes through all of them and queues some.
  std::map<ObjectKey, HintStates> hints_;
  HintTotals hint_totals_;
  std::unordered_map<ObjectKey, Job::Seen> seen_;  // of Services that are queued
  bool working_ = true;
  bool started_ = false;
  Counters counters_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_CONTROLLER_H_

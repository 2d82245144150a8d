// RunObserver: what a simulation tells of itself, as it happens.
//
// The recorder, the data plane and the digest are observers; nothing they do
// changes the run. Calls come in the order of virtual time, from one thread.
#ifndef EPSLICE_SIM_ENGINE_OBSERVER_H_
#define EPSLICE_SIM_ENGINE_OBSERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "apis/request.h"
#include "controllers/endpointslice/service_controller.h"
#include "informers/clock.h"

namespace epslice::sim {

// A change that the API server committed, by whomever.
struct Commit {
  Instant at{0};
  WatchEventType type = WatchEventType::kAdded;  // added, modified, deleted
  AnyObject object;                              // of a delete: as it was last
  // It came with the controller's own write; for EndpointSlices only.
  bool by_controller = false;
  // By nobody whom the simulation runs: a client of a server that is shared.
  bool outside = false;
  // Part of the start state: it was there at instant 0.
  bool start = false;
};

// A write of the controller, once its answer is back.
struct ControllerWrite {
  ObjectKey service;
  Verb verb = Verb::kCreate;
  Instant planned{0};    // the sync that made it began
  Instant sent{0};       // its token of the client's rate limit was there
  Instant committed{0};  // the API server handled it
  Instant answered{0};
  Status status;
  // The slice as the API server answered it; of a delete, as it was. Null when
  // refused.
  std::shared_ptr<const EndpointSlice> slice;
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnCommit(const Commit& /*commit*/) {}
  virtual void OnWrite(const ControllerWrite& /*write*/) {}
  // A sync ended. `queued`: since when the Service had been due.
  virtual void OnSync(const Job& /*job*/, const Plan& /*plan*/, const Outcome& /*outcome*/, SyncResult /*result*/,
                      Instant /*queued*/, Instant /*begun*/, Instant /*ended*/) {}
  // `count` syncs were put off: the controller's cache did not show its own last
  // write yet. It works on these Services again after a backoff.
  virtual void OnPutOff(Instant /*now*/, std::int64_t /*count*/) {}
  // The depth of the controller's queue changed.
  virtual void OnQueue(Instant /*now*/, std::size_t /*ready*/, std::size_t /*delayed*/, std::size_t /*processing*/) {}
  // What the API server does not know, or not yet. A pod's process takes
  // connections from when it is ready first until it is gone, unless this says
  // otherwise (it stopped listening on SIGTERM); a node's machine is up unless
  // this says otherwise, and with it all of its pods.
  virtual void OnPodServing(Instant /*now*/, const ObjectKey& /*pod*/, bool /*serving*/) {}
  virtual void OnNodeUp(Instant /*now*/, const Text& /*node*/, bool /*up*/) {}
  // Somebody noted that something of interest began: "zoneOutage a". For
  // timelines; not part of the digest's meaning.
  virtual void OnNote(Instant /*now*/, const std::string& /*text*/) {}
  // The run is over; no call follows.
  virtual void OnEnd(Instant /*now*/) {}
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_ENGINE_OBSERVER_H_

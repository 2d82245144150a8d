// MemoryApiServer: an API server in memory, behind the Request/Response seam.
//
// What kubectl, kubelets and controllers see of a kube-apiserver v1.36 for the
// kinds in apis/kind.h: uids, resourceVersions, generations, generateName,
// optimistic locking, graceful deletion of pods, garbage collection through
// ownerReferences, selectors, paging, watches with bookmarks and a bounded
// history. The same object serves the simulator (typed objects, virtual time)
// and sim/serve (JSON, HTTP).
//
// Objects that come with JSON (AnyObject::json) keep all their fields; objects
// that come as structs alone stay structs, which is what makes simulations
// fast. Every answer has the struct; it has JSON where the object was stored
// with JSON.
//
// How it differs from the real one, on purpose:
// - A create keeps the status it was given (there may be no kubelet), ignores
//   a resourceVersion, and takes a cluster IP outside the range: manifests and
//   dumps of other clusters can be created as they are.
// - An update by struct alone (no JSON) takes spec and status together: its
//   sender is a simulation, kubelet and user at once. With the subresource
//   "status" it takes the status only. Updates with JSON follow the real rule.
//   A struct over an object stored with JSON changes what the struct knows and
//   leaves the rest.
// - Garbage collection and the emptying of a namespace happen before Handle()
//   returns, as changes of their own after the one that was asked for. Owners
//   of kinds we do not store are taken to exist.
// - At most 100 ports in an EndpointSlice, the documented limit.
// - No managedFields are made; those that come along are kept. No admission
//   plugins: no default tolerations, no taints on new nodes.
// - A list page shows the version its token names as long as the history
//   reaches back to it; older tokens are 410, with a token for the inconsistent
//   rest in Response.list.continueToken.
// - A delete answers with the object as it was last, whether or not the real
//   server would send a Status; details are filled in for both.
//
// Thread-safety: all public functions may be called from any thread; watch
// callbacks run under the server's lock, in the thread that made the change,
// and must not call back into the server.
// Determinism: uids, generated names and cluster IPs come from the seed; time
// from the clock; so equal calls give equal bytes.
#ifndef EPSLICE_SIM_CLUSTER_MEMORY_API_SERVER_H_
#define EPSLICE_SIM_CLUSTER_MEMORY_API_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "sim/cluster/service_defaults.h"

namespace epslice::sim {

struct MemoryApiServerOptions {
  std::uint64_t seed = 1;
  // Watch history kept, in events over all kinds; a watch from before it gets
  // 410 Expired.
  std::size_t history = 100'000;
  // And at most about so many bytes: large EndpointSlices leave fewer events.
  std::size_t history_bytes = std::size_t{256} << 20;
  // Created on first use, as if by an operator: objects may come in any order.
  // False: a create in an unknown namespace is 404.
  bool create_missing_namespaces = false;
  // Pods whose node has no kubelet: bound pods asked to go stay until somebody
  // deletes them with grace period 0. True: the server plays the kubelet and
  // removes them when their time is over (see Advance()).
  bool end_graceful_deletions = true;
  // False: EndpointSlices whose Service is gone stay until somebody deletes them,
  // as where no garbage collector runs.
  bool collect_slices = true;
  std::string service_cidr{kServiceCidr};
  std::string service_cidr_v6{kServiceCidrV6};
};

class MemoryApiServer {
 public:
  // `clock` must outlive the server.
  MemoryApiServer(const Clock* clock, MemoryApiServerOptions options = {});
  ~MemoryApiServer();
  MemoryApiServer(const MemoryApiServer&) = delete;
  MemoryApiServer& operator=(const MemoryApiServer&) = delete;

  // Everything but watch; answers at once. A delete without a name deletes what
  // the list options select; Response.list has what it deleted.
  Response Handle(const Request& request);

  // Puts an object of a dump in place as it is: its uid, generation,
  // timestamps and resourceVersion (as far as it is a number) are kept, and
  // no watch event is sent. For the start state, before the first watch.
  absl::Status Load(const AnyObject& object);
  // Goes on from at least this version, as a server does that is started again
  // on what it had stored: the latest change may have been a delete, which no
  // object tells of. Watches from before it are expired.
  void LoadVersion(std::uint64_t version);

  // A change of somebody else's cluster, as a recording shows it: the object is
  // put in place, or removed, as it is; its uid, times, generation and deletion
  // are kept, without rules, defaults or graces. It gets a version here, and
  // the watches hear of it; what it leaves behind is collected as ever. An
  // object without uid keeps the one it has, or gets one; under another uid it
  // takes the place of a deleted one. What changes nothing is no change, unless
  // `always`: what changed may be a field that we do not keep. Nor is a delete of
  // what is not there. InvalidArgument as for Load().
  absl::Status Replay(WatchEventType type, const AnyObject& object, bool always = false);

  // A running watch; destroy it to stop. After destruction no callback runs.
  class WatchHandle {
   public:
    virtual ~WatchHandle() = default;
  };
  using WatchCallback = std::function<void(const WatchEvent&)>;
  // Starts a watch (verb kWatch): first what happened since
  // request.list.resourceVersion (or, with "" / "0" / sendInitialEvents, the
  // present objects as ADDED, closed by a bookmark where asked for), then what
  // happens, as filtered by the selectors (an object that leaves a selector is
  // a DELETED, one that enters it an ADDED). `status` is an error (400, 410,
  // 422, 504) where the watch cannot start; the handle is null then. A handle
  // may outlive the server; it must not be destroyed inside a callback.
  std::unique_ptr<WatchHandle> Watch(const Request& request, WatchCallback callback, Status* status);

  // Sends a bookmark to every watch that asked for them (the HTTP server does
  // about once a minute).
  void SendBookmarks();

  // Does what is due: pods whose grace period is over are removed. Returns
  // when something will be due next.
  std::optional<Instant> Advance();

  // The version of the latest change.
  std::uint64_t resource_version() const;

  // Writes handled, by verb, for statistics.
  struct WriteCounts {
    std::int64_t creates = 0, updates = 0, patches = 0, deletes = 0;
  };
  WriteCounts write_counts(Kind kind) const;

  // Forgets all watch history, as etcd compaction does: a watch from before
  // the present gets 410.
  void CompactHistory();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_MEMORY_API_SERVER_H_

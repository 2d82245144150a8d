// The inside of MemoryApiServer. Its functions run under the server's lock,
// which memory_api_server.cc takes; they are spread over
//   memory_api_server.cc  the public face, dispatch, namespaces, loading
//   server_reads.cc       get, list, watch
//   server_create.cc      create, bind; uids and names
//   server_replace.cc     update, patch
//   server_replay.cc      changes as a recording shows them
//   server_deletes.cc     delete, graceful ends, garbage collection
#ifndef EPSLICE_SIM_CLUSTER_SERVER_IMPL_H_
#define EPSLICE_SIM_CLUSTER_SERVER_IMPL_H_

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "informers/random.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/cluster/object_store.h"
#include "sim/cluster/service_defaults.h"
#include "sim/cluster/stamp.h"
#include "sim/cluster/watch_hub.h"

namespace epslice::sim {

// The lock and the watches: shared with the handles, so that a handle may be
// destroyed after the server.
struct WatchState {
  std::mutex mu;
  WatchHub hub;
};

struct MemoryApiServer::Impl {
  Impl(const Clock* server_clock, MemoryApiServerOptions server_options);

  Response Handle(const Request& request);
  Response Dispatch(const Request& request);
  absl::Status Load(const AnyObject& object);
  absl::Status Replay(WatchEventType type, const AnyObject& object, bool always);
  std::optional<Instant> Advance();

  // Reads.
  Response Get(const Request& request) const;
  Response List(const Request& request) const;
  Status StartWatch(const Request& request, WatchCallback callback, std::uint64_t* id);

  // Writes.
  Response Create(const Request& request);
  // Allocates for and commits a new object; `doc`: its document, or null.
  Response FinishCreate(Record record, nlohmann::json* doc);
  Response Update(const Request& request);
  Response Patch(const Request& request);
  // An object that replaces the one at `key`; `subresource` as in Request.
  Response Replace(Kind kind, const ObjectKey& key, const std::string& subresource, const AnyObject& object);
  Response ReplaceTyped(const Record& stored, const std::string& subresource, const AnyObject& object);
  Response ReplaceJson(const Record& stored, const std::string& subresource, const AnyObject& object);
  // Validates, allocates and commits the new state of a stored object.
  Response FinishReplace(const Record& stored, Record next);
  Response Bind(const Request& request);

  // The name in *key is empty: a free one for the prefix. False: none found.
  bool GenerateName(Kind kind, const std::string& prefix, ObjectKey* key);
  Text NewUid();
  // An error where the namespace is absent or going.
  std::optional<Status> CheckNamespace(Kind kind, const Text& namespace_name, std::string_view object_name);
  void MakeNamespace(const Text& name);

  // Deletes.
  Response Delete(const Request& request);
  Response DeleteCollection(const Request& request);
  Response Evict(const Request& request);
  Response DeleteObject(Kind kind, const ObjectKey& key, const DeleteOptions& options);
  Response DeletePod(const ObjectKey& key, const Record& stored, const DeleteOptions& options);
  Response DeleteNamespace(const ObjectKey& key, const Record& stored);
  // Marks an object that finalizers keep.
  Response MarkDeleted(const Record& stored, std::vector<Text> finalizers);
  // The last state of the object, as it was removed.
  AnyObject Remove(const Record& stored, const ServerEdit& edit);

  // Stores a record that carries next_version() and tells the watches. In a dry
  // run it hands out what would be stored, as Remove() does, and that is all.
  AnyObject Commit(Record record);
  // Commits a change of the server's own; an object whose deletion was asked
  // for and that nothing keeps any more is removed instead.
  AnyObject CommitEdit(const Record& stored, const ServerEdit& edit);
  static bool MayGo(const Record& record);
  void ScheduleEnd(const Record& record, Instant due);

  // Background work: what a change leaves behind for the garbage collector and
  // the namespace controller. Done before Handle() returns.
  void RunBackground();
  void CollectIfOrphan(const ObjectStore::Dependent& object);
  bool OwnerExists(const OwnerReference& owner, const Text& namespace_name) const;
  void FinishForeground(const ObjectStore::Dependent& owner);
  void OrphanDependents(const Text& uid);
  void EmptyNamespace(const Text& name);

  Timestamp Now() const { return WholeSeconds(clock->WallNow()); }
  WriteCounts& Counts(Kind kind) { return counts[static_cast<std::size_t>(kind)]; }

  const Clock* const clock;
  const MemoryApiServerOptions options;
  const std::shared_ptr<WatchState> watches = std::make_shared<WatchState>();
  ObjectStore store;
  ServiceAddresses addresses;
  Random uids;
  Random names;
  std::array<WriteCounts, kAllKinds.size()> counts{};
  // Ends of grace periods: when, and whose (key and uid: the name may have
  // been taken by another pod since).
  std::set<std::tuple<Instant, ObjectKey, Text>> ends;
  // Background work, in the order it came up.
  struct Chore {
    enum class What { kCollect, kForeground, kNamespace } what;
    ObjectStore::Dependent object;
  };
  std::deque<Chore> chores;
  // During a request with dryRun.
  bool dry_run = false;
};

// Statuses that have no builder in apis/request.h.
Status StatusForbidden(Kind kind, std::string_view name, std::string_view why);
Status StatusMethodNotAllowed();
Response ErrorResponse(Status status);

// Kinds whose generation the API server counts.
inline bool HasGeneration(Kind kind) { return kind == Kind::kPod || kind == Kind::kEndpointSlice; }

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_SERVER_IMPL_H_

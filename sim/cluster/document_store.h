// DocumentStore: objects that are kept whole and read by nobody but clients
// and authorization (document_kinds.h).
//
// They can be listed (in pages, in one state), watched, got, created, updated,
// patched and deleted as at a kube-apiserver v1.36, with uids, resourceVersions
// (of a count of their own) and optimistic locking; Roles and bindings are
// validated, and take effect at once. How it differs, on purpose: no garbage
// collection, so that objects of a deleted namespace, or with owners, stay;
// whoever may write roles may write any (no check against escalation);
// aggregationRules are kept and not carried out.
//
// Thread-safe. Deterministic: uids come from the seed, time from the clock.
#ifndef EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_H_
#define EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "sim/cluster/document_kinds.h"
#include "sim/cluster/rbac.h"

namespace epslice::sim {

struct DocumentRequest {
  Verb verb = Verb::kGet;  // but kWatch, which Watch() is for
  const DocumentKind* kind = nullptr;
  std::string namespace_;
  std::string name;  // "" with kDelete: all that is selected
  std::string body;  // create, update: JSON; patch
  PatchType patch_type = PatchType::kMerge;
  // List, watch, delete without a name. Fields are metadata.name and
  // metadata.namespace.
  ListOptions list;
  DeleteOptions deletion;  // its preconditions count
  bool dry_run = false;    // as Request::dryRun
};

struct DocumentAnswer {
  Status status;     // 200, 201 or what is wrong
  std::string json;  // the object or list; after a delete the Status
};

// What a watch is told.
struct DocumentEvent {
  WatchEventType type = WatchEventType::kAdded;
  std::shared_ptr<const std::string> json;  // the object; null for a bookmark
  std::string resource_version;
  bool initial_events_end = false;  // of a bookmark: here the present objects end
};

class DocumentStore {
 public:
  // More objects are refused with 507.
  static constexpr std::size_t kMaxDocuments = 100'000;
  // Changes that are kept for watches and for lists of states before.
  static constexpr std::size_t kMaxChanges = 4096;

  // `clock` must outlive this.
  DocumentStore(const Clock* clock, std::uint64_t seed);
  ~DocumentStore();
  DocumentStore(const DocumentStore&) = delete;
  DocumentStore& operator=(const DocumentStore&) = delete;

  DocumentAnswer Handle(const DocumentRequest& request);

  // A running watch; destroy it to stop, but not inside a callback. After that no
  // callback runs. Not after the store.
  class WatchHandle {
   public:
    virtual ~WatchHandle() = default;
  };
  using WatchCallback = std::function<void(const DocumentEvent&)>;
  // As MemoryApiServer::Watch(). A request with a name watches that object alone.
  std::unique_ptr<WatchHandle> Watch(const DocumentRequest& request, WatchCallback callback, Status* status);
  // To every watch that asked for them.
  void SendBookmarks();

  // Every object, whole, in the order of DocumentKinds() and then by name.
  std::vector<std::string> All() const;

  // Puts an object of a dump in place with the uid, times and (as far as it is
  // a number) resourceVersion it has; one of the
  // same name is replaced. InvalidArgument: "ClusterRole x: rules[0].verbs: ...".
  absl::Status Load(const DocumentKind& kind, std::string_view json);
  // The roles and bindings that every kube-apiserver makes at its start and
  // that are of use here: cluster-admin for system:masters, discovery, health
  // and reviews of oneself for all who are known, system:auth-delegator.
  void LoadBootstrapPolicy();

  AccessDecision Decide(const UserInfo& user, const AccessAttributes& attributes) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_H_

// ObjectStore: the objects of the in-memory API server, ordered by key, under
// one version counter, with the last changes kept for watches.
//
// Every change gets the next version and one history entry, as in etcd; the
// version of an object is that of its last change.
// Not thread-safe: used under the server's lock.
#ifndef EPSLICE_SIM_CLUSTER_OBJECT_STORE_H_
#define EPSLICE_SIM_CLUSTER_OBJECT_STORE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apis/meta.h"
#include "apis/object.h"
#include "apis/request.h"

namespace epslice::sim {

// The server-managed metadata that a Pod struct has no room for; for other
// kinds a copy of what is in their ObjectMeta.
struct Extras {
  std::int64_t generation = 0;
  std::optional<std::int64_t> deletionGracePeriodSeconds;
  std::vector<OwnerReference> ownerReferences;
  std::vector<Text> finalizers;
};

struct Record {
  AnyObject object;
  Extras extras;
};

// One change. kAdded: no `before`. kDeleted: `object` is the last state,
// carrying the version of the delete.
struct HistoryEntry {
  std::uint64_t version = 0;
  WatchEventType type = WatchEventType::kAdded;
  AnyObject object;
  AnyObject before;
};

class ObjectStore {
 public:
  using Objects = std::map<ObjectKey, Record>;
  using Dependent = std::pair<Kind, ObjectKey>;

  // Keeps the last `history` changes, as far as they fit in about
  // `history_bytes`.
  ObjectStore(std::size_t history, std::size_t history_bytes) : capacity_(history), byte_capacity_(history_bytes) {}

  std::uint64_t version() const { return version_; }
  // The version the next change will have.
  std::uint64_t next_version() const { return version_ + 1; }

  const Objects& objects(Kind kind) const { return objects_[static_cast<std::size_t>(kind)]; }
  // Null when absent. Valid until the object is changed.
  const Record* Find(Kind kind, const ObjectKey& key) const;

  // Adds or replaces. record.object must carry next_version(). The entry is
  // valid until the next change.
  const HistoryEntry& Put(Record record);
  // Removes what `last` names; `last` must carry next_version().
  const HistoryEntry& Erase(AnyObject last);
  // Puts an object in place with the version it carries, without history: the
  // store's version is never below it, and watches from before it are expired.
  void Load(Record record, std::uint64_t object_version);
  // The version of the whole, where it may be later than any object's.
  void LoadVersion(std::uint64_t version);

  // Objects that name `uid` as an owner, in order.
  std::vector<Dependent> DependentsOf(const Text& uid) const;

  // Changes after version `since` can be told when since >= oldest().
  std::uint64_t oldest() const { return oldest_; }
  // The changes after `since`, oldest first.
  std::deque<HistoryEntry>::const_iterator ChangesAfter(std::uint64_t since) const;
  std::deque<HistoryEntry>::const_iterator changes_end() const { return history_.end(); }
  // Forgets all history.
  void Compact();

  // What differed at `version` (>= oldest()) from now: the state then of each
  // object of the kind that changed since; without a value: it did not exist.
  std::map<ObjectKey, AnyObject> DifferencesAt(std::uint64_t version, Kind kind) const;

 private:
  void Index(const Dependent& dependent, const std::vector<OwnerReference>& owners, bool add);
  const HistoryEntry& Append(HistoryEntry entry);

  const std::size_t capacity_;
  const std::size_t byte_capacity_;
  std::size_t bytes_ = 0;  // of history_, estimated
  std::uint64_t version_ = 0;
  std::uint64_t oldest_ = 0;
  std::array<Objects, kAllKinds.size()> objects_;
  std::deque<HistoryEntry> history_;
  std::unordered_map<Text, std::set<Dependent>> dependents_;  // looked up only
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_OBJECT_STORE_H_

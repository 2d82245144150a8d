#include "sim/cluster/object_store.h"

#include <algorithm>

namespace epslice::sim {
namespace {

// What keeping one version of an object costs, roughly.
std::size_t BytesOf(const AnyObject& object) {
  std::size_t bytes = 512;
  if (auto slice = object.As<EndpointSlice>()) bytes += slice->endpoints.size() * (sizeof(Endpoint) + 64);
  if (object.json() != nullptr) bytes += object.json()->size();
  return bytes;
}

}  // namespace

const Record* ObjectStore::Find(Kind kind, const ObjectKey& key) const {
  const Objects& of_kind = objects(kind);
  auto it = of_kind.find(key);
  return it == of_kind.end() ? nullptr : &it->second;
}

void ObjectStore::Index(const Dependent& dependent, const std::vector<OwnerReference>& owners, bool add) {
  for (const OwnerReference& owner : owners) {
    if (add) {
      dependents_[owner.uid].insert(dependent);
      continue;
    }
    auto it = dependents_.find(owner.uid);
    if (it == dependents_.end()) continue;
    it->second.erase(dependent);
    if (it->second.empty()) dependents_.erase(it);
  }
}

const HistoryEntry& ObjectStore::Append(HistoryEntry entry) {
  version_ = entry.version;
  bytes_ += BytesOf(entry.object);
  history_.push_back(std::move(entry));
  // The newest entry stays until the next change even when none are kept: the
  // caller is still looking at it.
  while (history_.size() > 1 && (history_.size() > capacity_ || bytes_ > byte_capacity_)) {
    oldest_ = history_.front().version;
    bytes_ -= BytesOf(history_.front().object);
    history_.pop_front();
  }
  if (capacity_ == 0) oldest_ = version_;
  return history_.back();
}

const HistoryEntry& ObjectStore::Put(Record record) {
  const Kind kind = record.object.kind();
  HistoryEntry entry{next_version(), WatchEventType::kAdded, record.object, {}};
  Objects& of_kind = objects_[static_cast<std::size_t>(kind)];
  ObjectKey key = KeyOf(record.object.meta());
  auto it = of_kind.lower_bound(key);
  if (it != of_kind.end() && it->first == key) {
    entry.type = WatchEventType::kModified;
    entry.before = std::move(it->second.object);
    if (it->second.extras.ownerReferences != record.extras.ownerReferences) {
      Index({kind, key}, it->second.extras.ownerReferences, false);
      Index({kind, key}, record.extras.ownerReferences, true);
    }
    it->second = std::move(record);
  } else {
    Index({kind, key}, record.extras.ownerReferences, true);
    of_kind.emplace_hint(it, std::move(key), std::move(record));
  }
  return Append(std::move(entry));
}

const HistoryEntry& ObjectStore::Erase(AnyObject last) {
  const Kind kind = last.kind();
  HistoryEntry entry{next_version(), WatchEventType::kDeleted, std::move(last), {}};
  Objects& of_kind = objects_[static_cast<std::size_t>(kind)];
  auto it = of_kind.find(KeyOf(entry.object.meta()));
  if (it != of_kind.end()) {
    Index({kind, it->first}, it->second.extras.ownerReferences, false);
    entry.before = std::move(it->second.object);
    of_kind.erase(it);
  }
  return Append(std::move(entry));
}

void ObjectStore::Load(Record record, std::uint64_t object_version) {
  const Kind kind = record.object.kind();
  const ObjectKey key = KeyOf(record.object.meta());
  Record& place = objects_[static_cast<std::size_t>(kind)][key];
  Index({kind, key}, place.extras.ownerReferences, false);
  Index({kind, key}, record.extras.ownerReferences, true);
  place = std::move(record);
  version_ = std::max(version_, object_version);
  Compact();
}

void ObjectStore::LoadVersion(std::uint64_t version) {
  version_ = std::max(version_, version);
  Compact();
}

std::vector<ObjectStore::Dependent> ObjectStore::DependentsOf(const Text& uid) const {
  auto it = dependents_.find(uid);
  if (it == dependents_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

std::deque<HistoryEntry>::const_iterator ObjectStore::ChangesAfter(std::uint64_t since) const {
  return std::upper_bound(history_.begin(), history_.end(), since,
                          [](std::uint64_t version, const HistoryEntry& entry) { return version < entry.version; });
}

void ObjectStore::Compact() {
  history_.clear();
  bytes_ = 0;
  oldest_ = version_;
}

std::map<ObjectKey, AnyObject> ObjectStore::DifferencesAt(std::uint64_t version, Kind kind) const {
  // The first change of a key after `version` knows what was there before it.
  std::map<ObjectKey, AnyObject> then;
  for (auto it = ChangesAfter(version); it != history_.end(); ++it) {
    if (it->object.kind() == kind) then.try_emplace(KeyOf(it->object.meta()), it->before);
  }
  return then;
}

}  // namespace epslice::sim

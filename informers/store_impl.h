// The bodies of store.h.
#ifndef EPSLICE_INFORMERS_STORE_IMPL_H_
#define EPSLICE_INFORMERS_STORE_IMPL_H_

#include <algorithm>
#include <iterator>
#include <utility>

#include "informers/store.h"

namespace epslice {

template <typename T>
std::size_t Store<T>::Hash::operator()(const KeyView& k) const {
  const std::hash<std::string_view> hash;
  return hash(k.namespace_) * 0x9e3779b97f4a7c15U ^ hash(k.name);
}

template <typename T>
int Store<T>::AddIndex(IndexFn fn) {
  indexes_.push_back(Index{std::move(fn), {}});
  return static_cast<int>(indexes_.size()) - 1;
}

template <typename T>
Change<T> Store<T>::Apply(Ptr object) {
  Change<T> change{nullptr, object};
  auto it = objects_.find(object);
  if (it != objects_.end()) {
    change.before = *it;
    objects_.erase(it);
  }
  Reindex(change.before, object);
  objects_.insert(std::move(object));
  return change;
}

template <typename T>
Change<T> Store<T>::Remove(const ObjectKey& key) {
  auto it = objects_.find(key);
  if (it == objects_.end()) return {};
  Change<T> change{*it, nullptr};
  objects_.erase(it);
  Reindex(change.before, nullptr);
  return change;
}

template <typename T>
bool Store<T>::SameVersion(const T& a, const T& b) {
  // No version says nothing about being the same.
  return !a.metadata.resourceVersion.empty() && a.metadata.resourceVersion == b.metadata.resourceVersion &&
         a.metadata.uid == b.metadata.uid;
}

template <typename T>
bool Store<T>::HasVersion(const T& object) const {
  auto it = objects_.find(KeyOf(object.metadata));
  return it != objects_.end() && SameVersion(**it, object);
}

template <typename T>
std::vector<Change<T>> Store<T>::Replace(std::vector<Ptr> objects) {
  const Less less;
  if (!std::is_sorted(objects.begin(), objects.end(), less)) std::stable_sort(objects.begin(), objects.end(), less);
  // A key that comes twice (pages of a list that moved on between them): the
  // later one is the newer.
  auto end = objects.begin();
  for (Ptr& object : objects) {
    if (end != objects.begin() && !less(*std::prev(end), object)) {
      *std::prev(end) = std::move(object);
    } else if (&*end != &object) {
      *end++ = std::move(object);
    } else {
      ++end;
    }
  }
  objects.erase(end, objects.end());

  std::vector<Change<T>> changes;
  auto next = objects.begin();
  for (const Ptr& old : List()) {
    while (next != objects.end() && less(*next, old)) ++next;
    if (next == objects.end() || less(old, *next)) changes.push_back(Remove(KeyOf(old->metadata)));
  }
  if (objects_.empty()) {
    objects_.reserve(objects.size());
    changes.reserve(objects.size());
  }
  for (Ptr& object : objects) {
    if (HasVersion(*object)) continue;
    changes.push_back(Apply(std::move(object)));
  }
  return changes;
}

template <typename T>
typename Store<T>::Ptr Store<T>::Get(const ObjectKey& key) const {
  auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : *it;
}

template <typename T>
template <typename Fn>
void Store<T>::VisitByIndex(int index, const ObjectKey& key, Fn fn) const {
  const auto& members = indexes_[static_cast<std::size_t>(index)].members;
  auto it = members.find(key);
  if (it == members.end()) return;
  for (const Ptr& object : it->second) fn(object);
}

template <typename T>
std::vector<typename Store<T>::Ptr> Store<T>::ByIndex(int index, const ObjectKey& key) const {
  std::vector<Ptr> result;
  result.reserve(CountByIndex(index, key));
  VisitByIndex(index, key, [&result](const Ptr& object) { result.push_back(object); });
  return result;
}

template <typename T>
std::size_t Store<T>::CountByIndex(int index, const ObjectKey& key) const {
  const auto& members = indexes_[static_cast<std::size_t>(index)].members;
  auto it = members.find(key);
  return it == members.end() ? 0 : it->second.size();
}

template <typename T>
std::vector<typename Store<T>::Ptr> Store<T>::List() const {
  std::vector<Ptr> result(objects_.begin(), objects_.end());
  std::sort(result.begin(), result.end(), Less());
  return result;
}

template <typename T>
void Store<T>::Reindex(const Ptr& before, const Ptr& after) {
  std::vector<ObjectKey> old_keys;
  std::vector<ObjectKey> new_keys;
  for (Index& index : indexes_) {
    old_keys.clear();
    new_keys.clear();
    if (before != nullptr) index.fn(*before, &old_keys);
    if (after != nullptr) index.fn(*after, &new_keys);
    for (const ObjectKey& key : old_keys) {
      auto it = index.members.find(key);
      if (it == index.members.end()) continue;
      it->second.erase(before);
      // Kept when the new version goes to the same place, as nearly all do.
      if (it->second.empty() && std::find(new_keys.begin(), new_keys.end(), key) == new_keys.end()) {
        index.members.erase(it);
      }
    }
    for (const ObjectKey& key : new_keys) {
      auto& members = index.members[key];
      // A list comes in key order, so the end is the likely place.
      members.insert(members.end(), after);
    }
  }
}

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_STORE_IMPL_H_

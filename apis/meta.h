// What every Kubernetes object carries (meta/v1): names, versions, labels,
// times, owners. Plain values without behaviour beyond look-up and comparison.
#ifndef EPSLICE_APIS_META_H_
#define EPSLICE_APIS_META_H_

#include <atomic>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/text.h"

namespace epslice {

// A point in wall-clock time: nanoseconds since 1970-01-01T00:00:00Z, or unset
// (JSON null, absent, or Go's zero time 0001-01-01T00:00:00Z). Unset sorts
// before every time. Reading and printing: apis/time_format.h.
struct Timestamp {
  static constexpr std::int64_t kUnset = std::numeric_limits<std::int64_t>::min();
  std::int64_t nanos = kUnset;

  static constexpr Timestamp FromSeconds(std::int64_t s) { return Timestamp{s * 1'000'000'000}; }
  constexpr bool is_set() const { return nanos != kUnset; }
  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// An immutable map of strings (labels, annotations, match labels), sorted by
// key, shared by copies; the empty map allocates nothing.
class StringMap {
 public:
  using Entry = std::pair<Text, Text>;
  using const_iterator = const Entry*;

  StringMap() = default;
  // Sorts by key; of equal keys the last one wins.
  explicit StringMap(std::vector<Entry> entries);
  StringMap(std::initializer_list<Entry> entries);

  StringMap(const StringMap& other) noexcept : rep_(other.rep_) { Ref(rep_); }
  StringMap(StringMap&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  StringMap& operator=(const StringMap& other) noexcept {
    Ref(other.rep_);
    Unref(std::exchange(rep_, other.rep_));
    return *this;
  }
  StringMap& operator=(StringMap&& other) noexcept {
    if (this != &other) Unref(std::exchange(rep_, std::exchange(other.rep_, nullptr)));
    return *this;
  }
  ~StringMap() { Unref(rep_); }

  const_iterator begin() const { return rep_ == nullptr ? nullptr : rep_->entries(); }
  const_iterator end() const { return rep_ == nullptr ? nullptr : rep_->entries() + rep_->size; }
  std::size_t size() const { return rep_ == nullptr ? 0 : rep_->size; }
  bool empty() const { return rep_ == nullptr; }

  // The value of `key`, or null. Valid as long as this map or a copy of it.
  const Text* Find(std::string_view key) const;
  bool Contains(std::string_view key) const { return Find(key) != nullptr; }
  // The value of `key`, or the empty text.
  std::string_view Get(std::string_view key) const {
    const Text* v = Find(key);
    return v == nullptr ? std::string_view() : v->view();
  }
  // A copy of this map with `key` set, or removed.
  StringMap With(Text key, Text value) const;
  StringMap Without(std::string_view key) const;

  friend bool operator==(const StringMap& a, const StringMap& b);

 private:
  // Header of one allocation; the entries follow it. A pod has a map of its
  // own, so the two allocations of a shared_ptr to a vector would show.
  struct Rep {
    std::atomic<std::uint32_t> refs;
    std::uint32_t size;
    const Entry* entries() const noexcept { return reinterpret_cast<const Entry*>(this + 1); }
  };
  static_assert(sizeof(Rep) % alignof(Entry) == 0);
  static void Ref(Rep* rep) noexcept {
    if (rep != nullptr) rep->refs.fetch_add(1, std::memory_order_relaxed);
  }
  static void Unref(Rep* rep) noexcept {
    if (rep != nullptr && rep->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) Free(rep);
  }
  static void Free(Rep* rep) noexcept;

  Rep* rep_ = nullptr;
};

// meta/v1 OwnerReference.
struct OwnerReference {
  Text apiVersion;
  Text kind;
  Text name;
  Text uid;
  std::optional<bool> controller;
  std::optional<bool> blockOwnerDeletion;
  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};

// The part of ObjectMeta that everything needs. Pods, of which there are many,
// carry no more than this.
struct BasicMeta {
  Text name;
  Text namespace_;  // empty for cluster-scoped kinds
  Text uid;
  Text resourceVersion;
  StringMap labels;
  Timestamp creationTimestamp;
  // Set once deletion was asked for. While a pod ends gracefully it may lie in
  // the future (asked + grace period).
  Timestamp deletionTimestamp;
  friend bool operator==(const BasicMeta&, const BasicMeta&) = default;
};

// meta/v1 ObjectMeta without managedFields, which an API server keeps when an
// update leaves them out.
struct ObjectMeta : BasicMeta {
  Text generateName;
  std::int64_t generation = 0;
  std::optional<std::int64_t> deletionGracePeriodSeconds;
  StringMap annotations;
  std::vector<OwnerReference> ownerReferences;
  std::vector<Text> finalizers;
  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

// The key of an object within its kind. Ordered by namespace, then name; this
// order is the one outputs are sorted by.
struct ObjectKey {
  Text namespace_;
  Text name;

  // "namespace/name", or "name" where there is no namespace.
  std::string ToString() const;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ObjectKey& k) {
    return H::combine(std::move(h), k.namespace_, k.name);
  }
};

inline ObjectKey KeyOf(const BasicMeta& meta) { return {meta.namespace_, meta.name}; }

}  // namespace epslice

template <>
struct std::hash<epslice::ObjectKey> {
  // Not noexcept: as std::hash<Text>.
  std::size_t operator()(const epslice::ObjectKey& k) const {
    return std::hash<epslice::Text>()(k.namespace_) * 1000003U ^ std::hash<epslice::Text>()(k.name);
  }
};

#endif  // EPSLICE_APIS_META_H_

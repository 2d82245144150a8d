// Store<T>: the objects of one kind that an informer knows, by key.
//
// Objects are immutable and shared: what Get() or an index returns is a
// snapshot that stays as it is while the store moves on.
// Not thread-safe: one writer, and readers under the same lock. The snapshots
// themselves may be read anywhere.
#ifndef EPSLICE_INFORMERS_STORE_H_
#define EPSLICE_INFORMERS_STORE_H_

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "apis/meta.h"

namespace epslice {

// One change of a store. Added: no `before`. Deleted: no `after`.
template <typename T>
struct Change {
  std::shared_ptr<const T> before;
  std::shared_ptr<const T> after;
  const T& any() const { return after != nullptr ? *after : *before; }
};

template <typename T>
class Store {
 public:
  using Ptr = std::shared_ptr<const T>;
  // Names the index keys of an object. Pure: an object that leaves the store is
  // asked again, to find where it was filed.
  using IndexFn = std::function<void(const T& object, std::vector<ObjectKey>* keys)>;

  // Adds an index before the first object comes; returns its number for
  // ByIndex(). An index key is any pair of texts.
  int AddIndex(IndexFn fn);

  // Adds or replaces. The change has the previous version in `before`.
  Change<T> Apply(Ptr object);
  // Removes; a change with neither side when it was not there.
  Change<T> Remove(const ObjectKey& key);
  // The store becomes exactly `objects` (a relist): returns what that changed,
  // in key order: deletes first, then adds and updates. Objects whose uid and
  // resourceVersion did not change are no change.
  std::vector<Change<T>> Replace(std::vector<Ptr> objects);

  // Whether the store has just this: same key, uid and (known) resourceVersion.
  bool HasVersion(const T& object) const;

  // Null when absent.
  Ptr Get(const ObjectKey& key) const;
  // In key order.
  std::vector<Ptr> ByIndex(int index, const ObjectKey& key) const;
  // How many ByIndex() would return; constant time.
  std::size_t CountByIndex(int index, const ObjectKey& key) const;
  // Calls `fn(const Ptr&)` for what ByIndex() would return, without the copy.
  // `fn` must not change the store.
  template <typename Fn>
  void VisitByIndex(int index, const ObjectKey& key, Fn fn) const;
  // All, in key order.
  std::vector<Ptr> List() const;
  std::size_t size() const { return objects_.size(); }
  // Calls fn(ptr) for each object, in no order: not for anything that reaches
  // an output unsorted.
  template <typename Fn>
  void ForEach(Fn fn) const {
    for (const Ptr& object : objects_) fn(object);
  }

 private:
  // Objects hash and compare by key, so that the key is not stored twice.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Ptr& p) const { return (*this)(KeyView{p->metadata.namespace_, p->metadata.name}); }
    std::size_t operator()(const ObjectKey& k) const { return (*this)(KeyView{k.namespace_, k.name}); }
    struct KeyView {
      std::string_view namespace_, name;
    };
    std::size_t operator()(const KeyView& k) const;
  };
  struct Eq {
    using is_transparent = void;
    static const Text& Ns(const Ptr& p) { return p->metadata.namespace_; }
    static const Text& Name(const Ptr& p) { return p->metadata.name; }
    static const Text& Ns(const ObjectKey& k) { return k.namespace_; }
    static const Text& Name(const ObjectKey& k) { return k.name; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Name(a) == Name(b) && Ns(a) == Ns(b);
    }
  };
  // In key order.
  struct Less {
    bool operator()(const Ptr& a, const Ptr& b) const {
      const auto order = a->metadata.namespace_ <=> b->metadata.namespace_;
      return order != 0 ? order < 0 : a->metadata.name < b->metadata.name;
    }
  };
  struct Index {
    IndexFn fn;
    // Kept in order: reads are frequent and large, changes are small.
    absl::flat_hash_map<ObjectKey, absl::btree_set<Ptr, Less>> members;
  };

  // Either side may be null.
  void Reindex(const Ptr& before, const Ptr& after);
  static bool SameVersion(const T& a, const T& b);

  absl::flat_hash_set<Ptr, Hash, Eq> objects_;
  std::vector<Index> indexes_;
};

}  // namespace epslice

#include "informers/store_impl.h"  // IWYU pragma: export

#endif  // EPSLICE_INFORMERS_STORE_H_

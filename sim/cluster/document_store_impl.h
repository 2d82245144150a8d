// The inside of DocumentStore, for its .cc files.
#ifndef EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_IMPL_H_
#define EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_IMPL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "apis/meta.h"
#include "apis/selector.h"
#include "informers/random.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {

// One state of an object. Immutable, shared with what is told of it.
struct StoredDocument {
  explicit StoredDocument(nlohmann::json d)
      : doc(std::move(d)), text(std::make_shared<const std::string>(DumpDoc(doc))) {}
  nlohmann::json doc;
  std::shared_ptr<const std::string> text;
};
using Stored = std::shared_ptr<const StoredDocument>;

// Which objects a list, a watch, or a delete of many is about.
struct DocumentFilter {
  const DocumentKind* kind = nullptr;
  std::string namespace_;  // "": all
  std::string name;        // "": all
  LabelSelector labels;
  std::vector<FieldRequirement> fields;

  // An error (400) where a selector is no good.
  static Status Parse(const DocumentRequest& request, DocumentFilter* filter);
  // Whether anything but kind and namespace limits it.
  bool selective() const { return !name.empty() || !labels.empty() || !fields.empty(); }
  // Of an object of its kind.
  bool Matches(const std::string& of_namespace, const std::string& of_name, const nlohmann::json& doc) const;
};

struct DocumentStore::Impl {
  Impl(const Clock* c, std::uint64_t seed) : clock(c), random(Random(seed).Fork(0xd0c)) {}

  // Kind and namespace first: a list is a range. The kinds' places in
  // DocumentKinds() make their order.
  using Key = std::tuple<const DocumentKind*, std::string, std::string>;
  using Documents = std::map<Key, Stored>;

  struct Change {
    WatchEventType type = WatchEventType::kAdded;
    Key key;
    Stored before;  // null: was not there
    Stored object;  // now; of what was deleted its last state, with `version`
    std::uint64_t version = 0;
  };
  struct Subscription {
    DocumentFilter filter;
    bool bookmarks = false;
    WatchCallback callback;
  };

  DocumentAnswer Get(const DocumentRequest& request) const;
  // Also into `keys`, unless null.
  DocumentAnswer List(const DocumentRequest& request, std::vector<Key>* keys) const;
  DocumentAnswer Create(const DocumentRequest& request);
  DocumentAnswer Replace(const DocumentRequest& request);
  DocumentAnswer Delete(const DocumentRequest& request);
  DocumentAnswer DeleteMany(const DocumentRequest& request);
  Status StartWatch(const DocumentRequest& request, WatchCallback callback, std::uint64_t* id);
  Status ReadBody(const DocumentRequest& request, nlohmann::json* doc) const;
  // Validates the document, and puts it and what it says in place. `put`: what is
  // there then, or would be but for the dry run.
  Status Put(const Key& key, nlohmann::json doc, bool dry_run, Stored* put);
  void Erase(const Key& key);
  std::string NewUid();

  // Keeps a change, and tells the watches that are for it.
  void Tell(Change change);
  // An object that enters the watch's filter is ADDED, one that leaves it DELETED.
  static void TellOne(const Subscription& watch, const Change& change);
  // The objects of the kind as they were at `version`, which is kept.
  Documents At(const DocumentKind* kind, std::uint64_t version) const;

  mutable std::mutex mu;
  const Clock* const clock;
  // Below: guarded by mu.
  Random random;
  std::uint64_t version = 1;
  Documents documents;
  RbacPolicy policy;
  std::deque<Change> changes;  // those after version `oldest`
  std::uint64_t oldest = 1;
  std::uint64_t next_watch = 1;
  std::map<std::uint64_t, Subscription> watches;
};

// 404.
Status DocumentNotFound(const DocumentKind& kind, std::string_view name);
inline DocumentAnswer Failed(Status status) { return {std::move(status), ""}; }

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_DOCUMENT_STORE_IMPL_H_

// Get, list and watch of the in-memory API server.
#include <string>
#include <utility>

#include "sim/cluster/list_options.h"
#include "sim/cluster/paging.h"
#include "sim/cluster/selection.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

// The objects of a kind at a version, in key order: the present ones, with the
// differences of that time laid over them.
class View {
 public:
  View(const ObjectStore& store, Kind kind, std::uint64_t version) : objects_(store.objects(kind)) {
    if (version < store.version()) then_ = store.DifferencesAt(version, kind);
  }

  // Calls visit(key, object) for the keys from `from` on, until it is false.
  template <typename Visit>
  void ForEach(const ObjectKey& from, Visit visit) const {
    auto now = objects_.lower_bound(from);
    auto then = then_.lower_bound(from);
    while (now != objects_.end() || then != then_.end()) {
      if (then == then_.end() || (now != objects_.end() && now->first < then->first)) {
        if (!visit(now->first, now->second.object)) return;
        ++now;
        continue;
      }
      if (now != objects_.end() && now->first == then->first) ++now;
      if (then->second.has_value() && !visit(then->first, then->second)) return;
      ++then;
    }
  }

 private:
  const ObjectStore::Objects& objects_;
  std::map<ObjectKey, AnyObject> then_;
};

}  // namespace

Response MemoryApiServer::Impl::Get(const Request& request) const {
  const Record* record = store.Find(request.kind, {Text(request.namespace_), Text(request.name)});
  if (record == nullptr) return ErrorResponse(StatusNotFound(request.kind, request.name));
  Response response;
  response.object = record->object;
  return response;
}

Response MemoryApiServer::Impl::List(const Request& request) const {
  Selection selection;
  if (Status status = Selection::Parse(request, &selection); !status.ok()) return ErrorResponse(std::move(status));
  if (request.list.limit < 0) return ErrorResponse(StatusBadRequest("limit: it is 0 (no paging) or more"));
  Page page;
  Response response = FindPage(request.list, {store.oldest(), store.version()}, &page);
  if (!response.status.ok()) return response;

  const View view(store, request.kind, page.version);
  const Text& in_namespace = selection.namespace_name();
  const auto limit = static_cast<std::size_t>(LimitOf(request.list));
  ObjectList& list = response.list;
  list.resourceVersion = std::to_string(page.version);
  ObjectKey from{in_namespace, Text()};
  if (from < page.after) from = page.after;
  ObjectKey last;
  bool more = false;
  view.ForEach(from, [&](const ObjectKey& key, const AnyObject& object) {
    if (!in_namespace.empty() && key.namespace_ != in_namespace) return false;
    if (key == page.after || (selection.selective() && !selection.Matches(object))) return true;
    if (limit > 0 && list.items.size() == limit) {
      // The first of the rest: there is another page. Counting it all is only
      // possible where no selector decides, and done for the first page only:
      // a state keeps its size.
      more = true;
      if (selection.selective()) return false;
      ++list.remainingItemCount;
      return page.left < 0;
    }
    list.items.push_back(object);
    last = key;
    return true;
  });
  if (!more) return response;
  if (page.left >= 0 && !selection.selective()) list.remainingItemCount = page.left - LimitOf(request.list);
  list.continueToken = EncodeContinueToken(
      {static_cast<std::int64_t>(page.version), last, selection.selective() ? -1 : list.remainingItemCount});
  return response;
}

Status MemoryApiServer::Impl::StartWatch(const Request& request, WatchCallback callback, std::uint64_t* id) {
  Subscription subscription;
  subscription.kind = request.kind;
  const ListOptions& list = request.list;
  if (Status status = Selection::Parse(request, &subscription.selection); !status.ok()) return status;
  WatchStart start;
  if (Status status = FindWatchStart(list, {store.oldest(), store.version()}, &start); !status.ok()) return status;
  subscription.bookmarks = list.allowWatchBookmarks;
  subscription.callback = std::move(callback);
  if (start.initial) {
    View(store, request.kind, store.version()).ForEach({}, [&](const ObjectKey&, const AnyObject& object) {
      if (!subscription.selection.Matches(object)) return true;
      WatchEvent event;
      event.object = object;
      subscription.callback(event);
      return true;
    });
    if (list.sendInitialEvents) {
      WatchEvent bookmark;
      bookmark.type = WatchEventType::kBookmark;
      bookmark.resourceVersion = std::to_string(store.version());
      bookmark.initialEventsEnd = true;
      subscription.callback(bookmark);
    }
  } else if (start.since > 0) {
    for (auto it = store.ChangesAfter(start.since); it != store.changes_end(); ++it) {
      if (it->object.kind() == request.kind) WatchHub::Tell(subscription, *it);
    }
  }
  *id = watches->hub.Add(std::move(subscription));
  return Status{};
}

}  // namespace epslice::sim

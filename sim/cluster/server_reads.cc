// Get, list and watch of the in-memory API server.
#include <charconv>
#include <string>
#include <utility>

#include "sim/cluster/paging.h"
#include "sim/cluster/selection.h"
#include "sim/cluster/server_impl.h"

namespace epslice::sim {
namespace {

// nullopt: no version number.
std::optional<std::uint64_t> ParseVersion(std::string_view text) {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return version;
}

// A 422 about list options, which belong to no kind of object.
Status InvalidListOptions(std::string_view field, std::string_view reason, std::string_view message) {
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = "ListOptions.meta.k8s.io \"\" is invalid: " + std::string(field) + ": " + std::string(message);
  status.detailsGroup = "meta.k8s.io";
  status.detailsKind = "ListOptions";
  status.causes = {{std::string(reason), std::string(message), std::string(field)}};
  return status;
}

Status Forbidden(std::string_view message) {
  return InvalidListOptions("resourceVersionMatch", "FieldValueForbidden", "Forbidden: " + std::string(message));
}

Status BadVersion(std::string_view text) {
  return StatusBadRequest("resourceVersion: Invalid value: \"" + std::string(text) +
                          "\": it is a number that the server gave out before");
}

std::optional<Status> CheckMatch(const ListOptions& list) {
  const std::string& match = list.resourceVersionMatch;
  if (match.empty()) return std::nullopt;
  if (match != "Exact" && match != "NotOlderThan") {
    return InvalidListOptions("resourceVersionMatch", "FieldValueNotSupported",
                              "Unsupported value: \"" + match + "\": supported values: \"Exact\", \"NotOlderThan\"");
  }
  if (list.sendInitialEvents) return std::nullopt;
  if (list.resourceVersion.empty())
    return Forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (!list.continueToken.empty()) return Forbidden("resourceVersionMatch is forbidden when continue is provided");
  if (match == "Exact" && list.resourceVersion == "0") {
    return Forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  return std::nullopt;
}

// What a list page is to show.
struct Page {
  std::uint64_t version = 0;  // the state shown
  ObjectKey after;            // empty name: from the start
  std::int64_t left = -1;     // objects after that, where the token knows
};

// The 410 for a token from before the kept history comes with a token that
// goes on from there in the present state, as the API server's does.
Response ExpiredContinue(const ObjectKey& last) {
  Response response = ErrorResponse(StatusExpired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list "
      "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
      "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
      "modified, or deleted between the time the first chunk was returned and now may show up in the list."));
  response.list.continueToken = EncodeContinueToken({-1, last, -1});
  return response;
}

Response FindPage(const ListOptions& list, const ObjectStore& store, Page* page) {
  page->version = store.version();
  if (auto status = CheckMatch(list)) return ErrorResponse(*status);
  if (list.sendInitialEvents) {
    return ErrorResponse(InvalidListOptions("sendInitialEvents", "FieldValueForbidden",
                                            "Forbidden: sendInitialEvents is forbidden for list"));
  }
  if (!list.continueToken.empty()) {
    if (!list.resourceVersion.empty() && list.resourceVersion != "0") {
      return ErrorResponse(StatusBadRequest("specifying resource version is not allowed when using continue"));
    }
    const std::optional<ContinueToken> token = DecodeContinueToken(list.continueToken);
    if (!token) return ErrorResponse(StatusBadRequest("continue key is not valid: it is not a token of this server"));
    page->after = token->last;
    if (token->version < 0) return {};
    page->version = static_cast<std::uint64_t>(token->version);
    page->left = token->remaining;
    if (page->version > store.version()) return ErrorResponse(StatusTooLargeVersion(page->version, store.version()));
    return page->version < store.oldest() ? ExpiredContinue(token->last) : Response{};
  }
  if (list.resourceVersion.empty()) return {};
  const std::optional<std::uint64_t> version = ParseVersion(list.resourceVersion);
  if (!version) return ErrorResponse(BadVersion(list.resourceVersion));
  if (*version > store.version()) return ErrorResponse(StatusTooLargeVersion(*version, store.version()));
  const bool exact =
      list.resourceVersionMatch == "Exact" || (list.resourceVersionMatch.empty() && list.limit > 0 && *version > 0);
  if (!exact) return {};
  page->version = *version;
  if (*version >= store.oldest()) return {};
  return ErrorResponse(StatusExpired("The resourceVersion for the provided list is too old."));
}

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

std::optional<Status> CheckWatchOptions(const ListOptions& list) {
  if (list.sendInitialEvents) {
    if (list.resourceVersionMatch != "NotOlderThan") {
      return Forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if (*list.sendInitialEvents && !list.allowWatchBookmarks) {
      return InvalidListOptions("allowWatchBookmarks", "FieldValueForbidden",
                                "Forbidden: sendInitialEvents requires allowWatchBookmarks to be set to true");
    }
  } else if (!list.resourceVersionMatch.empty()) {
    return Forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (!list.continueToken.empty()) return StatusBadRequest("continue is not allowed for a watch");
  return std::nullopt;
}

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
  Response response = FindPage(request.list, store, &page);
  if (!response.status.ok()) return response;

  const View view(store, request.kind, page.version);
  const Text& in_namespace = selection.namespace_name();
  const auto limit = static_cast<std::size_t>(request.list.limit);
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
  if (page.left >= 0 && !selection.selective()) list.remainingItemCount = page.left - request.list.limit;
  list.continueToken = EncodeContinueToken(
      {static_cast<std::int64_t>(page.version), last, selection.selective() ? -1 : list.remainingItemCount});
  return response;
}

Status MemoryApiServer::Impl::StartWatch(const Request& request, WatchCallback callback, std::uint64_t* id) {
  Subscription subscription;
  subscription.kind = request.kind;
  const ListOptions& list = request.list;
  if (Status status = Selection::Parse(request, &subscription.selection); !status.ok()) return status;
  if (auto status = CheckWatchOptions(list)) return *status;
  subscription.bookmarks = list.allowWatchBookmarks;
  subscription.callback = std::move(callback);
  const std::optional<std::uint64_t> since =
      list.resourceVersion.empty() ? std::uint64_t{0} : ParseVersion(list.resourceVersion);
  if (!since) return BadVersion(list.resourceVersion);
  if (*since > store.version()) return StatusTooLargeVersion(*since, store.version());

  const bool initial = list.sendInitialEvents.value_or(*since == 0);
  if (initial) {
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
  } else if (*since > 0) {
    if (*since < store.oldest()) {
      return StatusExpired("too old resource version: " + std::to_string(*since) + " (" +
                           std::to_string(store.oldest()) + ")");
    }
    for (auto it = store.ChangesAfter(*since); it != store.changes_end(); ++it) {
      if (it->object.kind() == request.kind) WatchHub::Tell(subscription, *it);
    }
  }
  *id = watches->hub.Add(std::move(subscription));
  return Status{};
}

}  // namespace epslice::sim

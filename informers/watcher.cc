#include "informers/watcher.h"

#include <algorithm>
#include <utility>

#include "apis/cat.h"
#include "informers/rate_limiter.h"
#include "informers/retry_after.h"

namespace epslice {
namespace {

constexpr int kGone = 410;

Status BadAnswer(std::string message) {
  Status s;
  s.code = 502;
  s.reason = "InvalidResponse";
  s.message = std::move(message);
  return s;
}

// The server has not caught up with the version that was asked for: an etcd
// restored from a backup, or another API server behind the load balancer.
bool IsTooLargeResourceVersion(const Status& status) {
  return status.code == 504 && (status.HasCause("ResourceVersionTooLarge") ||
                                status.message.find("Too large resource version") != std::string::npos);
}

// Whether the server has something against a list as a stream, rather than
// against this one: it does not know how (an option it does not know, or one
// that is switched off), or says that there is no such thing to watch.
bool RefusesStreams(const Status& status) {
  switch (status.code) {
    case 400:
    case 404:
    case 405:
    case 406:
    case 415:
    case 422:
    case 501: return true;
    default: return false;
  }
}

// Whether a watch that ended with this may go on from the version it was at:
// the server could not serve it now, but has nothing against the request.
bool IsTransient(const Status& status) {
  if (IsTooLargeResourceVersion(status)) return false;
  switch (status.code) {
    case 0:    // no answer
    case 401:  // a token about to be renewed
    case 403:
    case 408:
    case 429:
    case 503:
    case 504: return true;
    default: return false;
  }
}

}  // namespace

Watcher::Watcher(Kind kind, WatcherOptions options, std::uint64_t seed)
    : kind_(kind), options_(std::move(options)), random_(seed) {}

Watcher::Action Watcher::Next(Instant now) {
  Action action;
  if (now < wait_until_) {
    action.kind = Action::Kind::kWait;
    action.until = wait_until_;
    return action;
  }
  if (state_ == State::kEmpty && streams_lists()) state_ = State::kStreaming;
  switch (state_) {
    case State::kEmpty:
    case State::kListing:
      state_ = State::kListing;
      action.kind = Action::Kind::kList;
      action.request = ListRequest();
      break;
    case State::kListed:
    case State::kStreaming:
    case State::kWatching:
      if (state_ == State::kListed) state_ = State::kWatching;
      watch_started_ = now;
      advanced_ = false;
      stream_error_.reset();
      pages_.clear();
      action.kind = Action::Kind::kWatch;
      action.request = WatchRequest();
      if (state_ == State::kStreaming) AskForList(&action.request.list);
      break;
  }
  return action;
}

Request Watcher::ListRequest() const {
  Request request;
  request.verb = Verb::kList;
  request.kind = kind_;
  request.namespace_ = options_.namespace_;
  request.list.labelSelector = options_.label_selector;
  request.list.fieldSelector = options_.field_selector;
  // As of no version: the most recent state. With version 0 servers do not heed the
  // limit, and a list of all pods would be held whole, there and here; with that
  // seen last they take both together for "exactly that old state".
  if (!full_list_) request.list.limit = options_.page_size;
  request.list.continueToken = continue_;
  return request;
}

Request Watcher::WatchRequest() {
  Request request;
  request.verb = Verb::kWatch;
  request.kind = kind_;
  request.namespace_ = options_.namespace_;
  request.list.labelSelector = options_.label_selector;
  request.list.fieldSelector = options_.field_selector;
  request.list.resourceVersion = resource_version_;
  request.list.allowWatchBookmarks = true;
  request.list.timeoutSeconds = random_.Between(options_.min_watch_seconds, 2 * options_.min_watch_seconds);
  return request;
}

void Watcher::AskForList(ListOptions* list) const {
  list->sendInitialEvents = true;
  list->resourceVersionMatch = "NotOlderThan";
  // None: what is the most recent when the server gets the request.
  if (most_recent_) list->resourceVersion.clear();
}

void Watcher::OnList(const Response& response, Instant now, WatchUpdate* update) {
  if (!response.status.ok()) {
    FailList(response.status, now);
    return;
  }
  const ObjectList& list = response.list;
  for (const AnyObject& item : list.items) {
    if (!item.has_value() || item.kind() != kind_) {
      FailList(BadAnswer(Cat({"a list of ", InfoOf(kind_).resource, " holds something else"})), now);
      return;
    }
  }
  if (continue_.empty()) list_version_ = list.resourceVersion;
  if (list_version_.empty()) {
    FailList(BadAnswer(Cat({"a list of ", InfoOf(kind_).resource, " without a resourceVersion"})), now);
    return;
  }
  if (pages_.size() + list.items.size() > options_.max_objects) {
    FailList(BadAnswer(Cat({"a list of more than ", std::to_string(options_.max_objects), " objects"})), now);
    return;
  }
  if (!list.continueToken.empty() && (list.items.empty() || list.continueToken == continue_)) {
    FailList(BadAnswer("a list that does not move on: an empty page, or the same continue token again"), now);
    return;
  }
  pages_.insert(pages_.end(), list.items.begin(), list.items.end());
  continue_ = list.continueToken;
  if (!continue_.empty()) return;

  FinishList(std::exchange(list_version_, ""), update);
  state_ = State::kListed;
}

void Watcher::FinishList(std::string version, WatchUpdate* update) {
  resource_version_ = std::move(version);
  update->replace = true;
  update->deleted.clear();
  update->applied = std::exchange(pages_, {});
  full_list_ = false;
  most_recent_ = false;
  last_error_.clear();
  if (synced_) ++relists_;
  synced_ = true;
  failed_streams_ = 0;
}

void Watcher::FailList(const Status& status, Instant now) {
  const bool was_continue = !continue_.empty();
  pages_.clear();
  continue_.clear();
  list_version_.clear();
  state_ = State::kEmpty;
  if (status.code == kGone) {
    // A token that expired between two pages would do so again: the list is
    // long, or the server slow. Without pages it is one answer.
    if (was_continue && !full_list_) {
      full_list_ = true;
      most_recent_ = true;
      last_error_ = status.ToString();
      return;
    }
    Relist(status, now);
    return;
  }
  // Whatever was wrong with streams, or with pages: this was no better.
  failed_streams_ = 0;
  full_list_ = false;
  Fail(status, now);
}

bool Watcher::OnEvent(const WatchEvent& event, Instant now, WatchUpdate* update) {
  static_cast<void>(now);
  std::string_view version;
  switch (event.type) {
    case WatchEventType::kError: return Reject(event.status);
    case WatchEventType::kBookmark: version = event.resourceVersion; break;
    case WatchEventType::kAdded:
    case WatchEventType::kModified:
    case WatchEventType::kDeleted:
      if (!event.object.has_value() || event.object.kind() != kind_) {
        return Reject(BadAnswer(Cat({"a watch of ", InfoOf(kind_).resource, " brought something else"})));
      }
      version = event.object.meta().resourceVersion;
      break;
  }
  if (version.empty()) {
    return Reject(BadAnswer(Cat({"a ", WatchEventTypeName(event.type), " event without a resourceVersion"})));
  }

  if (state_ == State::kStreaming) return OnStreamed(event, update);
  if (event.type == WatchEventType::kDeleted) {
    const BasicMeta& gone = event.object.meta();
    std::erase_if(update->applied, [&gone](const AnyObject& o) {
      return o.meta().name == gone.name && o.meta().namespace_ == gone.namespace_;
    });
    update->deleted.push_back(event.object);
  } else if (event.type != WatchEventType::kBookmark) {
    update->applied.push_back(event.object);
  }
  if (resource_version_ != version) {
    resource_version_ = version;
    advanced_ = true;
    last_error_.clear();
  }
  return true;
}

bool Watcher::OnStreamed(const WatchEvent& event, WatchUpdate* update) {
  if (event.type == WatchEventType::kDeleted || event.type == WatchEventType::kModified) {
    // Rare: it changed while the list was under way. What is in the list comes
    // as added, each object once.
    const BasicMeta& old = event.object.meta();
    std::erase_if(pages_, [&old](const AnyObject& o) {
      return o.meta().name == old.name && o.meta().namespace_ == old.namespace_;
    });
    if (event.type == WatchEventType::kDeleted) return true;
  }
  if (event.type != WatchEventType::kBookmark) {
    pages_.push_back(event.object);
    if (pages_.size() <= options_.max_objects) return true;
    return Reject(BadAnswer(Cat({"a list of more than ", std::to_string(options_.max_objects), " objects"})));
  }
  if (!event.initialEventsEnd) {
    // Bookmarks come when the list is complete: this server does not know what
    // it was asked for, and would never say that it is.
    streams_refused_ = true;
    return Reject(BadAnswer("a bookmark before the one that ends the list"));
  }
  // They come in the order of the server's keys, which is nearly ours.
  const auto less = [](const AnyObject& a, const AnyObject& b) { return KeyOf(a.meta()) < KeyOf(b.meta()); };
  if (!std::is_sorted(pages_.begin(), pages_.end(), less)) std::sort(pages_.begin(), pages_.end(), less);
  FinishList(event.resourceVersion, update);
  advanced_ = true;
  state_ = State::kWatching;
  return true;
}

// A stream that ended before its list was complete.
void Watcher::OnStreamEnd(const Status& status, bool in_stream, Instant now) {
  const bool begun = !pages_.empty();
  pages_.clear();
  state_ = State::kEmpty;
  if (streams_refused_ || (!in_stream && RefusesStreams(status))) {
    // Not a failure: the other way is tried at once.
    streams_refused_ = true;
    last_error_ = status.ToString();
    return;
  }
  // Making progress is better than being stuck with what is refused here and
  // may be allowed there. A stream that was cut off, or too slow, is tried once more;
  // a server that is away or busy would answer a list no sooner.
  if (!IsTransient(status) || status.code == 403) {
    failed_streams_ = kMostFailedStreams;
  } else if (begun || status.code == 408 || status.code == 504) {
    ++failed_streams_;
  }
  if (status.code == kGone) {
    Relist(status, now);
    return;
  }
  if (IsTooLargeResourceVersion(status)) most_recent_ = true;
  Fail(status, now);
}

bool Watcher::Reject(Status status) {
  // An ERROR event that says "success" is no reason to go on.
  if (status.ok()) status.code = 500;
  stream_error_ = std::move(status);
  return false;
}

void Watcher::OnWatchEnd(const Status& status, Instant now) {
  const bool in_stream = stream_error_.has_value();
  Status why = in_stream ? *std::exchange(stream_error_, std::nullopt) : status;
  if (state_ == State::kStreaming) {
    if (why.ok()) why = BadAnswer("a watch that ended before the list that it was to begin with");
    OnStreamEnd(why, in_stream, now);
    return;
  }
  ++watch_restarts_;
  state_ = State::kListed;
  if (why.ok()) {
    if (advanced_ || now - watch_started_ >= options_.min_watch) {
      last_error_.clear();
      return;
    }
    why = StatusUnreachable("a watch that ended at once and brought nothing new");
    Fail(why, now);
    return;
  }
  if (why.code == kGone) {
    Relist(why, now);
    return;
  }
  // An error inside the stream may be about the very event that comes next, so
  // only the server's "later" is worth a try from the same place.
  if (in_stream ? why.code != 429 : !IsTransient(why)) {
    state_ = State::kEmpty;
    if (IsTooLargeResourceVersion(why)) most_recent_ = true;
  }
  Fail(why, now);
}

void Watcher::Relist(const Status& status, Instant now) {
  state_ = State::kEmpty;
  most_recent_ = true;
  const bool again = last_relist_ && now - *last_relist_ <= options_.backoff_reset;
  last_relist_ = now;
  if (again) {
    Fail(status, now);
  } else {
    last_error_ = status.ToString();
  }
}

void Watcher::Fail(const Status& status, Instant now) {
  if (now - wait_until_ > options_.backoff_reset) failures_ = 0;
  const Duration backoff = ExponentialBackoff(options_.backoff_base, options_.backoff_max, failures_);
  ++failures_;
  // Watchers that lost the same server do not come back as one.
  const auto jitter = Duration(static_cast<std::int64_t>(static_cast<double>(backoff.count()) * random_.Unit()));
  wait_until_ = now + std::max<Duration>(backoff + jitter, RetryAfterOf(status, options_.max_retry_after));
  last_error_ = status.ToString();
}

}  // namespace epslice

// What the tests of Watcher share: answers, events, and the driver's half of
// the conversation.
#ifndef EPSLICE_TEST_INFORMERS_WATCHER_FIXTURE_H_
#define EPSLICE_TEST_INFORMERS_WATCHER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "informers/watcher.h"

namespace epslice {

using State = Watcher::State;

inline AnyObject MakeNode(std::string_view name, std::string_view version) {
  Node node;
  node.metadata.name = name;
  node.metadata.resourceVersion = version;
  return AnyObject::Of(std::move(node));
}

inline AnyObject MakePodObject() {
  Pod pod;
  pod.metadata.name = "p";
  pod.metadata.resourceVersion = "1";
  return AnyObject::Of(std::move(pod));
}

inline Response ListOf(std::string version, std::vector<AnyObject> items, std::string token = "") {
  Response r;
  r.list.resourceVersion = std::move(version);
  r.list.items = std::move(items);
  r.list.continueToken = std::move(token);
  return r;
}

inline Status Code(int code, std::string message = "", std::int64_t retry_after = 0) {
  Status s;
  s.code = code;
  s.message = std::move(message);
  s.retryAfterSeconds = retry_after;
  return s;
}

inline Response Failed(Status status) {
  Response r;
  r.status = std::move(status);
  return r;
}

inline WatchEvent EventOf(WatchEventType type, AnyObject object) {
  WatchEvent e;
  e.type = type;
  e.object = std::move(object);
  return e;
}

inline WatchEvent Bookmark(std::string version) {
  WatchEvent e;
  e.type = WatchEventType::kBookmark;
  e.resourceVersion = std::move(version);
  return e;
}

inline WatchEvent ListEnd(std::string version) {
  WatchEvent e = Bookmark(std::move(version));
  e.initialEventsEnd = true;
  return e;
}

inline WatchEvent Error(Status status) {
  WatchEvent e;
  e.type = WatchEventType::kError;
  e.status = std::move(status);
  return e;
}

inline std::string Describe(const Watcher::Action& a) {
  if (a.kind == Watcher::Action::Kind::kWait) return "wait";
  const ListOptions& o = a.request.list;
  return std::string(VerbName(a.request.verb)) + " rv=" + o.resourceVersion + " limit=" + std::to_string(o.limit) +
         " continue=" + o.continueToken +
         (o.sendInitialEvents.value_or(false) ? " initial " + o.resourceVersionMatch : "");
}

inline std::string Names(const std::vector<AnyObject>& objects) {
  std::string out;
  for (const AnyObject& o : objects) out += o.meta().name.str() + "@" + o.meta().resourceVersion.str() + " ";
  return out;
}

// A watcher and the driver's half of the conversation.
class WatcherTest : public testing::Test {
 protected:
  void Restart(const WatcherOptions& options) {
    w = std::make_unique<Watcher>(Kind::kNode, options, 1);
    update = {};
  }
  Watcher::Action Next() { return w->Next(now); }
  // Waits as asked, then says what comes; the time waited is in `waited`.
  std::string NextAfterWait() {
    waited = Duration::zero();
    Watcher::Action a = Next();
    if (a.kind == Watcher::Action::Kind::kWait) {
      waited = a.until - now;
      EXPECT_EQ(w->Next(a.until - Duration(1)).kind, Watcher::Action::Kind::kWait);
      now = a.until;
      a = Next();
    }
    return Describe(a);
  }
  void List(const Response& r) { w->OnList(r, now, &update); }
  bool OnEvent(const WatchEvent& e) { return w->OnEvent(e, now, &update); }
  void End(const Status& s = Code(200)) { w->OnWatchEnd(s, now); }
  // To a running watch at version `rv`.
  void Start(std::string rv = "10") {
    Next();
    List(ListOf(std::move(rv), {}));
    ASSERT_EQ(Next().kind, Watcher::Action::Kind::kWatch);
    update = {};
  }

  std::unique_ptr<Watcher> w = std::make_unique<Watcher>(Kind::kNode, WatcherOptions{}, 1);
  Instant now{std::chrono::minutes(60)};
  WatchUpdate update;
  Duration waited{0};
};

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_WATCHER_FIXTURE_H_

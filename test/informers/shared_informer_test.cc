#include "informers/shared_informer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/informers/scripted_transport.h"
#include "test/informers/watcher_fixture.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using OnEvent = testkit::ScriptedTransport::OnEvent;

std::shared_ptr<const Node> NodeOf(std::string_view name, std::string_view version, std::string_view zone = "z") {
  auto node = std::make_shared<Node>();
  node->metadata.name = name;
  node->metadata.uid = name;
  node->metadata.resourceVersion = version;
  node->metadata.labels = StringMap{{Text("zone"), Text(zone)}};
  return node;
}

WatchEvent Added(std::string_view name, std::string_view version, std::string_view zone = "z") {
  return EventOf(WatchEventType::kAdded, AnyObject(NodeOf(name, version, zone)));
}

// Runs an informer in the test's thread: the script is what happens during its
// first watch.
class SharedInformerTest : public testing::Test {
 protected:
  SharedInformerTest()
      : nodes_({}, [](const Node& node, std::vector<ObjectKey>* keys) {
          keys->push_back({Text(), node.metadata.labels.Get("zone")});
        }) {
    nodes_.OnChanges([this](const SharedInformer<Node>::Changes& changes) {
      std::string line;
      for (const Change<Node>& change : changes) {
        line += change.after == nullptr ? '-' : change.before == nullptr ? '+' : '~';
        line += change.any().metadata.name.str();
        // Reads show it already.
        EXPECT_EQ(nodes_.Get(KeyOf(change.any().metadata)), change.after);
      }
      told_.push_back(line);
    });
    nodes_.OnSynced([this] { told_.emplace_back("synced"); });
    nodes_.OnTrouble([this](const Status& status) { told_.push_back("trouble " + std::to_string(status.code)); });
  }

  void Run(Response list, const std::function<void(const OnEvent&)>& script) {
    transport_.on_do = [list = std::move(list)](const Request&) { return list; };
    transport_.on_watch = [&](const Request&, const OnEvent& on_event) {
      script(on_event);
      cancel_.Cancel();
      return Status();
    };
    nodes_.Run(&transport_, &clock_, &cancel_);
  }
  std::string VersionOf(std::string_view name) const {
    const auto node = nodes_.Get({Text(), Text(name)});
    return node == nullptr ? "none" : node->metadata.resourceVersion.str();
  }

  RealClock clock_;
  CancelToken cancel_;
  testkit::ScriptedTransport transport_;
  SharedInformer<Node> nodes_;
  std::vector<std::string> told_;
};

TEST_F(SharedInformerTest, FilesObjectsUnderTheirKeysAndTellsOfChanges) {
  EXPECT_FALSE(nodes_.synced());
  Run(ListOf("10", {AnyObject(NodeOf("a", "1", "x")), AnyObject(NodeOf("b", "2", "y"))}), [&](const OnEvent& on_event) {
    EXPECT_TRUE(nodes_.synced());
    EXPECT_EQ(nodes_.For({Text(), Text("x")}).size(), 1);
    on_event(Added("a", "11", "y"));
    EXPECT_THAT(nodes_.For({Text(), Text("x")}), IsEmpty());
    EXPECT_EQ(nodes_.For({Text(), Text("y")}).size(), 2);
    on_event(Added("a", "11", "y"));  // nothing new
    on_event(EventOf(WatchEventType::kDeleted, AnyObject(NodeOf("b", "12", "y"))));
    EXPECT_EQ(nodes_.List().size(), 1);
  });
  EXPECT_THAT(told_, ElementsAre("+a+b", "synced", "~a", "-b"));
}

TEST_F(SharedInformerTest, AnEmptyListIsOneToo) {
  Run(ListOf("10", {}), [](const OnEvent&) {});
  EXPECT_THAT(told_, ElementsAre("synced"));
}

TEST_F(SharedInformerTest, TroubleIsToldOnceAndItsEnd) {
  int lists = 0;
  transport_.on_do = [&](const Request&) { return ++lists < 4 ? Failed(Code(410 + lists % 2)) : ListOf("1", {}); };
  transport_.on_watch = [&](const Request&, const OnEvent&) {
    cancel_.Cancel();
    return Status();
  };
  WatcherOptions options;
  options.backoff_base = options.backoff_max = std::chrono::nanoseconds(1);
  SharedInformer<Node> nodes(options);
  nodes.OnTrouble([this](const Status& status) { told_.push_back(std::to_string(status.code)); });
  nodes.Run(&transport_, &clock_, &cancel_);
  // 411 twice; 410 is none.
  EXPECT_THAT(told_, ElementsAre("411", "200"));
}

TEST_F(SharedInformerTest, ReadsShowOnesOwnWritesAndNothingOlder) {
  Run(ListOf("10", {AnyObject(NodeOf("a", "5")), AnyObject(NodeOf("b", "6"))}), [&](const OnEvent& on_event) {
    nodes_.Wrote(NodeOf("a", "14"));
    nodes_.Wrote(NodeOf("new", "15"));
    EXPECT_EQ(VersionOf("a"), "14");
    EXPECT_EQ(VersionOf("new"), "15");
    // Somebody else's, from before.
    on_event(Added("a", "12"));
    on_event(EventOf(WatchEventType::kDeleted, AnyObject(NodeOf("new", "13"))));  // of the one before it
    EXPECT_EQ(VersionOf("a"), "14");
    EXPECT_EQ(VersionOf("new"), "15");
    // The echo is no change; what comes after it is.
    on_event(Added("a", "14"));
    on_event(Added("new", "15"));
    EXPECT_THAT(told_, ElementsAre("+a+b", "synced"));
    on_event(Added("a", "16"));
    on_event(EventOf(WatchEventType::kDeleted, AnyObject(NodeOf("new", "17"))));
    EXPECT_EQ(VersionOf("a"), "16");
    EXPECT_EQ(VersionOf("new"), "none");
    // The answer came later than the echo.
    nodes_.Wrote(NodeOf("a", "15"));
    nodes_.Wrote(NodeOf("new", "15"));
    EXPECT_EQ(VersionOf("a"), "16");
    EXPECT_EQ(VersionOf("new"), "none");
    nodes_.Deleted({Text(), Text("b")});
    EXPECT_EQ(VersionOf("b"), "none");
  });
  EXPECT_THAT(told_, ElementsAre("+a+b", "synced", "~a", "-new"));
}

TEST_F(SharedInformerTest, AListFromBeforeAWriteDoesNotHideIt) {
  int lists = 0;
  int watches = 0;
  transport_.on_do = [&](const Request&) { return ListOf(++lists == 1 ? "10" : "12", {AnyObject(NodeOf("a", "5"))}); };
  transport_.on_watch = [&](const Request&, const OnEvent& on_event) -> Status {
    if (++watches == 1) {
      nodes_.Wrote(NodeOf("a", "14"));
      nodes_.Wrote(NodeOf("new", "13"));
      return Code(410);  // lists again
    }
    EXPECT_EQ(VersionOf("a"), "14");
    EXPECT_EQ(VersionOf("new"), "13");
    on_event(Added("b", "15"));
    cancel_.Cancel();
    return {};
  };
  nodes_.Run(&transport_, &clock_, &cancel_);
  EXPECT_EQ(lists, 2);
  EXPECT_THAT(told_, ElementsAre("+a", "synced", "+b"));
}

TEST_F(SharedInformerTest, WhereVersionsAreNoNumbersWhatComesLastCounts) {
  Run(ListOf("x", {AnyObject(NodeOf("a", "u"))}), [&](const OnEvent& on_event) {
    nodes_.Wrote(NodeOf("a", "w"));
    EXPECT_EQ(VersionOf("a"), "w");
    on_event(Added("a", "v"));
    EXPECT_EQ(VersionOf("a"), "v");
  });
}

}  // namespace
}  // namespace epslice

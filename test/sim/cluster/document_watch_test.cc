// Lists in pages and watches of what is kept as documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/document_store.h"

namespace epslice::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Json = nlohmann::json;

class DocumentWatchTest : public testing::Test {
 protected:
  static DocumentRequest Roles(Verb verb, const std::string& namespace_ = "", const std::string& name = "") {
    DocumentRequest request;
    request.verb = verb;
    request.kind = FindDocumentKind("rbac.authorization.k8s.io/v1", "Role");
    request.namespace_ = namespace_;
    request.name = name;
    return request;
  }
  std::string Put(Verb verb, const std::string& namespace_, const std::string& name, const std::string& label) {
    DocumentRequest request = Roles(verb, namespace_, verb == Verb::kCreate ? "" : name);
    request.body = R"({"metadata":{"name":")" + name + R"(","labels":{"a":")" + label + R"("}}})";
    const DocumentAnswer answer = store_.Handle(request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
    return Json::parse(answer.json)["metadata"]["resourceVersion"];
  }
  void Create(const std::string& namespace_, const std::string& name, const std::string& label = "x") {
    Put(Verb::kCreate, namespace_, name, label);
  }
  std::string Version() { return Json::parse(store_.Handle(Roles(Verb::kList)).json)["metadata"]["resourceVersion"]; }
  // "ADDED shop/r x", "BOOKMARK".
  std::unique_ptr<DocumentStore::WatchHandle> Watch(const DocumentRequest& request, int code = 200) {
    Status status;
    auto handle = store_.Watch(
        request,
        [this](const DocumentEvent& event) {
          std::string line(WatchEventTypeName(event.type));
          if (event.json != nullptr) {
            const Json doc = Json::parse(*event.json);
            const Json& meta = doc["metadata"];
            EXPECT_EQ(doc["kind"], "Role");
            EXPECT_EQ(meta["resourceVersion"], event.resource_version);
            line += " " + meta["namespace"].get<std::string>() + "/" + meta["name"].get<std::string>() + " " +
                    meta["labels"]["a"].get<std::string>();
          } else if (event.initial_events_end) {
            line += " end";
          }
          events_.push_back(line);
        },
        &status);
    EXPECT_EQ(status.code, code) << status.ToString();
    EXPECT_EQ(handle != nullptr, code == 200);
    return handle;
  }
  std::vector<std::string> Events() { return std::exchange(events_, {}); }
  struct Page {
    std::vector<std::string> names;
    std::string next;
    std::string version;
    std::int64_t left = 0;
  };
  Page List(DocumentRequest request, int code = 200) {
    Page page;
    const DocumentAnswer answer = store_.Handle(request);
    EXPECT_EQ(answer.status.code, code) << answer.status.ToString();
    if (answer.json.empty()) return page;
    const Json list = Json::parse(answer.json);
    for (const Json& item : list["items"]) page.names.push_back(item["metadata"]["name"]);
    page.next = list["metadata"].value("continue", "");
    page.version = list["metadata"]["resourceVersion"];
    page.left = list["metadata"].value("remainingItemCount", 0);
    return page;
  }

  FakeClock clock_;
  DocumentStore store_{&clock_, 7};
  std::vector<std::string> events_;
};

TEST_F(DocumentWatchTest, BeginsWithWhatIsThereAndGoesOn) {
  Create("shop", "a");
  Create("other", "b");
  const auto all = Watch(Roles(Verb::kWatch));
  EXPECT_THAT(Events(), ElementsAre("ADDED other/b x", "ADDED shop/a x"));
  Put(Verb::kUpdate, "shop", "a", "y");
  Put(Verb::kUpdate, "shop", "a", "y");  // changes nothing
  Create("shop", "c");
  EXPECT_TRUE(store_.Handle(Roles(Verb::kDelete, "shop", "a")).status.ok());
  DocumentRequest account;
  account.verb = Verb::kCreate;
  account.kind = FindDocumentKind("v1", "ServiceAccount");
  account.namespace_ = "shop";
  account.body = R"({"metadata":{"name":"a"}})";
  EXPECT_TRUE(store_.Handle(account).status.ok());
  EXPECT_THAT(Events(), ElementsAre("MODIFIED shop/a y", "ADDED shop/c x", "DELETED shop/a y"));
  EXPECT_TRUE(store_.Handle(Roles(Verb::kDelete, "shop")).status.ok());
  EXPECT_THAT(Events(), ElementsAre("DELETED shop/c x"));
}

TEST_F(DocumentWatchTest, EndsWithItsHandle) {
  auto watch = Watch(Roles(Verb::kWatch));
  watch.reset();
  Create("shop", "a");
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(DocumentWatchTest, GoesOnFromAVersion) {
  Create("shop", "a");
  DocumentRequest request = Roles(Verb::kWatch, "shop");
  request.list.resourceVersion = Version();
  Put(Verb::kUpdate, "shop", "a", "y");
  Create("other", "b");
  const auto watch = Watch(request);
  EXPECT_THAT(Events(), ElementsAre("MODIFIED shop/a y"));
  Create("shop", "c");
  EXPECT_THAT(Events(), ElementsAre("ADDED shop/c x"));

  request.list.resourceVersion = "999";
  Watch(request, 504);
  request.list.resourceVersion = "x";
  Watch(request, 400);
  for (std::size_t i = 0; i <= DocumentStore::kMaxChanges; ++i) {
    Put(Verb::kUpdate, "shop", "a", i % 2 == 0 ? "even" : "odd");
  }
  request.list.resourceVersion = "2";
  Watch(request, 410);
}

// As of MemoryApiServer: what enters the selection is ADDED, what leaves it
// DELETED.
TEST_F(DocumentWatchTest, Selects) {
  DocumentRequest labelled = Roles(Verb::kWatch);
  labelled.list.labelSelector = "a=y";
  const auto by_label = Watch(labelled);
  Create("shop", "a");
  Put(Verb::kUpdate, "shop", "a", "y");
  Put(Verb::kUpdate, "shop", "a", "z");
  EXPECT_THAT(Events(), ElementsAre("ADDED shop/a y", "DELETED shop/a z"));
  DocumentRequest named = Roles(Verb::kWatch);
  named.list.fieldSelector = "metadata.name=b";
  const auto by_name = Watch(named);
  Create("shop", "b");
  EXPECT_THAT(Events(), ElementsAre("ADDED shop/b x"));
  const auto one = Watch(Roles(Verb::kWatch, "shop", "a"));
  EXPECT_THAT(Events(), ElementsAre("ADDED shop/a z"));
  labelled.list.labelSelector = "a in";
  Watch(labelled, 400);
}

TEST_F(DocumentWatchTest, SendsBookmarksToWhoAsked) {
  Create("shop", "a");
  DocumentRequest request = Roles(Verb::kWatch);
  request.list.sendInitialEvents = true;
  request.list.resourceVersionMatch = "NotOlderThan";
  Watch(request, 422);
  request.list.allowWatchBookmarks = true;
  const auto watch = Watch(request);
  EXPECT_THAT(Events(), ElementsAre("ADDED shop/a x", "BOOKMARK end"));
  const auto other = Watch(Roles(Verb::kWatch, "none"));
  store_.SendBookmarks();
  EXPECT_THAT(Events(), ElementsAre("BOOKMARK"));
}

// All pages show the state of the first.
TEST_F(DocumentWatchTest, PagesAreOfOneState) {
  for (const char* name : {"a", "b", "c", "d", "e"}) Create("shop", name);
  DocumentRequest request = Roles(Verb::kList);
  request.list.limit = 2;
  const Page first = List(request);
  EXPECT_THAT(first.names, ElementsAre("a", "b"));
  EXPECT_EQ(first.left, 3);
  Create("shop", "bb");
  Put(Verb::kUpdate, "shop", "e", "y");
  EXPECT_TRUE(store_.Handle(Roles(Verb::kDelete, "shop", "c")).status.ok());
  request.list.continueToken = first.next;
  const Page second = List(request);
  EXPECT_THAT(second.names, ElementsAre("c", "d"));
  EXPECT_EQ(second.left, 1);
  EXPECT_EQ(second.version, first.version);
  request.list.continueToken = second.next;
  const Page third = List(request);
  EXPECT_THAT(third.names, ElementsAre("e"));
  EXPECT_EQ(third.next, "");
  EXPECT_EQ(third.left, 0);

  request.list.continueToken.clear();
  request.list.limit = 1;
  request.list.labelSelector = "a=x";
  const Page selected = List(request);
  EXPECT_EQ(selected.left, 0) << "nobody counts what a selector chooses";
  EXPECT_NE(selected.next, "");
  request.list.continueToken = "x";
  List(request, 400);
  for (std::size_t i = 0; i <= DocumentStore::kMaxChanges; ++i) {
    Put(Verb::kUpdate, "shop", "a", i % 2 == 0 ? "even" : "odd");
  }
  request.list.continueToken = first.next;
  List(request, 410);
}

TEST_F(DocumentWatchTest, ListsAStateOfBefore) {
  Create("shop", "a");
  DocumentRequest request = Roles(Verb::kList);
  request.list.resourceVersion = Version();
  request.list.resourceVersionMatch = "Exact";
  Create("shop", "b");
  EXPECT_THAT(List(request).names, ElementsAre("a"));
  request.list.resourceVersionMatch = "NotOlderThan";
  EXPECT_THAT(List(request).names, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace epslice::sim

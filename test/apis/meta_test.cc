#include "apis/meta.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "apis/core.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> Pairs(const StringMap& map) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, value] : map) out.emplace_back(key.str(), value.str());
  return out;
}

TEST(StringMapTest, SortsAndKeepsTheLastOfEqualKeys) {
  const StringMap map({{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", "4"}, {"a", "5"}, {"b", "6"}});
  EXPECT_THAT(Pairs(map), ElementsAre(Pair("a", "5"), Pair("b", "6"), Pair("c", "4")));
}

TEST(StringMapTest, LongMapsSortTheSameWay) {
  std::vector<StringMap::Entry> entries;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50; ++i) {
      entries.emplace_back(std::to_string(100 + i * 7 % 50), std::to_string(round));
    }
  }
  const StringMap map(entries);
  ASSERT_EQ(map.size(), 50u);
  std::string previous;
  for (const auto& [key, value] : map) {
    EXPECT_LT(previous, key.str());
    EXPECT_EQ(value, "1") << key;
    previous = key.str();
  }
}

TEST(StringMapTest, EmptyHasNothing) {
  const StringMap map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_EQ(map.Find("a"), nullptr);
  EXPECT_EQ(map, StringMap(std::vector<StringMap::Entry>()));
  EXPECT_EQ(map.Without("a"), map);
  EXPECT_THAT(Pairs(map.With("a", "1")), ElementsAre(Pair("a", "1")));
}

TEST(StringMapTest, FindsExactKeysOnly) {
  const StringMap map({{"app", "web"}, {"app.kubernetes.io/name", ""}, {"tier", "front"}});
  EXPECT_EQ(map.Get("app"), "web");
  EXPECT_EQ(map.Get("ap"), "");
  EXPECT_EQ(map.Get("apps"), "");
  EXPECT_TRUE(map.Contains("app.kubernetes.io/name"));
  EXPECT_FALSE(map.Contains("zone"));
}

TEST(StringMapTest, WithAndWithoutLeaveTheOriginalAlone) {
  const StringMap map({{"a", "1"}, {"c", "3"}});
  EXPECT_THAT(Pairs(map.With("b", "2")), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  EXPECT_THAT(Pairs(map.With("c", "4")), ElementsAre(Pair("a", "1"), Pair("c", "4")));
  EXPECT_THAT(Pairs(map.With("d", "5")), ElementsAre(Pair("a", "1"), Pair("c", "3"), Pair("d", "5")));
  EXPECT_THAT(Pairs(map.Without("a")), ElementsAre(Pair("c", "3")));
  EXPECT_THAT(Pairs(map.Without("a").Without("c")), IsEmpty());
  EXPECT_EQ(map.Without("a").Without("c"), StringMap());
  EXPECT_EQ(map.With("a", "1").begin(), map.begin()) << "nothing changed, so nothing is copied";
  EXPECT_THAT(Pairs(map), ElementsAre(Pair("a", "1"), Pair("c", "3")));
}

TEST(StringMapTest, ComparesByContent) {
  const StringMap a({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(a, StringMap({{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(a, StringMap({{"a", "1"}}));
  EXPECT_NE(a, StringMap({{"a", "1"}, {"b", "3"}}));
  EXPECT_NE(StringMap({{"a", "1"}}), StringMap());
}

TEST(ObjectKeyTest, PrintsAndSortsByNamespaceThenName) {
  EXPECT_EQ((ObjectKey{"shop", "web"}).ToString(), "shop/web");
  EXPECT_EQ((ObjectKey{"", "node-1"}).ToString(), "node-1");
  EXPECT_LT((ObjectKey{"a", "z"}), (ObjectKey{"b", "a"}));
  EXPECT_LT((ObjectKey{"a", "a"}), (ObjectKey{"a", "b"}));
}

TEST(TimestampTest, UnsetSortsFirst) {
  EXPECT_FALSE(Timestamp{}.is_set());
  EXPECT_LT(Timestamp{}, Timestamp::FromSeconds(-1'000'000'000));
  EXPECT_EQ(Timestamp::FromSeconds(3).nanos, 3'000'000'000);
}

Pod SamplePod() {
  Pod pod;
  pod.metadata.name = "a";
  pod.metadata.labels = StringMap({{"app", "web"}});
  pod.podIPs = {{Text("10.0.0.1"), IpFamily::kIPv4}};
  pod.ready = true;
  pod.namedPorts = std::make_shared<const std::vector<NamedPort>>(1, NamedPort{"http", "TCP", 80});
  return pod;
}

TEST(PodTest, ComparesNamedPortsByContent) {
  EXPECT_EQ(SamplePod(), SamplePod());
  Pod none = SamplePod();
  none.namedPorts = nullptr;
  EXPECT_NE(SamplePod(), none);
  EXPECT_NE(none, SamplePod());
  Pod empty = none;
  empty.namedPorts = std::make_shared<const std::vector<NamedPort>>();
  EXPECT_EQ(none, empty);
  EXPECT_EQ(empty, none);
}

TEST(PodTest, ComparesEveryField) {
  using Change = void (*)(Pod*);
  const std::pair<const char*, Change> changes[] = {
      {"metadata", [](Pod* p) { p->metadata.resourceVersion = "2"; }},
      {"nodeName", [](Pod* p) { p->nodeName = "n"; }},
      {"hostname", [](Pod* p) { p->hostname = "h"; }},
      {"subdomain", [](Pod* p) { p->subdomain = "s"; }},
      {"podIPs", [](Pod* p) { p->podIPs.clear(); }},
      {"readyTransitionTime", [](Pod* p) { p->readyTransitionTime = Timestamp::FromSeconds(1); }},
      {"phase", [](Pod* p) { p->phase = PodPhase::kFailed; }},
      {"ready", [](Pod* p) { p->ready = false; }},
      {"hasPodIP", [](Pod* p) { p->hasPodIP = true; }},
  };
  for (const auto& [field, change] : changes) {
    Pod pod = SamplePod();
    change(&pod);
    EXPECT_NE(pod, SamplePod()) << field;
  }
}

}  // namespace
}  // namespace epslice

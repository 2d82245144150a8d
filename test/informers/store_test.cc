#include "informers/store.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "apis/core.h"
#include "informers/random.h"

namespace epslice {
namespace {

using PodPtr = std::shared_ptr<const Pod>;

PodPtr MakePod(std::string_view ns, std::string_view name, std::string_view rv, std::string_view node = "",
               std::string_view uid = "u") {
  auto pod = std::make_shared<Pod>();
  pod->metadata.namespace_ = Text::Intern(ns);
  pod->metadata.name = name;
  pod->metadata.resourceVersion = rv;
  pod->metadata.uid = uid;
  pod->nodeName = node;
  return pod;
}

std::string Names(const std::vector<PodPtr>& pods) {
  std::string out;
  for (const PodPtr& p : pods) out += KeyOf(p->metadata).ToString() + "@" + p->metadata.resourceVersion.str() + " ";
  return out;
}

std::string Describe(const std::vector<Change<Pod>>& changes) {
  std::string out;
  for (const Change<Pod>& c : changes) {
    out += KeyOf(c.any().metadata).ToString() + ":" +
           (c.before ? c.before->metadata.resourceVersion.str() : std::string("-")) + ">" +
           (c.after ? c.after->metadata.resourceVersion.str() : std::string("-")) + " ";
  }
  return out;
}

int AddNodeIndex(Store<Pod>* store) {
  return store->AddIndex([](const Pod& pod, std::vector<ObjectKey>* keys) {
    if (!pod.nodeName.empty()) keys->push_back({"", pod.nodeName});
  });
}

TEST(Store, KeepsWhatItIsGivenByKey) {
  Store<Pod> store;
  EXPECT_EQ(Describe({store.Apply(MakePod("b", "x", "1"))}), "b/x:->1 ");
  EXPECT_EQ(Describe({store.Apply(MakePod("a", "y", "2"))}), "a/y:->2 ");
  EXPECT_EQ(Describe({store.Apply(MakePod("b", "x", "3"))}), "b/x:1>3 ");
  EXPECT_EQ(store.size(), 2u);
  EXPECT_EQ(Names(store.List()), "a/y@2 b/x@3 ");
  ASSERT_NE(store.Get({"b", "x"}), nullptr);
  EXPECT_EQ(store.Get({"b", "x"})->metadata.resourceVersion, "3");
  EXPECT_EQ(store.Get({"a", "x"}), nullptr);
  EXPECT_EQ(Describe({store.Remove({"b", "x"})}), "b/x:3>- ");
  const Change<Pod> nothing = store.Remove({"b", "x"});
  EXPECT_EQ(nothing.before, nullptr);
  EXPECT_EQ(nothing.after, nullptr);
}

TEST(Store, SnapshotsStayAsTheyAre) {
  Store<Pod> store;
  store.Apply(MakePod("a", "x", "1"));
  const PodPtr snapshot = store.Get({"a", "x"});
  store.Apply(MakePod("a", "x", "2"));
  store.Remove({"a", "x"});
  EXPECT_EQ(snapshot->metadata.resourceVersion, "1");
}

TEST(Store, IndexesFollowTheObjects) {
  Store<Pod> store;
  const int by_node = AddNodeIndex(&store);
  store.Apply(MakePod("a", "z", "1", "n1"));
  store.Apply(MakePod("a", "b", "1", "n1"));
  store.Apply(MakePod("a", "c", "1"));
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n1"})), "a/b@1 a/z@1 ");
  EXPECT_EQ(store.CountByIndex(by_node, {"", "n1"}), 2u);
  store.Apply(MakePod("a", "z", "2", "n1"));
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n1"})), "a/b@1 a/z@2 ");
  store.Apply(MakePod("a", "z", "3", "n2"));
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n1"})), "a/b@1 ");
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n2"})), "a/z@3 ");
  store.Remove({"a", "b"});
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n1"})), "");
  EXPECT_EQ(store.CountByIndex(by_node, {"", "n1"}), 0u);
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", ""})), "");
}

TEST(Store, AnIndexKeyNamedTwiceCountsOnce) {
  Store<Pod> store;
  const int twice = store.AddIndex([](const Pod& pod, std::vector<ObjectKey>* keys) {
    keys->push_back({"", pod.nodeName});
    keys->push_back({"", pod.nodeName});
  });
  store.Apply(MakePod("a", "x", "1", "n"));
  store.Apply(MakePod("a", "x", "2", "n"));
  EXPECT_EQ(Names(store.ByIndex(twice, {"", "n"})), "a/x@2 ");
  store.Remove({"a", "x"});
  EXPECT_EQ(store.CountByIndex(twice, {"", "n"}), 0u);
}

TEST(Store, ReplaceSaysWhatChangedDeletesFirst) {
  Store<Pod> store;
  const int by_node = AddNodeIndex(&store);
  store.Replace({MakePod("a", "d", "1"), MakePod("a", "b", "1"), MakePod("a", "c", "1", "n")});
  const PodPtr kept = store.Get({"a", "c"});
  const auto changes = store.Replace(
      {MakePod("b", "a", "9"), MakePod("a", "c", "1", "n"), MakePod("a", "d", "2"), MakePod("a", "a", "8")});
  EXPECT_EQ(Describe(changes), "a/b:1>- a/a:->8 a/d:1>2 b/a:->9 ");
  EXPECT_EQ(store.Get({"a", "c"}), kept) << "the same version keeps its object";
  EXPECT_EQ(Names(store.ByIndex(by_node, {"", "n"})), "a/c@1 ");
  EXPECT_EQ(Describe(store.Replace({})), "a/a:8>- a/c:1>- a/d:2>- b/a:9>- ");
}

TEST(Store, ReplaceTellsVersionsApart) {
  const struct {
    const char* name;
    PodPtr before, after;
    bool changed;
  } kCases[] = {
      {"same", MakePod("a", "x", "1"), MakePod("a", "x", "1"), false},
      {"newer", MakePod("a", "x", "1"), MakePod("a", "x", "2"), true},
      {"made anew", MakePod("a", "x", "1", "", "u1"), MakePod("a", "x", "1", "", "u2"), true},
      {"no version", MakePod("a", "x", ""), MakePod("a", "x", ""), true},
  };
  for (const auto& c : kCases) {
    Store<Pod> store;
    store.Apply(c.before);
    EXPECT_EQ(store.Replace({c.after}).size(), c.changed ? 1u : 0u) << c.name;
  }
}

TEST(Store, OfAKeyThatAListHasTwiceTheLaterCounts) {
  Store<Pod> store;
  EXPECT_EQ(Describe(store.Replace({MakePod("a", "x", "1"), MakePod("a", "b", "1"), MakePod("a", "x", "2")})),
            "a/b:->1 a/x:->2 ");
}

TEST(Store, AgreesWithAMapOnRandomChanges) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Store<Pod> store;
    const int by_node = AddNodeIndex(&store);
    std::map<ObjectKey, PodPtr> model;
    auto random_pod = [&random](int version) {
      return MakePod(random.Chance(0.5) ? "a" : "b", std::string(1, static_cast<char>('a' + random.Below(8))),
                     std::to_string(version), "n" + std::to_string(random.Below(3)));
    };
    for (int step = 0; step < 200; ++step) {
      switch (random.Below(8)) {
        case 0: {
          std::vector<PodPtr> list;
          model.clear();
          for (std::uint64_t i = random.Below(10); i > 0; --i) {
            list.push_back(random_pod(step));
            model[KeyOf(list.back()->metadata)] = list.back();
          }
          store.Replace(list);
          break;
        }
        case 1:
        case 2: {
          const ObjectKey key = KeyOf(random_pod(0)->metadata);
          EXPECT_EQ(store.Remove(key).before != nullptr, model.erase(key) == 1);
          break;
        }
        default: {
          const PodPtr pod = random_pod(step);
          store.Apply(pod);
          model[KeyOf(pod->metadata)] = pod;
        }
      }
      std::vector<PodPtr> all;
      std::map<Text, std::vector<PodPtr>> nodes;
      for (const auto& [key, pod] : model) {
        all.push_back(pod);
        nodes[pod->nodeName].push_back(pod);
      }
      ASSERT_EQ(Names(store.List()), Names(all)) << "seed " << seed;
      for (const char* node : {"n0", "n1", "n2"}) {
        ASSERT_EQ(Names(store.ByIndex(by_node, {"", node})), Names(nodes[node])) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace epslice

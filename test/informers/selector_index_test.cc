#include "informers/selector_index.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "apis/selector.h"
#include "informers/clock.h"
#include "informers/random.h"

namespace epslice {
namespace {

std::string Names(const std::vector<ObjectKey>& keys) {
  std::string out;
  for (const ObjectKey& k : keys) out += k.ToString() + " ";
  return out;
}

std::string FindNames(const SelectorIndex& index, std::string_view ns, const StringMap& labels) {
  std::vector<ObjectKey> keys;
  index.Find(ns, labels, &keys);
  return Names(keys);
}

TEST(SelectorIndex, FindsWhatSelectsThePod) {
  SelectorIndex index;
  index.Set({"shop", "web"}, {{"app", "web"}});
  index.Set({"shop", "web-blue"}, {{"app", "web"}, {"color", "blue"}});
  index.Set({"shop", "all"}, {});
  index.Set({"bank", "web"}, {{"app", "web"}});
  const struct {
    const char* ns;
    StringMap labels;
    const char* want;
  } kCases[] = {
      {"shop", {{"app", "web"}, {"color", "blue"}}, "shop/all shop/web shop/web-blue "},
      {"shop", {{"app", "web"}, {"color", "red"}}, "shop/all shop/web "},
      {"shop", {{"color", "blue"}}, "shop/all "},
      {"shop", {}, "shop/all "},
      {"bank", {{"app", "web"}}, "bank/web "},
      {"bank", {}, ""},
      {"none", {{"app", "web"}}, ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(FindNames(index, c.ns, c.labels), c.want) << c.ns;
}

TEST(SelectorIndex, SetReplacesAndRemoveForgets) {
  SelectorIndex index;
  index.Set({"a", "s"}, {{"x", "1"}});
  index.Set({"a", "s"}, {{"x", "1"}});
  EXPECT_EQ(FindNames(index, "a", {{"x", "1"}}), "a/s ");
  index.Set({"a", "s"}, {{"x", "2"}});
  EXPECT_EQ(FindNames(index, "a", {{"x", "1"}}), "");
  EXPECT_EQ(FindNames(index, "a", {{"x", "2"}}), "a/s ");
  index.Remove({"a", "s"});
  index.Remove({"a", "s"});
  EXPECT_EQ(FindNames(index, "a", {{"x", "2"}}), "");
}

TEST(SelectorIndex, AppendsToWhatIsThere) {
  SelectorIndex index;
  index.Set({"a", "s"}, {});
  std::vector<ObjectKey> keys = {{"z", "first"}};
  index.Find("a", {}, &keys);
  EXPECT_EQ(Names(keys), "z/first a/s ");
}

TEST(SelectorIndex, APodWithMoreLabelsThanUsualIsFound) {
  std::vector<StringMap::Entry> many;
  for (int i = 0; i < 100; ++i) many.emplace_back("k" + std::to_string(i), "v");
  SelectorIndex index;
  index.Set({"a", "s"}, {{"k99", "v"}, {"k3", "v"}});
  EXPECT_EQ(FindNames(index, "a", StringMap(many)), "a/s ");
}

// Few keys and values, so that selectors overlap, repeat, and contain each
// other, and nodes split and empty again.
TEST(SelectorIndex, AgreesWithLookingAtEachService) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    auto random_map = [&random](std::uint64_t at_most) {
      std::vector<StringMap::Entry> entries;
      for (std::uint64_t i = random.Below(at_most + 1); i > 0; --i) {
        entries.emplace_back(Text::Intern("k" + std::to_string(random.Below(5))),
                             Text("v" + std::to_string(random.Below(3))));
      }
      return StringMap(entries);
    };
    SelectorIndex index;
    std::map<ObjectKey, StringMap> model;
    for (int step = 0; step < 1500; ++step) {
      const ObjectKey key{random.Chance(0.8) ? "a" : "b", "s" + std::to_string(random.Below(300))};
      if (random.Chance(step < 1000 ? 0.25 : 0.8)) {
        index.Remove(key);
        model.erase(key);
      } else {
        const StringMap selector = random_map(4);
        index.Set(key, selector);
        model[key] = selector;
      }
      if (step % 10 != 0) continue;
      const StringMap labels = random_map(6);
      std::string want;
      for (const auto& [k, selector] : model) {
        if (k.namespace_ == "a" && MatchesLabels(selector, labels)) want += k.ToString() + " ";
      }
      ASSERT_EQ(FindNames(index, "a", labels), want) << "seed " << seed << " step " << step;
    }
  }
}

// Nanoseconds that `find` takes for a pod, the best of a few rounds.
double NanosPerFind(const std::vector<StringMap>& pods, const std::function<void(const StringMap&)>& find) {
  const RealClock clock;
  double best = 1e18;
  for (int round = 0; round < 3; ++round) {
    const Instant start = clock.Now();
    for (const StringMap& labels : pods) find(labels);
    best = std::min(best, static_cast<double>((clock.Now() - start).count()) / static_cast<double>(pods.size()));
  }
  return best;
}

StringMap PodLabels(const std::vector<std::pair<std::string, std::string>>& extra) {
  std::vector<StringMap::Entry> entries;
  for (const auto& [k, v] : extra) entries.emplace_back(Text::Intern(k), Text::Intern(v));
  for (std::size_t i = entries.size(); i < 10; ++i) {
    entries.emplace_back(Text::Intern("example.com/label-" + std::to_string(i)), Text::Intern("value"));
  }
  return StringMap(entries);
}

// 10,000 Services of one namespace, in shapes that make simple indexes slow.
// Times differ between builds and machines, so a lookup is held against looking
// at each Service there and then: it must be far below. (In a release build it
// takes under a microsecond.)
TEST(SelectorIndex, LookupStaysShortWhateverTheSelectorsShare) {
  constexpr int kServices = 10'000;
  const struct {
    const char* name;
    std::function<StringMap(int)> selector;
    std::function<StringMap(int)> pod;
  } kCases[] = {
      {"each its own app",
       [](int i) {
         return StringMap{{"app", "a" + std::to_string(i)}};
       },
       [](int i) {
         return PodLabels({{"app", "a" + std::to_string(i)}});
       }},
      {"a pair in common",
       [](int i) {
         return StringMap{{"tier", "web"}, {"app", "a" + std::to_string(i)}};
       },
       [](int i) {
         return PodLabels({{"tier", "web"}, {"app", "a" + std::to_string(i)}});
       }},
      {"a grid, where each pair is in a hundred selectors",
       [](int i) {
         return StringMap{{"x", std::to_string(i / 100)}, {"y", std::to_string(i % 100)}};
       },
       [](int i) {
         return PodLabels({{"x", std::to_string(i % 100)}, {"y", std::to_string(i % 97)}});
       }},
      {"one selector for all, and a pod that just misses it",
       [](int) {
         return StringMap{{"app", "web"}, {"tier", "db"}};
       },
       [](int) {
         return PodLabels({{"app", "web"}, {"tier", "cache"}});
       }},
  };
  for (const auto& c : kCases) {
    SelectorIndex index;
    for (int i = 0; i < kServices; ++i) index.Set({Text::Intern("shop"), "s" + std::to_string(i)}, c.selector(i));
    std::vector<StringMap> selectors;
    for (int i = 0; i < kServices; ++i) selectors.push_back(c.selector(i));
    std::vector<StringMap> pods;
    for (int i = 0; i < 200; ++i) pods.push_back(c.pod(i));

    const Text ns = Text::Intern("shop");
    std::vector<ObjectKey> found;
    const double indexed = NanosPerFind(pods, [&](const StringMap& labels) {
      found.clear();
      index.Find(ns, labels, &found);
    });
    pods.resize(5);
    std::size_t matches = 0;
    const double each = NanosPerFind(pods, [&](const StringMap& labels) {
      for (const StringMap& selector : selectors) matches += MatchesLabels(selector, labels);
    });
    EXPECT_LT(indexed * 15, each) << c.name << ", " << matches << " matches";
  }
}

}  // namespace
}  // namespace epslice

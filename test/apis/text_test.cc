#include "apis/text.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

namespace epslice {
namespace {

TEST(TextTest, EmptyIsNull) {
  EXPECT_TRUE(Text().empty());
  EXPECT_TRUE(Text("").empty());
  EXPECT_TRUE(Text::Intern("").empty());
  EXPECT_EQ(Text("").identity(), nullptr);
  EXPECT_EQ(Text(), Text(std::string_view()));
  EXPECT_EQ(Text().view(), "");
}

TEST(TextTest, ComparesByContentHoweverMade) {
  const Text plain("zone-a");
  const Text interned = Text::Intern("zone-a");
  EXPECT_EQ(plain, interned);
  EXPECT_EQ(interned, plain);
  EXPECT_EQ(plain, "zone-a");
  EXPECT_EQ(interned, std::string("zone-a"));
  EXPECT_NE(interned, Text::Intern("zone-b"));
  EXPECT_NE(plain, Text());
  EXPECT_LT(plain, Text::Intern("zone-b"));
  EXPECT_LT(Text(), plain);
  EXPECT_LT(Text("zone"), interned);
  EXPECT_EQ(std::hash<Text>()(plain), std::hash<Text>()(interned));
}

TEST(TextTest, KeepsBytesAsTheyAre) {
  const std::string bytes("a\0\xff\n", 4);
  EXPECT_EQ(Text(bytes).str(), bytes);
  EXPECT_EQ(Text::Intern(bytes).size(), 4u);
}

TEST(TextTest, InternedTextsShareTheirCharacters) {
  const std::size_t before = Text::InternedCountForTesting();
  {
    const Text a = Text::Intern("text-test-shared");
    const Text b = Text::Intern("text-test-shared");
    EXPECT_EQ(a.identity(), b.identity());
    EXPECT_EQ(Text::InternedCountForTesting(), before + 1);
    EXPECT_NE(Text("text-test-shared").identity(), a.identity());
  }
  EXPECT_EQ(Text::InternedCountForTesting(), before) << "the pool lets go with the last user";
}

TEST(TextTest, CopiesAndMovesKeepOrPassTheCharacters) {
  Text a("abc");
  Text b = a;
  EXPECT_EQ(a.identity(), b.identity());
  Text& alias = b;
  b = alias;
  EXPECT_EQ(b, "abc");
  Text c = std::move(b);
  EXPECT_EQ(c, "abc");
  a = Text("x");
  EXPECT_EQ(c, "abc");
  Text& c_alias = c;
  c = std::move(c_alias);
  EXPECT_EQ(c, "abc");
}

TEST(TextTest, ManyInternedTextsComeAndGo) {
  const std::size_t before = Text::InternedCountForTesting();
  std::vector<Text> kept;
  for (int i = 0; i < 20'000; ++i) {
    Text t = Text::Intern("text-test-many-" + std::to_string(i));
    if (i % 3 == 0) kept.push_back(std::move(t));
  }
  EXPECT_EQ(Text::InternedCountForTesting(), before + kept.size());
  std::unordered_set<const void*> distinct;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const Text again = Text::Intern("text-test-many-" + std::to_string(3 * i));
    EXPECT_EQ(again.identity(), kept[i].identity());
    distinct.insert(again.identity());
  }
  EXPECT_EQ(distinct.size(), kept.size());
  kept.clear();
  EXPECT_EQ(Text::InternedCountForTesting(), before);
}

// Threads that intern and drop the same few strings at once: the last drop of
// one thread races with the look-up of another. For TSan and ASan to judge.
TEST(TextTest, InternsAndDropsInManyThreads) {
  const std::size_t before = Text::InternedCountForTesting();
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  std::atomic<int> wrong{0};
  const Text shared = Text::Intern("text-test-thread-shared");
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Text> held(7);
      for (int i = 0; i < kRounds; ++i) {
        const std::string want = "text-test-thread-" + std::to_string((i * (t + 1)) % 5);
        Text a = Text::Intern(want);
        Text b = Text::Intern(want);
        if (a != want || a.identity() != b.identity()) ++wrong;
        held[static_cast<std::size_t>(i) % held.size()] = std::move(a);
        const Text copy = shared;
        if (copy.size() != shared.size()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(Text::InternedCountForTesting(), before + 1);
}

}  // namespace
}  // namespace epslice

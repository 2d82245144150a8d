#include "apis/shared_vector.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace epslice {
namespace {

using Strings = SharedVector<std::string>;

TEST(SharedVector, CopiesShareUntilOneIsChanged) {
  Strings a = {"x", "y"};
  const Strings b = a;
  EXPECT_TRUE(a.SharesWith(b));
  EXPECT_EQ(a.vector().data(), b.data());
  a.push_back("z");
  EXPECT_FALSE(a.SharesWith(b));
  EXPECT_EQ(a, Strings({"x", "y", "z"}));
  EXPECT_EQ(b, Strings({"x", "y"}));
  // On its own it stays where it is.
  const std::string* const first = a.data();
  a[1] = "w";
  for (std::string& s : a) s += "!";
  EXPECT_EQ(a.vector().data(), first);
  EXPECT_EQ(a.front(), "x!");
  EXPECT_EQ(a.back(), "z!");
  EXPECT_NE(a, b);
}

TEST(SharedVector, IsEmptyAtFirstAndWhenCleared) {
  Strings a;
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(std::as_const(a).begin(), std::as_const(a).end());
  EXPECT_EQ(a, Strings(std::vector<std::string>()));
  a.resize(2);
  EXPECT_EQ(a.size(), 2U);
  const Strings b = a;
  a.clear();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.size(), 2U);
  a = b;
  EXPECT_EQ(a, b);
  Strings c = std::move(a);
  EXPECT_TRUE(c.SharesWith(b));
  c.mutable_vector().erase(c.mutable_vector().begin());
  EXPECT_EQ(c.size(), 1U);
  EXPECT_EQ(b.size(), 2U);
}

TEST(SharedVector, CopiesMayBeChangedInDifferentThreads) {
  const Strings shared(std::vector<std::string>(100, "a"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared, t]() mutable {
      for (int i = 0; i < 200; ++i) {
        Strings mine = copy;
        mine[static_cast<std::size_t>(i) % 100] = std::to_string(t);
        copy = mine;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared, Strings(std::vector<std::string>(100, "a")));
}

}  // namespace
}  // namespace epslice

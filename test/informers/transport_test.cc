#include "informers/transport.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

namespace epslice {
namespace {

TEST(CancelToken, RunsCallbacksOnceInOrder) {
  CancelToken token;
  std::string order;
  token.Register([&order] { order += 'a'; });
  const int b = token.Register([&order] { order += 'b'; });
  token.Register([&order] { order += 'c'; });
  token.Unregister(b);
  EXPECT_FALSE(token.cancelled());
  token.Cancel();
  token.Cancel();
  EXPECT_TRUE(token.cancelled());
  EXPECT_EQ(order, "ac");
}

TEST(CancelToken, ALateCallbackRunsAtOnce) {
  CancelToken token;
  token.Cancel();
  bool ran = false;
  token.Unregister(token.Register([&ran] { ran = true; }));
  EXPECT_TRUE(ran);
}

TEST(CancelToken, UnregisterWaitsForARunningCallback) {
  CancelToken token;
  std::promise<void> started;
  std::promise<void> go_on;
  bool finished = false;  // no atomic: Unregister() is what orders it
  const int id = token.Register([&] {
    started.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  std::thread canceller([&token] { token.Cancel(); });
  started.get_future().wait();
  std::thread releaser([&go_on] { go_on.set_value(); });
  token.Unregister(id);
  EXPECT_TRUE(finished);
  canceller.join();
  releaser.join();
}

TEST(CancelToken, EveryCallbackRunsWhateverTheThreadsDo) {
  for (int round = 0; round < 50; ++round) {
    CancelToken token;
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { token.Register([&ran] { ++ran; }); });
    }
    threads.emplace_back([&token] { token.Cancel(); });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(ran, 4);
  }
}

}  // namespace
}  // namespace epslice

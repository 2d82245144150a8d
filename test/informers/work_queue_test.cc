#include "informers/work_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apis/meta.h"
#include "informers/random.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Queue = WorkQueue<std::string>;

Instant At(std::int64_t ms) { return milliseconds(ms); }

TEST(WorkQueue, AKeyWaitsOnce) {
  Queue q;
  q.Add("a", At(0));
  q.Add("b", At(0));
  q.Add("a", At(1));
  EXPECT_EQ(q.ready_size(), 2u);
  EXPECT_EQ(q.adds(), 2);
  EXPECT_EQ(q.Pop(At(1)), "a");
  EXPECT_EQ(q.Pop(At(1)), "b");
  EXPECT_EQ(q.Pop(At(1)), std::nullopt);
}

TEST(WorkQueue, AKeyAddedWhileWorkedOnRunsAgainAfterDone) {
  Queue q;
  q.Add("a", At(0));
  EXPECT_EQ(q.Pop(At(0)), "a");
  q.Add("a", At(1));
  q.Add("a", At(2));
  EXPECT_EQ(q.Pop(At(2)), std::nullopt);
  EXPECT_EQ(q.ready_size(), 0u);
  q.Done("a", At(3));
  EXPECT_EQ(q.Pop(At(3)), "a");
  q.Done("a", At(4));
  EXPECT_EQ(q.Pop(At(4)), std::nullopt);
  EXPECT_TRUE(q.empty());
}

TEST(WorkQueue, OfSeveralDeadlinesTheEarliestStands) {
  Queue q;
  q.AddAfter("a", milliseconds(100), At(0));
  q.AddAfter("a", milliseconds(100), At(50));
  EXPECT_EQ(q.NextWakeup(At(50)), At(100));
  q.AddAfter("a", milliseconds(10), At(50));
  EXPECT_EQ(q.NextWakeup(At(50)), At(60));
  EXPECT_EQ(q.Pop(At(59)), std::nullopt);
  EXPECT_EQ(q.Pop(At(60)), "a");
  q.Done("a", At(60));
  EXPECT_EQ(q.Pop(At(1000)), std::nullopt);
}

TEST(WorkQueue, ADeadlineThatPassedDoesNotSwallowANewOne) {
  Queue q;
  q.AddAfter("a", milliseconds(100), At(0));
  q.AddAfter("a", milliseconds(100), At(150));
  EXPECT_EQ(q.Pop(At(150)), "a");
  q.Done("a", At(150));
  EXPECT_EQ(q.NextWakeup(At(150)), At(250));
  EXPECT_EQ(q.Pop(At(250)), "a");
}

TEST(WorkQueue, BecomesReadyInTheOrderOfTime) {
  Queue q;
  q.AddAfter("late", milliseconds(20), At(0));
  q.AddAfter("early", milliseconds(10), At(0));
  q.AddAfter("tie", milliseconds(20), At(0));
  q.Add("now", At(30));
  std::vector<std::string> order;
  while (auto key = q.Pop(At(30))) order.push_back(*key);
  EXPECT_EQ(order, (std::vector<std::string>{"early", "late", "tie", "now"}));
}

TEST(WorkQueue, AnAddNowLeavesTheDeadline) {
  Queue q;
  q.AddAfter("a", milliseconds(100), At(0));
  q.Add("a", At(10));
  EXPECT_EQ(q.Pop(At(10)), "a");
  q.Done("a", At(20));
  EXPECT_EQ(q.Pop(At(99)), std::nullopt);
  EXPECT_EQ(q.Pop(At(100)), "a");
}

TEST(WorkQueue, ADeadlineThatPassesWhileWorkedOnRunsAfterDone) {
  Queue q;
  q.Add("a", At(0));
  EXPECT_EQ(q.Pop(At(0)), "a");
  q.AddAfter("a", milliseconds(5), At(0));
  EXPECT_EQ(q.Pop(At(10)), std::nullopt);
  EXPECT_EQ(q.NextWakeup(At(10)), std::nullopt) << "only Done() can help";
  q.Done("a", At(11));
  EXPECT_EQ(q.Pop(At(11)), "a");
}

TEST(WorkQueue, BackoffDoublesUntilForgotten) {
  Queue q;
  const std::vector<std::int64_t> want = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000};
  Instant now{0};
  for (const std::int64_t s : want) {
    q.AddRateLimited("a", now);
    EXPECT_EQ(q.NextWakeup(now), now + seconds(s));
    now += seconds(s);
    EXPECT_EQ(q.Pop(now), "a");
    q.Done("a", now);
  }
  EXPECT_EQ(q.Failures("a"), static_cast<std::int64_t>(want.size()));
  EXPECT_EQ(q.retries(), static_cast<std::int64_t>(want.size()));
  q.Forget("a");
  EXPECT_EQ(q.Failures("a"), 0);
  q.AddRateLimited("a", now);
  EXPECT_EQ(q.NextWakeup(now), now + seconds(1));
}

TEST(WorkQueue, ABackoffIsAsLongAsAskedForAtLeast) {
  WorkQueueOptions options;
  options.max_delay = seconds(100);
  Queue q(options);
  const struct {
    int at_least, delay;  // seconds
  } kCases[] = {{0, 1}, {1, 2}, {60, 60}, {3, 8}, {5000, 100}};
  Instant now(0);
  for (const auto& c : kCases) {
    q.AddRateLimited("a", now, seconds(c.at_least));
    EXPECT_EQ(q.NextWakeup(now), now + seconds(c.delay)) << c.at_least;
    now += seconds(c.delay);
    EXPECT_EQ(q.Pop(now), "a");
    q.Done("a", now);
  }
}

TEST(WorkQueue, KeysMayWaitAnew) {
  struct Waits : WorkQueueObserver {
    void OnPop(Duration waited) override { all.push_back(waited); }
    void OnDone(Duration) override {}
    std::vector<Duration> all;
  } waits;
  WorkQueueOptions options;
  options.observer = &waits;
  Queue q(options);
  q.Add("a", At(0));
  q.WaitAnew(At(1000));
  q.Add("b", At(1002));
  q.Pop(At(1005));
  q.Pop(At(1005));
  EXPECT_EQ(waits.all, (std::vector<Duration>{milliseconds(5), milliseconds(3)}));
}

TEST(WorkQueue, AKeyThatOnlyBacksOffIsTold) {
  Queue q;
  q.Add("a", At(0));
  EXPECT_FALSE(q.OnlyBacksOff("a")) << "it is ready";
  EXPECT_EQ(q.Pop(At(0)), "a");
  q.AddRateLimited("a", At(1));
  q.Done("a", At(1));
  EXPECT_TRUE(q.OnlyBacksOff("a"));
  q.AddAfter("a", seconds(100), At(2));
  EXPECT_FALSE(q.OnlyBacksOff("a")) << "something is to be done, though the earlier deadline stands";
  EXPECT_EQ(q.Pop(At(1001)), "a");
  q.AddAfter("a", seconds(1), At(1002));
  q.AddRateLimited("a", At(1003));
  q.Done("a", At(1003));
  EXPECT_FALSE(q.OnlyBacksOff("a")) << "it came while it was worked on";
  EXPECT_FALSE(q.OnlyBacksOff("b"));
}

TEST(WorkQueue, ADeadlineStaysWhileTheKeyIsWorkedOnEarlier) {
  Queue q;
  EXPECT_FALSE(q.HasDeadline("a", At(0)));
  q.Add("a", At(0));
  EXPECT_FALSE(q.HasDeadline("a", At(0))) << "it is ready";
  q.AddAfter("a", milliseconds(10), At(0));
  EXPECT_EQ(q.Pop(At(5)), "a");
  EXPECT_TRUE(q.HasDeadline("a", At(9)));
  EXPECT_FALSE(q.HasDeadline("a", At(10)));
  EXPECT_FALSE(q.HasDeadline("b", At(0)));
  q.Done("a", At(11));
  EXPECT_EQ(q.Pop(At(11)), "a");
  EXPECT_FALSE(q.HasDeadline("a", At(11)));
}

TEST(WorkQueue, TheOverallBucketSlowsManyFailingKeys) {
  WorkQueueOptions options;
  options.overall_qps = 10;
  options.overall_burst = 100;
  Queue q(options);
  for (int i = 0; i < 120; ++i) q.AddRateLimited("k" + std::to_string(i), At(0));
  std::size_t ready = 0;
  while (q.Pop(At(1000))) ++ready;
  EXPECT_EQ(ready, 110u) << "burst, and the ten whose token came within the second";
  while (q.Pop(At(2000))) ++ready;
  EXPECT_EQ(ready, 120u);
}

TEST(WorkQueue, DoneOfAKeyNotWorkedOnIsNothing) {
  Queue q;
  q.Done("a", At(0));
  q.Add("a", At(0));
  q.Done("a", At(0));
  EXPECT_EQ(q.ready_size(), 1u);
  EXPECT_EQ(q.processing_size(), 0u);
}

TEST(WorkQueue, WorksWithObjectKeys) {
  WorkQueue<ObjectKey> q;
  q.Add({"shop", "a"}, At(0));
  q.Add({"shop", "a"}, At(0));
  EXPECT_EQ(q.Pop(At(0)), (ObjectKey{"shop", "a"}));
}

// The queue against a model that says, for each key, what must hold, and finds
// it by looking at everything.
struct Model {
  std::vector<std::string> ready;
  std::set<std::string> dirty, processing;
  std::map<std::string, std::pair<Instant, int>> delayed;
  int sequence = 0;

  void MakeDirty(const std::string& key) {
    if (!dirty.insert(key).second) return;
    if (!processing.contains(key)) ready.push_back(key);
  }
  void Promote(Instant now) {
    for (;;) {
      auto best = delayed.end();
      for (auto it = delayed.begin(); it != delayed.end(); ++it) {
        if (it->second.first <= now && (best == delayed.end() || it->second < best->second)) best = it;
      }
      if (best == delayed.end()) return;
      MakeDirty(best->first);
      delayed.erase(best);
    }
  }
  void AddAfter(const std::string& key, Duration d, Instant now) {
    auto it = delayed.find(key);
    if (it == delayed.end() || now + d < it->second.first) delayed[key] = {now + d, sequence++};
  }
};

TEST(WorkQueue, AgreesWithAModel) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    WorkQueueOptions options;
    options.overall_qps = 0;
    Queue q(options);
    Model m;
    Instant now{0};
    for (int step = 0; step < 400; ++step) {
      now += milliseconds(random.Below(4));
      const std::string key(1, static_cast<char>('a' + random.Below(6)));
      m.Promote(now);
      switch (random.Below(5)) {
        case 0:
          q.Add(key, now);
          m.MakeDirty(key);
          break;
        case 1: {
          const Duration d = milliseconds(1 + random.Below(10));
          q.AddAfter(key, d, now);
          m.AddAfter(key, d, now);
          break;
        }
        case 2:
        case 3: {
          const auto got = q.Pop(now);
          ASSERT_EQ(got.has_value(), !m.ready.empty()) << "seed " << seed << " step " << step;
          if (!got) break;
          ASSERT_EQ(*got, m.ready.front()) << "seed " << seed << " step " << step;
          m.ready.erase(m.ready.begin());
          m.dirty.erase(*got);
          ASSERT_TRUE(m.processing.insert(*got).second) << "worked on twice at once, seed " << seed;
          break;
        }
        default:
          q.Done(key, now);
          if (m.processing.erase(key) != 0 && m.dirty.contains(key)) m.ready.push_back(key);
      }
      ASSERT_EQ(q.processing_size(), m.processing.size()) << "seed " << seed << " step " << step;
      ASSERT_TRUE(m.ready.empty() || q.NextWakeup(now) <= now) << "seed " << seed << " step " << step;
    }
    // Nothing is ever lost: what was added and not yet run comes out.
    now += seconds(1);
    m.Promote(now);
    for (char c = 'a'; c < 'g'; ++c) {
      const std::string key(1, c);
      q.Done(key, now);
      if (m.processing.erase(key) != 0 && m.dirty.contains(key)) m.ready.push_back(key);
    }
    for (const std::string& want : m.ready) {
      ASSERT_EQ(q.Pop(now), want) << "seed " << seed;
      q.Done(want, now);
    }
    ASSERT_TRUE(q.empty()) << "seed " << seed;
  }
}

// What client-go's queues measure.
TEST(WorkQueue, TellsItsObserver) {
  struct Times : WorkQueueObserver {
    void OnPop(Duration waited) override { waits.push_back(waited); }
    void OnDone(Duration worked) override { works.push_back(worked); }
    std::vector<Duration> waits, works;
  } times;
  WorkQueueOptions options;
  options.observer = &times;
  Queue q(options);
  q.Add("a", At(0));
  q.AddAfter("b", milliseconds(50), At(0));
  q.Pop(At(10));
  q.Add("a", At(20));  // while it is worked on: waits from now on
  EXPECT_EQ(q.ready_size(), 0u);
  EXPECT_EQ(q.depth(), 1u);
  q.Done("a", At(30));
  EXPECT_EQ(q.depth(), 1u);
  q.Pop(At(45));
  EXPECT_EQ(q.depth(), 0u);
  q.Pop(At(80));  // ready since 50
  q.Done("b", At(81));
  q.Done("b", At(90));  // not worked on any more
  q.Done("a", At(100));
  EXPECT_EQ(times.waits, (std::vector<Duration>{milliseconds(10), milliseconds(25), milliseconds(30)}));
  EXPECT_EQ(times.works, (std::vector<Duration>{milliseconds(20), milliseconds(1), milliseconds(55)}));
  EXPECT_TRUE(q.empty());
}

TEST(WorkQueue, ShowsItsKeys) {
  Queue q;
  q.Add("c", At(1));
  q.Add("a", At(2));
  q.Add("b", At(3));
  q.AddAfter("later", seconds(2), At(3));
  q.AddAfter("soon", seconds(1), At(3));
  q.Pop(At(4));
  using Keys = std::vector<std::pair<std::string, Instant>>;
  Keys ready, delayed, processing;
  const auto into = [](Keys* keys, std::size_t max) {
    return [keys, max](const std::string& key, Instant at) {
      keys->emplace_back(key, at);
      return keys->size() < max;
    };
  };
  q.VisitReady(into(&ready, 10));
  q.VisitDelayed(into(&delayed, 1));
  q.VisitProcessing(into(&processing, 10));
  EXPECT_EQ(ready, (Keys{{"a", At(2)}, {"b", At(3)}}));
  EXPECT_EQ(delayed, (Keys{{"soon", At(1003)}}));
  EXPECT_EQ(processing, (Keys{{"c", At(4)}}));
}

}  // namespace
}  // namespace epslice

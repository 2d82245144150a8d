#include "controllers/endpointslice/trigger_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "informers/random.h"

namespace epslice {
namespace {

// Pods that come, go, become ready, and are decoded anew, with syncs that fail
// now and then: held against a map of names.
TEST(TriggerTimes, AreTheEarliestThatMovedWhateverHappensToPods) {
  Service service;
  service.metadata.name = "web";
  service.metadata.namespace_ = "shop";
  service.metadata.creationTimestamp = Timestamp::FromSeconds(1);
  Random random(7);
  TriggerTimes times;
  std::map<std::string, std::int64_t> pods, known;
  std::map<std::string, std::shared_ptr<const Pod>> objects;
  bool committed = false;
  int moved = 0;
  for (std::int64_t now = 2; now < 4000; ++now) {
    const bool churns = now / 500 % 2 == 1;  // otherwise pods only flip
    for (std::uint64_t n = random.Below(4); n > 0; --n) {
      const std::string name = "pod-" + std::to_string(random.Below(churns ? 60 : 40));
      if (churns && random.Chance(0.3)) {
        pods.erase(name);
        continue;
      }
      pods[name] = random.Chance(0.1) ? 0 : now;  // 0: no Ready condition
      auto pod = std::make_shared<Pod>();
      pod->metadata.name = name;
      if (pods[name] != 0) pod->readyTransitionTime = Timestamp::FromSeconds(pods[name]);
      objects[name] = std::move(pod);
    }
    std::vector<std::shared_ptr<const Pod>> list;
    std::map<std::string, std::int64_t> next;
    std::int64_t earliest = 0;
    for (const auto& [name, time] : pods) {
      list.push_back(objects[name]);
      if (time == 0) continue;
      next[name] = time;
      const auto before = known.find(name);
      if (before != known.end() && time <= before->second) continue;
      earliest = earliest == 0 ? time : std::min(earliest, time);
    }
    const TriggerTimes::Result result = times.Compute(service, list);
    const std::int64_t want = committed ? earliest : 1;
    ASSERT_EQ(result.trigger, want == 0 ? Timestamp() : Timestamp::FromSeconds(want)) << now;
    moved += want == 0 ? 0 : 1;
    if (random.Chance(0.2)) continue;
    times.Commit({"shop", "web"}, result.next);
    known = next;
    committed = true;
  }
  EXPECT_GT(moved, 1000);
}

}  // namespace
}  // namespace epslice

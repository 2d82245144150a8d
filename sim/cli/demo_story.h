// The demo's story: slices appear, a Deployment rolls over, a node goes away;
// after each the table of slices and the count of writes.
#ifndef EPSLICE_SIM_CLI_DEMO_STORY_H_
#define EPSLICE_SIM_CLI_DEMO_STORY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "informers/clock.h"
#include "informers/transport.h"
#include "sim/cli/demo_cluster.h"

namespace epslice::sim {

// Counts the writes of EndpointSlices that a watch shows. Starts a thread that
// ends with the object.
class SliceWriteCounter {
 public:
  explicit SliceWriteCounter(Transport* transport);
  ~SliceWriteCounter();
  SliceWriteCounter(const SliceWriteCounter&) = delete;
  SliceWriteCounter& operator=(const SliceWriteCounter&) = delete;

  struct Counts {
    std::int64_t created = 0, updated = 0, deleted = 0;
    std::int64_t all() const { return created + updated + deleted; }
  };
  Counts counts() const { return {created_, updated_, deleted_}; }

 private:
  void Run(Transport* transport);

  std::atomic<std::int64_t> created_{0}, updated_{0}, deleted_{0};
  CancelToken cancel_;
  std::thread thread_;
};

class DemoStory {
 public:
  struct Options {
    std::string namespace_ = "shop";
    std::string service = "frontend";
    Duration patience = std::chrono::seconds(30);  // for each wait
    std::int64_t grace_seconds = 2;
  };

  // Not owned. `pause` lets that much time pass.
  DemoStory(Transport* transport, const Clock* clock, std::ostream* out, std::function<void(Duration)> pause,
            Options options);

  // All acts. DeadlineExceeded when slices do not follow in time, Unavailable
  // when the server does not answer, NotFound when the cluster has not what
  // the story is about.
  absl::Status Tell();

 private:
  absl::Status ShowFirstSlices();
  absl::Status RollOver();
  absl::Status RollBatch(const std::vector<DemoCluster::PodPtr>& old);
  absl::Status LoseANode();
  // Waits until the slices are what a plan from scratch would leave as it is;
  // `settled` gets the cluster as it then was.
  absl::Status WaitForSlices(Dump* settled);
  // Waits until no pod is terminating.
  absl::Status WaitForPods();
  void PrintSlices(const Dump& dump);
  void PrintWrites();

  const Clock& clock_;
  std::ostream& out_;
  const std::function<void(Duration)> pause_;
  const Options options_;
  DemoCluster cluster_;
  SliceWriteCounter writes_;
  SliceWriteCounter::Counts told_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_DEMO_STORY_H_

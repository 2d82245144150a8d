// Silence: when the recorded controller was away although nothing else says so.
//
// One that is away and one that has nothing to do write alike, namely nothing. But
// what happens to pods meanwhile waits for the first, and is shown when it is back:
// a change of a pod that an endpoint shows (address, Ready, asked to go, gone), which
// came after the last write before the silence and was shown at its end no sooner
// than 5 s and the batch period later, tells that nobody was there; so do changes of
// several Services' pods that waited for 2 s and the batch period (what a retry waits
// for is one Service). A controller that
// its limit on calls slows down is never silent. Only when nothing was written counts,
// and how long what was written had waited; not what or how often.
//
// The same pod may have waited for something else: its Service, or labels, which begin
// the wait, too, or its Node, after which a controller comes when its retries are due.
// A change that was taken back in time waits for nothing.
#ifndef EPSLICE_SIM_RUN_SILENCE_H_
#define EPSLICE_SIM_RUN_SILENCE_H_

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "informers/clock.h"
#include "sim/trace/trace.h"

namespace epslice::sim {

// Not thread-safe.
class Silence {
 public:
  struct Away {
    Timestamp last_write, next_write;
  };
  // `controller_name`: the managed-by label of the slices.
  Silence(std::string controller_name, Duration batch_period)
      : controller_name_(std::move(controller_name)),
        limit_(kLeast + batch_period),
        several_(kSeveral + batch_period) {}

  // Every event of a trace in order, the start state's too; `write`: it is a write of
  // the recorded controller. The time in which that was away where this event shows
  // it: once for each.
  std::optional<Away> OnEvent(const TraceEvent& event, bool write);
  // Whether the events of the next seconds may tell of a silence that is over.
  bool undecided() const { return silence_.has_value(); }

 private:
  static constexpr Duration kLeast = std::chrono::seconds(5), kSeveral = std::chrono::seconds(2);
  static constexpr std::size_t kMostGone = 100'000;
  // Of a pod: four of each of the last that had its name (a StatefulSet's).
  static constexpr std::size_t kMostViews = 32;
  // Of a Service and address type, whichever of its slices it was.
  using Group = std::pair<ObjectKey, Text>;
  // What a slice shows of a pod.
  struct View {
    bool gone = true;  // deleted, ended, or without address
    bool serving = false, terminating = false;
    Text uid;  // empty: not told
    bool operator==(const View& other) const;
  };
  struct PodState {
    View now;
    // When it last ceased to be as each view says, the last one at the end.
    std::vector<std::pair<View, Timestamp>> left;
    StringMap labels;
    Timestamp labelled;
    Text node;
    std::set<Group> lost_by;  // whose slices showed it, and did not at some time
  };
  struct Shown {
    View view;
    ObjectKey by;  // the slice; empty: no slice shows the pod, which is there
  };
  struct SliceState {
    Group group;
    std::vector<ObjectKey> pods;
  };

  void OnPod(Timestamp now, const Pod& pod, bool deleted);
  void OnSlice(const EndpointSlice& slice, bool deleted);
  // A slice shows the pod as it is, and showed it as `before` until now.
  void Note(const ObjectKey& service, const PodState& pod, const View& before);
  static void Leave(Timestamp now, PodState* pod);

  const std::string controller_name_;
  const Duration limit_, several_;
  std::map<ObjectKey, PodState> pods_;
  std::deque<ObjectKey> gone_;
  std::map<ObjectKey, Timestamp> services_;  // when they last changed
  std::map<Text, Timestamp> nodes_;          // when they came
  std::map<ObjectKey, SliceState> slices_;
  std::map<Group, std::map<ObjectKey, Shown>> shown_;
  Timestamp last_write_;
  // The last silence that was long enough, while what waited may still be shown.
  std::optional<Away> silence_;
  std::set<ObjectKey> waited_;  // Services of whose pods changes waited for `several_`
  bool away_ = false;           // it was seen to be one of nobody there
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_RUN_SILENCE_H_

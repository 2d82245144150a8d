#include "sim/trace/made_nodes.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/discovery.h"
#include "sim/cluster/stamp.h"
#include "sim/trace/reorder.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kLabelHostname = "kubernetes.io/hostname";
constexpr std::string_view kMadeUpUid = "made-up-";
// Its endpoints have no zone, whatever their nodes have.
constexpr std::string_view kMirroring = "endpointslicemirroring-controller.k8s.io";
constexpr std::int64_t kCpuMilli = 64'000;
// How long after a pod is bound a slice shows it at last.
constexpr Duration kUntilShown = std::chrono::minutes(2);
// How much earlier than what is on it a node is there.
constexpr Duration kNodeLead = std::chrono::seconds(2);
constexpr std::size_t kMostWaiting = 20'000, kMostBytes = std::size_t{64} << 20;

// About what it takes in memory, by any compiler.
std::size_t BytesOf(const TraceEvent& event) {
  const auto slice = event.object.As<EndpointSlice>();
  const auto& json = event.object.json();
  return 1000 + (slice == nullptr ? 0 : 300 * slice->endpoints.size()) + (json == nullptr ? 0 : json->size());
}

class MadeNodesReader : public TraceReader {
 public:
  explicit MadeNodesReader(std::unique_ptr<TraceReader> reader) : reader_(std::move(reader)) {}

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    while (!ended_ && NeedsMore()) Read();
    // What the start state lacks came later.
    const bool after_start = any_in_start_ && !ahead_.empty() && ahead_.front().start;
    if (!early_.empty() && !after_start) {
      HandOutEarly(event);
      return true;
    }
    if (ahead_.empty()) return status_.ok() ? absl::StatusOr<bool>(false) : absl::StatusOr<bool>(status_);
    *event = std::move(ahead_.front());
    ahead_.pop_front();
    bytes_ahead_ -= BytesOf(*event);
    began_ |= !event->start;
    last_ = event->time;
    CountEvent(*event, &handed_out_);
    return true;
  }

  TraceSummary summary() const override {
    TraceSummary summary = WithCounts(reader_->summary(), handed_out_);
    if (made_ > 0) {
      summary.made_up.push_back(Concat(
          made_, made_ == 1 ? " node" : " nodes",
          ", from the endpoints of slices (nodeName, zone), as nothing shows them: always Ready, with the CPU of "
          "the node that was shown last, or 64: alike, so that a zone's share goes by the number of its nodes",
          shown_later_ > 0 ? Concat("; ", shown_later_, " of them are shown later, and are so from then on") : ""));
    }
    if (shown_early_ > 0) {
      const std::string_view pods_on = shown_early_ == 1 ? " node is first shown changing, after pods on it: "
                                                         : " nodes are first shown changing, after pods on them: ";
      summary.made_up.push_back(Concat(shown_early_, pods_on, "there before these, as shown"));
    }
    if (other_zones_ > 0) {
      summary.notes.push_back(
          Concat(other_zones_, other_zones_ == 1 ? " node" : " nodes",
                 " that slices name with one zone first, and with another later: the first counts"));
    }
    return summary;
  }

 private:
  enum class State : std::uint8_t {
    kWanted,  // a pod is bound to it
    kShown,   // or it was, or is known not to be there
    kMade,
  };
  struct Known {
    State state = State::kWanted;
    Text zone{};  // of one that was made up
    bool shown_later = false, other_zone = false;
  };

  bool NeedsMore() const {
    if (ahead_.empty() || ahead_.back().start) return true;
    if (ahead_.size() >= kMostWaiting || bytes_ahead_ >= kMostBytes) return false;
    const Duration wanted = wanted_ > 0 ? kUntilShown : made_ > 0 ? kNodeLead : Duration{-1};
    return Duration(ahead_.back().time.nanos - ahead_.front().time.nanos) <= wanted;
  }

  void Read() {
    TraceEvent event;
    const absl::StatusOr<bool> more = reader_->Next(&event);
    ended_ = !more.ok() || !*more;
    status_ = more.status();
    if (in_start_ && (ended_ || !event.start)) EndStart();
    if (ended_) return;
    if (event.object.kind() == Kind::kNode) OnNode(&event);
    if (event.type != WatchEventType::kDeleted) {
      if (const auto pod = event.object.As<Pod>()) OnPod(*pod);
      if (const auto slice = event.object.As<EndpointSlice>()) OnSlice(*slice, event.time);
    }
    bytes_ahead_ += BytesOf(event);
    ahead_.push_back(std::move(event));
  }

  void OnNode(TraceEvent* event) {
    const auto node = event->object.As<Node>();
    Known& known = nodes_.try_emplace(node->metadata.name, Known{State::kShown}).first->second;
    any_in_start_ |= in_start_;
    if (!IsMadeUp(*node) && node->allocatableCpuMilli.value_or(0) > 0) cpu_milli_ = *node->allocatableCpuMilli;
    const bool deleted = event->type == WatchEventType::kDeleted;
    if (known.state == State::kWanted) {
      --wanted_;
      // What is first seen changing was there before.
      if (event->type == WatchEventType::kModified && !IsMadeUp(*node)) {
        ++shown_early_;
        early_.push_back(event->object);
      }
    }
    if (IsMadeUp(*node) && !deleted) {
      known = Known{State::kMade, Text(node->metadata.labels.Get(kLabelZone))};
    } else if (known.state == State::kMade && !deleted) {
      // It is that one, whose uid was not known.
      shown_later_ += known.shown_later ? 0 : 1;
      known.shown_later = true;
      Node same = *node;
      same.metadata.uid = UidOf(same.metadata.name);
      event->object = AnyObject::Of(std::move(same), event->object.json());
    } else {
      known.state = State::kShown;
    }
  }

  void OnPod(const Pod& pod) {
    if (pod.nodeName.empty() || pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed) return;
    if (nodes_.try_emplace(pod.nodeName, Known{State::kWanted}).second) ++wanted_;
  }

  void OnSlice(const EndpointSlice& slice, Timestamp now) {
    if (slice.metadata.labels.Get(kLabelManagedBy) == kMirroring) return;
    for (const Endpoint& endpoint : slice.endpoints) {
      if (endpoint.nodeName.empty()) continue;
      if (in_start_) {
        // Only when all of it is known it is clear which nodes there are.
        named_in_start_.emplace_back(endpoint.nodeName, endpoint.zone);
      } else {
        OnName(endpoint.nodeName, endpoint.zone, now);
      }
    }
  }

  void OnName(const Text& name, const Text& zone, Timestamp now) {
    const auto [it, added] = nodes_.try_emplace(name, Known{State::kMade, zone});
    Known& known = it->second;
    if (!added && known.state != State::kWanted) {
      if (known.state != State::kMade || known.other_zone || known.shown_later || known.zone == zone) return;
      known.other_zone = true;
      ++other_zones_;
      return;
    }
    if (!added) {
      --wanted_;
      known = Known{State::kMade, zone};
    }
    ++made_;
    Node node;
    node.metadata.name = name;
    node.metadata.uid = UidOf(name);
    node.metadata.creationTimestamp = WholeSeconds(EarlyTime(now));
    node.metadata.labels = zone.empty()
                               ? StringMap{{Text::Intern(kLabelHostname), name}}
                               : StringMap{{Text::Intern(kLabelHostname), name}, {Text::Intern(kLabelZone), zone}};
    node.ready = true;
    node.allocatableCpuMilli = cpu_milli_;
    early_.push_back(AnyObject::Of(std::move(node)));
  }

  // Which nodes there are at the beginning is known now.
  void EndStart() {
    in_start_ = false;
    if (any_in_start_) {
      for (auto& [name, known] : nodes_) {
        if (known.state == State::kWanted) known.state = State::kShown;
      }
      wanted_ = 0;
    }
    for (const auto& [name, zone] : std::exchange(named_in_start_, {})) {
      if (any_in_start_) {
        nodes_.try_emplace(name, Known{State::kShown});
      } else {
        OnName(name, zone, ahead_.front().time);
      }
    }
  }

  // When that is which is handed out before what waits.
  Timestamp EarlyTime(Timestamp now) const {
    return last_.is_set() ? last_ : ahead_.empty() ? now : ahead_.front().time;
  }

  void HandOutEarly(TraceEvent* event) {
    *event =
        TraceEvent{EarlyTime(last_), WatchEventType::kAdded, std::move(early_.front()), "", !began_ && !any_in_start_};
    early_.pop_front();
    CountEvent(*event, &handed_out_);
  }

  static Text UidOf(const Text& name) { return Text(Concat(kMadeUpUid, name.view())); }

  const std::unique_ptr<TraceReader> reader_;
  std::deque<TraceEvent> ahead_;
  std::size_t bytes_ahead_ = 0;
  std::deque<AnyObject> early_;            // goes before that
  std::unordered_map<Text, Known> nodes_;  // its order reaches nothing
  std::int64_t cpu_milli_ = kCpuMilli;
  std::int64_t wanted_ = 0;  // of these
  std::vector<std::pair<Text, Text>> named_in_start_;
  bool in_start_ = true, any_in_start_ = false;  // read; nodes
  bool began_ = false;                           // handed out
  bool ended_ = false;
  absl::Status status_;
  Timestamp last_;
  std::int64_t made_ = 0, shown_later_ = 0, shown_early_ = 0, other_zones_ = 0;
  TraceSummary handed_out_;  // its counts and times
};

}  // namespace

bool IsMadeUp(const Node& node) { return node.metadata.uid.view().starts_with(kMadeUpUid); }

std::unique_ptr<TraceReader> WithMadeNodes(std::unique_ptr<TraceReader> reader) {
  return std::make_unique<MadeNodesReader>(std::move(reader));
}

}  // namespace epslice::sim

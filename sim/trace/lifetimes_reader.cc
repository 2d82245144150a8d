// Instances' lifetimes as the events of pods, with what a table lacks made up.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>

#include "apis/concat.h"
#include "informers/random.h"
#include "sim/trace/csv_reader.h"
#include "sim/trace/reorder.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kBegin = 1'767'225'600 * kSecond;  // 2026-01-01T00:00:00Z
constexpr std::array<std::string_view, 3> kZones = {"zone-a", "zone-b", "zone-c"};
constexpr std::int64_t kReadyFrom = 2 * kSecond, kReadyTo = 10 * kSecond;
constexpr std::int64_t kDrainFrom = 1 * kSecond, kDrainTo = 10 * kSecond;
constexpr std::int64_t kGrace = 30;
constexpr std::int64_t kMadeUpCpuMilli = 64'000;
constexpr std::int64_t kInstancesPerNode = 20;
constexpr std::int32_t kPort = 8080;
// Streams of the seed.
constexpr std::uint64_t kPlacement = 1, kDelays = 2;

std::int64_t FlooredToSecond(std::int64_t t) { return t - t % kSecond; }

// Most instances that live at one time.
std::int64_t Peak(const std::vector<Instance>& instances) {
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> ends;
  std::size_t peak = 0;
  for (const Instance& instance : instances) {
    while (!ends.empty() && ends.top() <= instance.created) ends.pop();
    ends.push(instance.deleted);
    peak = std::max(peak, ends.size());
  }
  return static_cast<std::int64_t>(peak);
}

// Puts instances on nodes: in the zone that has the fewest of the application,
// the emptier one of two nodes drawn there.
class Placer {
 public:
  Placer(std::size_t apps, std::size_t nodes, std::uint64_t seed)
      : random_(Random(seed).Fork(kPlacement)), per_app_(apps), per_node_(nodes) {}

  std::size_t Place(std::uint32_t app) {
    auto& counts = per_app_[app];
    const std::size_t zones = std::min(kZones.size(), per_node_.size());
    const std::size_t zone =
        static_cast<std::size_t>(std::min_element(counts.begin(), counts.begin() + zones) - counts.begin());
    const std::size_t in_zone = (per_node_.size() - zone + kZones.size() - 1) / kZones.size();
    const auto draw = [&] { return zone + kZones.size() * random_.Below(in_zone); };
    const std::size_t a = draw(), b = draw();
    const std::size_t node = per_node_[b] < per_node_[a] ? b : a;
    ++counts[zone];
    ++per_node_[node];
    return node;
  }
  void Remove(std::uint32_t app, std::size_t node) {
    --per_app_[app][node % kZones.size()];
    --per_node_[node];
  }

 private:
  Random random_;
  std::vector<std::array<std::int64_t, kZones.size()>> per_app_;
  std::vector<std::int64_t> per_node_;
};

class LifetimesReader : public TraceReader {
 public:
  LifetimesReader(const std::string& preset, InstanceTable table, std::vector<NodeRow> nodes, std::uint64_t seed,
                  TraceSummary summary)
      : namespace_(Text::Intern(preset)),
        table_(std::move(table)),
        nodes_(MakeNodes(std::move(nodes), table_, &nodes_given_)),
        placer_(table_.apps.size(), nodes_.size(), seed),
        delays_(Random(seed).Fork(kDelays)),
        summary_(std::move(summary)) {
    for (const std::string& app : table_.apps) {
      labels_.push_back(StringMap{{Text::Intern("app"), Text::Intern(app)}});
    }
    StateRules();
  }

  absl::StatusOr<bool> Next(TraceEvent* event) override {
    if (!NextEvent(event)) return false;
    CountEvent(*event, &summary_);
    return true;
  }
  TraceSummary summary() const override { return summary_; }

 private:
  enum class Step : std::uint8_t { kCreated, kScheduled, kReady, kDeleted, kGone };
  // What is due next of a running instance.
  struct Due {
    std::int64_t at = 0;
    std::uint64_t sequence = 0;
    std::size_t instance = 0;
    Step step = Step::kCreated;
    bool operator>(const Due& other) const {
      return std::make_pair(at, sequence) > std::make_pair(other.at, other.sequence);
    }
  };
  struct Running {
    std::shared_ptr<const Pod> pod;
    std::size_t node = 0;
    bool placed = false;
  };

  static std::vector<NodeRow> MakeNodes(std::vector<NodeRow> nodes, const InstanceTable& table, bool* given) {
    *given = !nodes.empty();
    if (*given) return nodes;
    const std::int64_t count =
        std::clamp<std::int64_t>((Peak(table.instances) + kInstancesPerNode - 1) / kInstancesPerNode, 3, 5000);
    for (std::int64_t i = 0; i < count; ++i) nodes.push_back({Concat("node-", i), kMadeUpCpuMilli});
    return nodes;
  }

  void StateRules() {
    std::vector<std::string>& rules = summary_.made_up;
    rules.emplace_back("the table tells times since its beginning only: that was put at 2026-01-01T00:00:00Z");
    if (!nodes_given_) {
      rules.push_back(Concat("nodes: ", nodes_.size(), " of 64 CPU, one for 20 instances at the peak, always Ready"));
    }
    rules.emplace_back("zones: the nodes belong to zone-a, zone-b and zone-c in turn");
    if (table_.instances.empty()) return;
    rules.push_back(Concat("Services: ", table_.apps.size(),
                           ", one for each application, port 80 to 8080, there from the beginning"));
    rules.emplace_back(
        "placement: in the zone with the fewest instances of the application, on the emptier one of two nodes drawn "
        "from the seed");
    rules.emplace_back("readiness: drawn from the seed, 2 s to 10 s after the instance is scheduled");
    rules.emplace_back(
        "ends: at its deletion time an instance is asked to go (30 s grace) and it is gone after 1 s to 10 s, drawn "
        "from the seed");
  }

  bool NextEvent(TraceEvent* event) {
    if (start_at_ < nodes_.size()) return StartNode(start_at_++, event);
    if (start_at_ < nodes_.size() + table_.apps.size()) return StartService(start_at_++ - nodes_.size(), event);
    while (next_ < table_.instances.size() || !due_.empty()) {
      const bool create =
          next_ < table_.instances.size() && (due_.empty() || table_.instances[next_].created <= due_.top().at);
      if (create) {
        Due due{table_.instances[next_].created, sequence_++, next_, Step::kCreated};
        ++next_;
        if (Take(due, event)) return true;
      } else {
        const Due due = due_.top();
        due_.pop();
        if (Take(due, event)) return true;
      }
    }
    return false;
  }

  bool StartNode(std::size_t index, TraceEvent* event) const {
    Node node;
    node.metadata.name = Text::Intern(nodes_[index].name);
    node.metadata.uid = Text(Concat("node-uid-", index));
    node.metadata.creationTimestamp = Timestamp{kBegin};
    node.metadata.labels = StringMap{{Text::Intern("kubernetes.io/hostname"), node.metadata.name},
                                     {Text::Intern(kLabelZone), Text::Intern(kZones[index % kZones.size()])}};
    node.ready = true;
    node.allocatableCpuMilli = nodes_[index].cpu_milli;
    *event = {Timestamp{kBegin}, WatchEventType::kAdded, AnyObject::Of(std::move(node)), "", true};
    return true;
  }

  bool StartService(std::size_t app, TraceEvent* event) const {
    Service service;
    service.metadata.name = Text::Intern(table_.apps[app]);
    service.metadata.namespace_ = namespace_;
    service.metadata.uid = Text(Concat("service-uid-", app));
    service.metadata.creationTimestamp = Timestamp{kBegin};
    service.metadata.labels = labels_[app];
    service.spec.type = Text::Intern("ClusterIP");
    service.spec.selector = labels_[app];
    const auto number = static_cast<int>(app) + 1;
    service.spec.clusterIP = Text(Concat("10.96.", number / 250 % 250, ".", number % 250 + 1));
    service.spec.clusterIPs = {service.spec.clusterIP};
    service.spec.ipFamilies = {Text::Intern("IPv4")};
    ServicePort port;
    port.protocol = Text::Intern("TCP");
    port.port = 80;
    port.targetPort.number = kPort;
    service.spec.ports = {port};
    *event = {Timestamp{kBegin}, WatchEventType::kAdded, AnyObject::Of(std::move(service)), "", true};
    return true;
  }

  // Makes the event of what is due; false when nothing is to be told.
  bool Take(const Due& due, TraceEvent* event) {
    const Instance& instance = table_.instances[due.instance];
    event->type = WatchEventType::kModified;
    event->actor.clear();
    event->start = false;
    std::shared_ptr<Pod> pod;
    if (due.step == Step::kCreated) {
      pod = Create(instance, due.instance, event);
    } else {
      const auto it = running_.find(due.instance);
      if (it == running_.end()) return false;
      pod = std::make_shared<Pod>(*it->second.pod);
      if (!Advance(instance, due, &it->second, pod.get(), event)) return false;
    }
    event->time = Timestamp{kBegin + std::max<std::int64_t>(due.at, 0)};
    if (due.at == Instance::kBefore) event->time = Timestamp{kBegin};
    const bool gone = event->type == WatchEventType::kDeleted;
    if (gone) {
      running_.erase(due.instance);
    } else {
      running_[due.instance].pod = pod;
    }
    event->object = AnyObject(std::shared_ptr<const Pod>(std::move(pod)));
    return true;
  }

  std::shared_ptr<Pod> Create(const Instance& instance, std::size_t index, TraceEvent* event) {
    auto pod = std::make_shared<Pod>();
    const std::int64_t created = instance.created == Instance::kBefore ? 0 : instance.created;
    pod->metadata.name = Text(Concat(table_.apps[instance.app], "-", instance.row));
    pod->metadata.namespace_ = namespace_;
    pod->metadata.uid = Text(Concat("pod-uid-", instance.row));
    pod->metadata.labels = labels_[instance.app];
    pod->metadata.creationTimestamp = Timestamp{kBegin + FlooredToSecond(created)};
    pod->phase = PodPhase::kPending;
    event->type = WatchEventType::kAdded;
    if (instance.created == Instance::kBefore) {
      event->start = true;
      Bind(instance, index, 0, pod.get());
      SetReady(0, pod.get());
    } else if (instance.scheduled != Instance::kNever) {
      Push(instance.scheduled, index, Step::kScheduled);
    }
    if (instance.deleted != Instance::kNever) Push(instance.deleted, index, Step::kDeleted);
    return pod;
  }

  void Bind(const Instance& instance, std::size_t index, std::int64_t at, Pod* pod) {
    Running& running = running_[index];
    running.node = placer_.Place(instance.app);
    running.placed = true;
    pod->nodeName = Text::Intern(nodes_[running.node].name);
    const std::uint32_t address = ++addresses_ % 0xfffffeU + 1;
    pod->podIPs = {*ParseIpLenient(Concat("10.", address >> 16, ".", address >> 8 & 0xff, ".", address & 0xff))};
    pod->hasPodIP = true;
    pod->phase = PodPhase::kRunning;
    pod->readyTransitionTime = Timestamp{kBegin + FlooredToSecond(at)};
  }

  static void SetReady(std::int64_t at, Pod* pod) {
    pod->ready = true;
    pod->readyTransitionTime = Timestamp{kBegin + FlooredToSecond(at)};
  }

  bool Advance(const Instance& instance, const Due& due, Running* running, Pod* pod, TraceEvent* event) {
    switch (due.step) {
      case Step::kCreated: return false;
      case Step::kScheduled:
        if (pod->metadata.deletionTimestamp.is_set()) return false;
        Bind(instance, due.instance, due.at, pod);
        Push(due.at + delays_.Between(kReadyFrom, kReadyTo), due.instance, Step::kReady);
        return true;
      case Step::kReady:
        if (pod->metadata.deletionTimestamp.is_set()) return false;
        SetReady(due.at, pod);
        return true;
      case Step::kDeleted:
        if (!running->placed) {
          event->type = WatchEventType::kDeleted;
          return true;
        }
        pod->metadata.deletionTimestamp = Timestamp{kBegin + FlooredToSecond(due.at) + kGrace * kSecond};
        Push(due.at + delays_.Between(kDrainFrom, kDrainTo), due.instance, Step::kGone);
        return true;
      case Step::kGone:
        placer_.Remove(instance.app, running->node);
        event->type = WatchEventType::kDeleted;
        return true;
    }
    return false;
  }

  void Push(std::int64_t at, std::size_t instance, Step step) { due_.push({at, sequence_++, instance, step}); }

  const Text namespace_;
  const InstanceTable table_;
  bool nodes_given_ = false;
  const std::vector<NodeRow> nodes_;
  Placer placer_;
  Random delays_;
  TraceSummary summary_;
  std::vector<StringMap> labels_;  // by app
  std::size_t start_at_ = 0;       // nodes, then Services
  std::size_t next_ = 0;           // instance to be created
  std::uint64_t sequence_ = 0;
  std::uint32_t addresses_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::unordered_map<std::size_t, Running> running_;  // looked up only
};

}  // namespace

std::unique_ptr<TraceReader> MakeLifetimesReader(const std::string& preset, InstanceTable table,
                                                 std::vector<NodeRow> nodes, std::uint64_t seed, TraceSummary summary) {
  return std::make_unique<LifetimesReader>(preset, std::move(table), std::move(nodes), seed, std::move(summary));
}

}  // namespace epslice::sim

#include "sim/trace/trace_facts.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "apis/concat.h"
#include "apis/quantity.h"
#include "sim/cluster/any_object.h"
#include "sim/trace/json_span.h"

namespace epslice::sim {
namespace {

constexpr std::int64_t kMostCpu = std::numeric_limits<std::int64_t>::max() / (1 << 20);

// Unquoted numbers, which hand-written manifests have, are quantities, too.
std::optional<std::int64_t> QuantityOf(JsonSpan value) {
  if (!value.present()) return std::nullopt;
  const absl::StatusOr<std::int64_t> milli =
      ParseQuantityMilli(value.is_string() ? value.String() : std::string(value.text()));
  if (!milli.ok()) return std::nullopt;
  return std::clamp<std::int64_t>(*milli, 0, kMostCpu);
}

// The request or, as an API server fills it in, the limit.
std::optional<std::int64_t> CpuOf(JsonSpan resources) {
  const std::optional<std::int64_t> request = QuantityOf(resources["requests"]["cpu"]);
  return request ? request : QuantityOf(resources["limits"]["cpu"]);
}

// As the scheduler's PodRequests(): sidecars (init containers that restart) run on
// while those behind them start. Nullopt: the JSON is not that of a pod as somebody
// wrote it, but made from a struct, which knows little of its containers.
std::optional<std::int64_t> CpuOfPod(JsonSpan spec) {
  JsonSpan containers, init, overhead, of_pod;
  spec.Get({{"containers", &containers}, {"initContainers", &init}, {"overhead", &overhead}, {"resources", &of_pod}});
  std::int64_t together = 0, sidecars = 0, starting = 0;
  bool written = false;
  containers.ForEachItem([&](JsonSpan container) {
    JsonSpan image, resources;
    container.Get({{"image", &image}, {"resources", &resources}});
    written |= image.present();
    together += CpuOf(resources).value_or(0);
  });
  if (!written) return std::nullopt;
  init.ForEachItem([&](JsonSpan container) {
    const std::int64_t cpu = CpuOf(container["resources"]).value_or(0);
    if (container["restartPolicy"].String() == "Always") {
      sidecars += cpu;
      starting = std::max(starting, sidecars);
    } else {
      starting = std::max(starting, sidecars + cpu);
    }
  });
  const std::int64_t all = std::max(together + sidecars, starting);
  return CpuOf(of_pod).value_or(all) + QuantityOf(overhead["cpu"]).value_or(0);
}

PodOwner OwnerOf(std::string_view kind) {
  if (kind == "DaemonSet") return PodOwner::kDaemonSet;
  if (kind == "StatefulSet") return PodOwner::kStatefulSet;
  return kind == "Node" ? PodOwner::kNode : PodOwner::kOther;
}

Text NameOf(const BasicMeta& pod) {
  if (!pod.uid.empty()) return pod.uid;
  const std::string_view in = pod.namespace_.empty() ? "default" : pod.namespace_.view();
  return Text(Concat(in, "/", pod.name.view()));
}

class NotingReader : public TraceReader {
 public:
  NotingReader(std::unique_ptr<TraceReader> reader, TraceFacts* facts, bool keep_json)
      : reader_(std::move(reader)), facts_(*facts), keep_json_(keep_json) {}
  absl::StatusOr<bool> Next(TraceEvent* event) override {
    absl::StatusOr<bool> more = reader_->Next(event);
    if (!more.ok() || !*more) return more;
    if (event->type != WatchEventType::kDeleted) facts_.Note(event->object);
    if (!keep_json_) event->object = WithoutJson(event->object);
    return more;
  }
  TraceSummary summary() const override { return reader_->summary(); }

 private:
  const std::unique_ptr<TraceReader> reader_;
  TraceFacts& facts_;
  const bool keep_json_;
};

}  // namespace

void TraceFacts::Note(const AnyObject& object) {
  if (object.json() == nullptr) return;
  const JsonSpan json(*object.json());
  if (object.kind() == Kind::kNode) {
    const std::optional<std::int64_t> places = QuantityOf(json["status"]["allocatable"]["pods"]);
    if (places) places_[object.meta().name] = static_cast<int>(std::min<std::int64_t>(*places / 1000, 1'000'000));
    return;
  }
  if (object.kind() != Kind::kPod || pods_.count(NameOf(object.meta())) > 0) return;
  JsonSpan metadata, spec;
  json.Get({{"metadata", &metadata}, {"spec", &spec}});
  const std::optional<std::int64_t> cpu = CpuOfPod(spec);
  if (!cpu) return;
  PodFacts facts;
  facts.cpu_milli = *cpu;
  metadata["ownerReferences"].ForEachItem([&facts](JsonSpan owner) {
    JsonSpan kind, name, controller;
    owner.Get({{"kind", &kind}, {"name", &name}, {"controller", &controller}});
    if (!controller.is_true()) return;
    facts.owner = OwnerOf(kind.String());
    facts.owner_name = Text::Intern(name.String());
  });
  has_daemons_ |= facts.owner == PodOwner::kDaemonSet;
  pods_.emplace(NameOf(object.meta()), std::move(facts));
}

const PodFacts* TraceFacts::Find(const Pod& pod) const {
  auto it = pods_.find(pod.metadata.uid);
  if (it == pods_.end()) {
    // A server gives a uid to what has none.
    it = pods_.find(Text(Concat(pod.metadata.namespace_.view(), "/", pod.metadata.name.view())));
  }
  return it == pods_.end() ? nullptr : &it->second;
}

std::optional<int> TraceFacts::PlacesOf(const Text& node) const {
  const auto it = places_.find(node);
  return it == places_.end() ? std::nullopt : std::optional(it->second);
}

AnyObject WithoutJson(const AnyObject& object) {
  if (object.json() == nullptr) return object;
  return WithType(object.kind(), [&]<typename T>() { return AnyObject(object.As<T>()); });
}

std::unique_ptr<TraceReader> NotingFacts(std::unique_ptr<TraceReader> reader, TraceFacts* facts, bool keep_json) {
  return std::make_unique<NotingReader>(std::move(reader), facts, keep_json);
}

}  // namespace epslice::sim

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

// Of a pod, so that what a node's request together is a number, too.
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
// wrote it (`written`: that is known), but made from a struct, which knows little of
// its containers.
std::optional<std::int64_t> CpuOfPod(JsonSpan spec, bool written) {
  JsonSpan containers, init, overhead, of_pod;
  spec.Get({{"containers", &containers}, {"initContainers", &init}, {"overhead", &overhead}, {"resources", &of_pod}});
  std::int64_t together = 0, sidecars = 0, starting = 0;
  containers.ForEachItem([&](JsonSpan container) {
    JsonSpan image, resources;
    container.Get({{"image", &image}, {"resources", &resources}});
    written |= image.present() || resources.present();
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
  const std::int64_t all = CpuOf(of_pod).value_or(std::max(together + sidecars, starting));
  return std::min(all + QuantityOf(overhead["cpu"]).value_or(0), kMostCpu);
}

// As the DaemonSet controller writes it into each of its pods; empty: otherwise.
Text NodeOfAffinity(JsonSpan spec) {
  Text node;
  spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].ForEachItem(
      [&node](JsonSpan term) {
        term["matchFields"].ForEachItem([&node](JsonSpan field) {
          if (field["key"].String() != "metadata.name" || field["operator"].String() != "In") return;
          field["values"].ForEachItem([&node](JsonSpan value) { node = Text::Intern(value.String()); });
        });
      });
  return node;
}

PodOwner OwnerOf(std::string_view kind) {
  if (kind == "DaemonSet") return PodOwner::kDaemonSet;
  if (kind == "StatefulSet") return PodOwner::kStatefulSet;
  return kind == "Node" ? PodOwner::kNode : PodOwner::kOther;
}

std::string NameWithoutUid(const BasicMeta& pod) {
  return Concat(pod.namespace_.empty() ? "default" : pod.namespace_.view(), "/", pod.name.view());
}

Text NameOf(const BasicMeta& pod) { return pod.uid.empty() ? Text(NameWithoutUid(pod)) : pod.uid; }

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
  bool owned = false;
  metadata["ownerReferences"].ForEachItem([&owned](JsonSpan) { owned = true; });
  const std::optional<std::int64_t> cpu = CpuOfPod(spec, owned);
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
  if (facts.owner == PodOwner::kDaemonSet) facts.for_node = NodeOfAffinity(spec);
  has_daemons_ |= facts.owner == PodOwner::kDaemonSet;
  pods_.emplace(NameOf(object.meta()), std::move(facts));
}

void TraceFacts::TakeOver(const AnyObject& object, const TraceFacts& from) {
  if (object.kind() == Kind::kNode) {
    if (const auto it = from.places_.find(object.meta().name); it != from.places_.end()) places_.insert(*it);
  } else if (object.kind() == Kind::kPod) {
    const auto it = from.pods_.find(NameOf(object.meta()));
    if (it == from.pods_.end()) return;
    has_daemons_ |= it->second.owner == PodOwner::kDaemonSet;
    pods_.insert(*it);
  }
}

// A server gives a uid to what has none.
std::unordered_map<Text, PodFacts>::const_iterator TraceFacts::Lookup(const Pod& pod) const {
  const auto it = pods_.find(pod.metadata.uid);
  return it != pods_.end() ? it : pods_.find(Text(NameWithoutUid(pod.metadata)));
}

const PodFacts* TraceFacts::Find(const Pod& pod) const {
  const auto it = Lookup(pod);
  return it == pods_.end() ? nullptr : &it->second;
}

void TraceFacts::Forget(const Pod& pod) {
  if (const auto it = Lookup(pod); it != pods_.end()) pods_.erase(it);
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

#include "sim/cli/demo_story.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "apis/concat.h"
#include "apis/selector.h"
#include "controllers/endpointslice/reconcile.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "sim/cli/demo_hints.h"
#include "sim/cluster/dump_cluster.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

using PodPtr = DemoCluster::PodPtr;

constexpr std::size_t kBatches = 4;

struct SliceTotals {
  int slices = 0, endpoints = 0, ready = 0, serving = 0, terminating = 0;
  std::map<std::string, int> zones;
};

// The endpoints that must not be in slices any more do not count as right.
bool InStep(const DumpCluster& cluster) {
  return std::all_of(cluster.inputs.begin(), cluster.inputs.end(),
                     [](const ReconcileInput& input) { return Reconcile(input, {}).writes.empty(); });
}

std::vector<PodPtr> PodsOf(const Dump& dump, const Service& service) {
  std::vector<PodPtr> pods;
  for (const PodPtr& pod : dump.Of<Pod>()) {
    if (pod->metadata.namespace_ == service.metadata.namespace_ && service.spec.selector &&
        MatchesLabels(*service.spec.selector, pod->metadata.labels)) {
      pods.push_back(pod);
    }
  }
  return pods;
}

}  // namespace

SliceWriteCounter::SliceWriteCounter(Transport* transport) : thread_([this, transport] { Run(transport); }) {}

SliceWriteCounter::~SliceWriteCounter() {
  cancel_.Cancel();
  thread_.join();
}

void SliceWriteCounter::Run(Transport* transport) {
  Request list;
  list.verb = Verb::kList;
  list.kind = Kind::kEndpointSlice;
  Response start = transport->Do(list, &cancel_);
  Request watch = list;
  watch.verb = Verb::kWatch;
  // The slices that are there already are writes too, seen late.
  created_ += static_cast<std::int64_t>(start.list.items.size());
  watch.list.resourceVersion = start.list.resourceVersion;
  while (!cancel_.cancelled() && start.status.ok()) {
    const Status end = transport->Watch(watch, &cancel_, [&](const WatchEvent& event) {
      if (event.type == WatchEventType::kAdded) ++created_;
      if (event.type == WatchEventType::kModified) ++updated_;
      if (event.type == WatchEventType::kDeleted) ++deleted_;
      if (event.object.has_value()) watch.list.resourceVersion = event.object.meta().resourceVersion.str();
      return event.type != WatchEventType::kError;
    });
    if (!end.ok()) return;
  }
}

DemoStory::DemoStory(Transport* transport, const Clock* clock, std::ostream* out, std::function<void(Duration)> pause,
                     Options options)
    : clock_(*clock),
      out_(*out),
      pause_(std::move(pause)),
      options_(std::move(options)),
      cluster_(transport, clock),
      writes_(transport) {}

absl::Status DemoStory::Tell() {
  for (auto act : {&DemoStory::ShowFirstSlices, &DemoStory::RollOver, &DemoStory::LoseANode}) {
    if (absl::Status status = (this->*act)(); !status.ok()) return status;
  }
  const SliceWriteCounter::Counts total = writes_.counts();
  out_ << "\nAll in all " << total.all() << " writes of EndpointSlices: " << total.created << " created, "
       << total.updated << " updated, " << total.deleted << " deleted.\n";
  return absl::OkStatus();
}

absl::Status DemoStory::WaitForSlices(Dump* settled) {
  const Instant deadline = clock_.Now() + options_.patience;
  for (;; pause_(std::chrono::milliseconds(50))) {
    absl::StatusOr<Dump> dump = cluster_.Read();
    if (!dump.ok()) return dump.status();
    if (InStep(MakeDumpCluster(*dump, {}))) {
      *settled = *std::move(dump);
      return absl::OkStatus();
    }
    if (clock_.Now() > deadline) {
      return absl::DeadlineExceededError("the slices did not follow; is the controller running?");
    }
  }
}

absl::Status DemoStory::WaitForPods() {
  const Instant deadline = clock_.Now() + options_.patience;
  for (;; pause_(std::chrono::milliseconds(100))) {
    absl::StatusOr<Dump> dump = cluster_.Read();
    if (!dump.ok()) return dump.status();
    const auto pods = dump->Of<Pod>();
    if (std::none_of(pods.begin(), pods.end(),
                     [](const PodPtr& pod) { return pod->metadata.deletionTimestamp.is_set(); })) {
      return absl::OkStatus();
    }
    if (clock_.Now() > deadline) return absl::DeadlineExceededError("pods that were deleted did not go");
  }
}

void DemoStory::PrintSlices(const Dump& dump) {
  std::map<std::string, SliceTotals> by_service;
  for (const auto& slice : dump.Of<EndpointSlice>()) {
    SliceTotals& totals = by_service[ServiceOfSlice(*slice).ToString()];
    ++totals.slices;
    for (const Endpoint& endpoint : slice->endpoints) {
      ++totals.endpoints;
      totals.ready += endpoint.conditions.ready == true ? 1 : 0;
      totals.serving += endpoint.conditions.serving == true ? 1 : 0;
      totals.terminating += endpoint.conditions.terminating == true ? 1 : 0;
      ++totals.zones[endpoint.zone.empty() ? "(none)" : endpoint.zone.str()];
    }
  }
  Table table({"SERVICE", "SLICES", "ENDPOINTS", "READY", "SERVING", "TERMINATING", "ZONES"});
  for (const auto& [service, totals] : by_service) {
    std::string zones;
    for (const auto& [zone, count] : totals.zones) zones += Concat(zones.empty() ? "" : " ", zone, ':', count);
    table.Add({service, Concat(totals.slices), Concat(totals.endpoints), Concat(totals.ready), Concat(totals.serving),
               Concat(totals.terminating), zones});
  }
  table.Print(out_);
  PrintWrites();
}

void DemoStory::PrintWrites() {
  // The watch may be a moment behind what a list shows.
  pause_(std::chrono::milliseconds(150));
  const SliceWriteCounter::Counts now = writes_.counts();
  out_ << "   writes: " << now.created - told_.created << " created, " << now.updated - told_.updated << " updated, "
       << now.deleted - told_.deleted << " deleted\n";
  told_ = now;
  out_.flush();
}

absl::Status DemoStory::ShowFirstSlices() {
  const Instant start = clock_.Now();
  Dump dump;
  if (absl::Status status = WaitForSlices(&dump); !status.ok()) return status;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now() - start).count();
  out_ << "1. A cluster without a single EndpointSlice, and the controller started: every Service has its slices\n   ("
       << ms << " ms after we began to look).\n\n";
  PrintSlices(dump);
  return absl::OkStatus();
}

absl::Status DemoStory::RollBatch(const std::vector<PodPtr>& old) {
  std::vector<PodPtr> fresh;
  for (const PodPtr& pod : old) {
    absl::StatusOr<PodPtr> started = cluster_.StartPodLike(*pod, "v2", pod->nodeName);
    if (!started.ok()) return started.status();
    fresh.push_back(*std::move(started));
  }
  pause_(std::chrono::milliseconds(300));
  for (const PodPtr& pod : fresh) {
    if (absl::Status status = cluster_.SetPodReady(*pod, true); !status.ok()) return status;
  }
  for (const PodPtr& pod : old) {
    if (absl::Status status = cluster_.DeletePod(*pod, options_.grace_seconds); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status DemoStory::RollOver() {
  absl::StatusOr<Dump> dump = cluster_.Read();
  if (!dump.ok()) return dump.status();
  std::vector<PodPtr> old;
  for (const auto& service : dump->Of<Service>()) {
    if (service->metadata.name == options_.service && service->metadata.namespace_ == options_.namespace_) {
      old = PodsOf(*dump, *service);
    }
  }
  if (old.empty()) return absl::NotFoundError(Concat("no pods of ", options_.namespace_, "/", options_.service));
  out_ << "\n2. A rolling update of " << options_.service << ": " << old.size()
       << " pods, a quarter at a time; the old ones drain for " << options_.grace_seconds << " s.\n";
  const std::size_t step = (old.size() + kBatches - 1) / kBatches;
  for (std::size_t at = 0; at < old.size(); at += step) {
    const std::vector<PodPtr> batch(old.begin() + static_cast<std::ptrdiff_t>(at),
                                    old.begin() + static_cast<std::ptrdiff_t>(std::min(at + step, old.size())));
    if (absl::Status status = RollBatch(batch); !status.ok()) return status;
    Dump settled;
    if (absl::Status status = WaitForSlices(&settled); !status.ok()) return status;
    SliceTotals totals;
    for (const auto& slice : settled.Of<EndpointSlice>()) {
      if (ServiceOfSlice(*slice).name != options_.service) continue;
      for (const Endpoint& endpoint : slice->endpoints) {
        totals.ready += endpoint.conditions.ready == true ? 1 : 0;
        totals.terminating += endpoint.conditions.terminating == true ? 1 : 0;
      }
    }
    out_ << "   " << std::min(at + step, old.size()) << " of " << old.size() << " pods renewed: " << totals.ready
         << " endpoints ready, " << totals.terminating << " terminating and still serving\n";
    PrintWrites();
  }
  if (absl::Status status = WaitForPods(); !status.ok()) return status;
  Dump settled;
  if (absl::Status status = WaitForSlices(&settled); !status.ok()) return status;
  out_ << "   The old pods are gone:\n\n";
  PrintSlices(settled);
  return absl::OkStatus();
}

absl::Status DemoStory::LoseANode() {
  absl::StatusOr<Dump> dump = cluster_.Read();
  if (!dump.ok()) return dump.status();
  // The node with the most pods; the first by name of equals.
  std::map<Text, std::vector<PodPtr>> on_node;
  for (const PodPtr& pod : dump->Of<Pod>()) on_node[pod->nodeName].push_back(pod);
  const auto nodes = dump->Of<Node>();
  std::shared_ptr<const Node> lost;
  for (const auto& node : nodes) {
    if (lost == nullptr || on_node[node->metadata.name].size() > on_node[lost->metadata.name].size()) lost = node;
  }
  if (lost == nullptr || nodes.size() < 2) return absl::NotFoundError("the demo needs a cluster of two nodes or more");
  const std::vector<PodPtr>& pods = on_node[lost->metadata.name];
  out_ << "\n3. Node " << lost->metadata.name << " falls silent with " << pods.size()
       << " pods on it. Before that:\n\n";
  PrintHintsByZone(*dump, out_);
  out_ << "\n   Its pods are no longer ready:\n\n";
  Dump settled;
  if (absl::Status status = cluster_.LoseNode(*lost, pods); !status.ok()) return status;
  if (absl::Status status = WaitForSlices(&settled); !status.ok()) return status;
  PrintSlices(settled);
  out_ << '\n';
  PrintHintsByZone(settled, out_);
  // Spread over the nodes that are left, as a scheduler would.
  std::size_t next = 0;
  for (const PodPtr& pod : pods) {
    if (nodes[next]->metadata.name == lost->metadata.name) next = (next + 1) % nodes.size();
    absl::StatusOr<PodPtr> moved = cluster_.StartPodLike(*pod, "moved", nodes[next]->metadata.name);
    next = (next + 1) % nodes.size();
    if (!moved.ok()) return moved.status();
    absl::Status status = cluster_.SetPodReady(**moved, true);
    if (status.ok()) status = cluster_.DeletePod(*pod, 0);
    if (!status.ok()) return status;
  }
  if (absl::Status status = cluster_.DeleteNode(*lost); !status.ok()) return status;
  if (absl::Status status = WaitForSlices(&settled); !status.ok()) return status;
  out_ << "\n   Its pods are started elsewhere, and the node is deleted:\n\n";
  PrintSlices(settled);
  out_ << '\n';
  PrintHintsByZone(settled, out_);
  return absl::OkStatus();
}

}  // namespace epslice::sim

#include "sim/serve/pod_cells.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apis/cat.h"
#include "apis/time_format.h"
#include "sim/serve/json_fields.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

// What is counted and concluded while walking over the containers.
struct Summary {
  std::string reason;
  std::int64_t restarts = 0;
  std::string last_restart;  // RFC 3339; "" is none
  std::int64_t sidecar_restarts = 0;
  std::string last_sidecar_restart;
  int ready = 0;
  std::size_t total = 0;
  bool initializing = false;
};

// Keeps the later of two times; texts in UTC of one length compare as times do,
// others are compared as parsed.
void KeepLater(const std::string& candidate, std::string* latest) {
  const absl::StatusOr<Timestamp> a = ParseRfc3339(*latest);
  const absl::StatusOr<Timestamp> b = ParseRfc3339(candidate);
  if (b.ok() && b->is_set() && (!a.ok() || *a < *b)) *latest = candidate;
}

std::string LastTermination(const Json& container) {
  return TextAt(container, {"lastState", "terminated", "finishedAt"});
}

// "ExitCode:3" or "Signal:9", for a container that ended without a reason.
std::string HowItEnded(const Json& terminated) {
  const std::int64_t signal = NumberAt(terminated, {"signal"});
  if (signal != 0) return Cat({"Signal:", std::to_string(signal)});
  return Cat({"ExitCode:", std::to_string(NumberAt(terminated, {"exitCode"}))});
}

// Walks over the init containers up to the first that is not done yet; that
// one gives the reason.
void SummarizeInit(const Json& pod, const std::set<std::string>& sidecars, Summary* summary) {
  const Json& statuses = Elements(At(pod, {"status", "initContainerStatuses"}));
  const std::size_t count = Elements(At(pod, {"spec", "initContainers"})).size();
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const Json& container = statuses[i];
    const bool sidecar = sidecars.count(TextAt(container, {"name"})) > 0;
    summary->restarts += NumberAt(container, {"restartCount"});
    KeepLater(LastTermination(container), &summary->last_restart);
    if (sidecar) {
      summary->sidecar_restarts += NumberAt(container, {"restartCount"});
      KeepLater(LastTermination(container), &summary->last_sidecar_restart);
    }
    const Json& terminated = At(container, {"state", "terminated"});
    const std::string waiting = TextAt(container, {"state", "waiting", "reason"});
    if (terminated.is_object() && NumberAt(terminated, {"exitCode"}) == 0) continue;
    if (sidecar && TrueAt(container, {"started"})) {
      if (TrueAt(container, {"ready"})) ++summary->ready;
      continue;
    }
    if (terminated.is_object()) {
      const std::string why = TextAt(terminated, {"reason"});
      summary->reason = Cat({"Init:", why.empty() ? HowItEnded(terminated) : why});
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      summary->reason = Cat({"Init:", waiting});
    } else {
      summary->reason = Cat({"Init:", std::to_string(i), "/", std::to_string(count)});
    }
    summary->initializing = true;
    return;
  }
}

bool ConditionTrue(const Json& pod, std::string_view type) {
  for (const Json& condition : Elements(At(pod, {"status", "conditions"}))) {
    if (TextAt(condition, {"type"}) == type) return TextAt(condition, {"status"}) == "True";
  }
  return false;
}

// From the last container to the first: the first one's reason counts.
void SummarizeContainers(const Json& pod, Summary* summary) {
  summary->restarts = summary->sidecar_restarts;
  summary->last_restart = summary->last_sidecar_restart;
  bool has_running = false;
  const Json& statuses = Elements(At(pod, {"status", "containerStatuses"}));
  for (std::size_t i = statuses.size(); i-- > 0;) {
    const Json& container = statuses[i];
    summary->restarts += NumberAt(container, {"restartCount"});
    KeepLater(LastTermination(container), &summary->last_restart);
    const std::string waiting = TextAt(container, {"state", "waiting", "reason"});
    const Json& terminated = At(container, {"state", "terminated"});
    if (!waiting.empty()) {
      summary->reason = waiting;
    } else if (terminated.is_object()) {
      const std::string why = TextAt(terminated, {"reason"});
      summary->reason = why.empty() ? HowItEnded(terminated) : why;
    } else if (TrueAt(container, {"ready"}) && At(container, {"state", "running"}).is_object()) {
      has_running = true;
      ++summary->ready;
    }
  }
  if (summary->reason == "Completed" && has_running) {
    summary->reason = ConditionTrue(pod, "Ready") ? "Running" : "NotReady";
  }
}

Summary Summarize(const Json& pod) {
  Summary summary;
  const std::string phase = TextAt(pod, {"status", "phase"});
  const std::string pod_reason = TextAt(pod, {"status", "reason"});
  summary.reason = pod_reason.empty() ? phase : pod_reason;
  for (const Json& condition : Elements(At(pod, {"status", "conditions"}))) {
    if (TextAt(condition, {"type"}) == "PodScheduled" && TextAt(condition, {"reason"}) == "SchedulingGated") {
      summary.reason = "SchedulingGated";
    }
  }
  std::set<std::string> sidecars;
  for (const Json& container : Elements(At(pod, {"spec", "initContainers"}))) {
    if (TextAt(container, {"restartPolicy"}) == "Always") sidecars.insert(TextAt(container, {"name"}));
  }
  summary.total = Elements(At(pod, {"spec", "containers"})).size() + sidecars.size();
  SummarizeInit(pod, sidecars, &summary);
  if (!summary.initializing || ConditionTrue(pod, "Initialized")) SummarizeContainers(pod, &summary);
  if (!TextAt(pod, {"metadata", "deletionTimestamp"}).empty()) {
    const bool ended = phase == "Succeeded" || phase == "Failed";
    if (pod_reason == "NodeLost") {
      summary.reason = "Unknown";
    } else if (!ended) {
      summary.reason = "Terminating";
    }
  }
  return summary;
}

std::string ReadinessGates(const Json& pod) {
  const Json& gates = Elements(At(pod, {"spec", "readinessGates"}));
  if (gates.empty()) return "<none>";
  int passed = 0;
  for (const Json& gate : gates) passed += ConditionTrue(pod, TextAt(gate, {"conditionType"})) ? 1 : 0;
  return Cat({std::to_string(passed), "/", std::to_string(gates.size())});
}

}  // namespace

std::vector<TableColumn> PodColumns() {
  return {{"Name", 0, "Name of the object, unique in its namespace."},
          {"Ready", 0, "Containers that are ready, of how many."},
          {"Status", 0, "Phase of the pod, or what keeps its containers from running."},
          {"Restarts", 0, "Restarts of its containers, and how long ago the last one was."},
          {"Age", 0, "Time since the object was created."},
          {"IP", 1, "First IP of the pod."},
          {"Node", 1, "Node it is bound to."},
          {"Nominated Node", 1, "Node it waits for after preempting other pods."},
          {"Readiness Gates", 1, "Readiness gates that are met, of how many."}};
}

Json PodCells(const Json& pod, Timestamp now) {
  const Summary summary = Summarize(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts != 0 && !summary.last_restart.empty()) {
    restarts += Cat({" (", AgeOf(summary.last_restart, now), " ago)"});
  }
  const Json& ips = Elements(At(pod, {"status", "podIPs"}));
  std::string ip = ips.empty() ? TextAt(pod, {"status", "podIP"}) : TextAt(ips.front(), {"ip"});
  const auto or_none = [](std::string text) {
    if (text.empty()) text = "<none>";
    return text;
  };
  return {TextAt(pod, {"metadata", "name"}),
          Cat({std::to_string(summary.ready), "/", std::to_string(summary.total)}),
          summary.reason,
          std::move(restarts),
          AgeOf(TextAt(pod, {"metadata", "creationTimestamp"}), now),
          or_none(std::move(ip)),
          or_none(TextAt(pod, {"spec", "nodeName"})),
          or_none(TextAt(pod, {"status", "nominatedNodeName"})),
          ReadinessGates(pod)};
}

}  // namespace epslice::sim

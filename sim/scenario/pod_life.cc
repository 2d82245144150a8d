#include "sim/scenario/pod_life.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "apis/concat.h"
#include "sim/scenario/edit.h"

namespace epslice::sim {
namespace {

// One range for each family, in turn: eight million addresses before one comes
// again, by when its first pod is long gone. The first of these in which no pod is
// that is there already (of a dump or trace); the last one is used by nobody.
constexpr std::uint32_t kAddressMask = (1U << 23) - 1;
constexpr std::array<std::uint32_t, 3> kIpv4Ranges = {(10U << 24) + (128U << 16), 10U << 24, 240U << 24};  // a /9 each
constexpr std::array<std::string_view, 3> kIpv6Ranges = {"fd00:10:244::", "fd00:10:128::", "fd00:e9:51ce::"};  // /96

Text Ipv4Of(std::uint32_t first, std::uint32_t number) {
  const std::uint32_t ip = first + (number & kAddressMask);
  return Text(Concat(ip >> 24, '.', (ip >> 16) & 255, '.', (ip >> 8) & 255, '.', ip & 255));
}

// The /9 that an IPv4 address is in; none: it is not one.
std::optional<std::uint32_t> RangeOf(std::string_view ip) {
  std::uint32_t first = 0, second = 0;
  const char* const end = ip.data() + ip.size();
  const auto head = std::from_chars(ip.data(), end, first);
  if (head.ec != std::errc() || head.ptr == end || *head.ptr != '.') return std::nullopt;
  if (std::from_chars(head.ptr + 1, end, second).ec != std::errc()) return std::nullopt;
  return (first << 24) + ((second & 128U) << 16);
}

// In the form that ParseIpLenient() makes.
Text Ipv6Of(std::string_view prefix, std::uint32_t number) {
  const auto hex = [](std::uint32_t value) {
    std::array<char, 8> digits{};
    return std::string(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr);
  };
  const std::uint32_t high = (number & kAddressMask) >> 16;
  const std::string tail = hex(number & 0xffff);
  return Text(high == 0 ? Concat(prefix, tail) : Concat(prefix, hex(high), ':', tail));
}

std::uint64_t VersionOf(const Pod& pod) {
  const std::string_view text = pod.metadata.resourceVersion;
  std::uint64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

void LivePod::Draw(const PodBehaviour& behaviour, Random random) {
  // Always all of them: a change of one leaves the others as they were.
  scheduling = behaviour.scheduling.Draw(&random);
  startup = behaviour.startup.Draw(&random);
  readiness = behaviour.readiness.Draw(&random);
  pre_stop = behaviour.pre_stop.Draw(&random);
  drain = behaviour.drain.Draw(&random);
  grace = behaviour.grace_period;
  stops_listening = behaviour.stops_listening_on_sigterm;
}

void PodLife::ChooseRanges() {
  Request request;
  request.verb = Verb::kList;
  request.kind = Kind::kPod;
  std::set<std::uint32_t> ipv4;
  std::array<bool, kIpv6Ranges.size()> ipv6{};
  for (const AnyObject& object : simulation_.Do(request).list.items) {
    for (const IpAddress& ip : object.As<Pod>()->podIPs) {
      if (const auto range = RangeOf(ip.text); range) ipv4.insert(*range);
      for (std::size_t i = 0; i < ipv6.size(); ++i) {
        // Without the last colon: fd00:10:244:1::7 is of that cluster, too.
        ipv6[i] |= ip.text.view().starts_with(kIpv6Ranges[i].substr(0, kIpv6Ranges[i].size() - 1));
      }
    }
  }
  std::size_t i = 0;
  while (i + 1 < kIpv4Ranges.size() && ipv4.count(kIpv4Ranges[i]) > 0) ++i;
  ipv4_range_ = kIpv4Ranges[i];
  i = 0;
  while (i + 1 < kIpv6Ranges.size() && ipv6[i]) ++i;
  ipv6_range_ = kIpv6Ranges[i];
}

IpList PodLife::NextAddresses(const std::vector<IpFamily>& families) {
  if (addresses_ == 0) ChooseRanges();
  const std::uint32_t number = ++addresses_;
  IpList addresses;
  addresses.reserve(families.size());
  for (const IpFamily family : families) {
    const bool ipv4 = family == IpFamily::kIPv4;
    addresses.push_back({ipv4 ? Ipv4Of(ipv4_range_, number) : Ipv6Of(ipv6_range_, number), family});
  }
  return addresses;
}

Pod PodLife::StartState(Pod pod, const std::vector<IpFamily>& families, const Text& node) {
  pod.nodeName = node;
  pod.podIPs = NextAddresses(families);
  pod.hasPodIP = true;
  pod.phase = PodPhase::kRunning;
  pod.ready = true;
  pod.metadata.creationTimestamp = pod.readyTransitionTime = simulation_.scheduler().clock().WallNow();
  return pod;
}

void PodLife::After(const LivePodPtr& pod, Duration delay, void (PodLife::*next)(const LivePodPtr&)) {
  simulation_.scheduler().After(delay, [this, pod, epoch = pod->epoch, next] {
    if (!pod->gone && pod->epoch == epoch) (this->*next)(pod);
  });
}

template <typename F>
void PodLife::Edit(const LivePodPtr& pod, bool status, const F& edit) {
  const Response response = EditObject(&simulation_, pod->object, status, edit);
  if (response.status.ok()) {
    pod->object = response.object.As<Pod>();
  } else if (response.status.code == 404) {
    Gone(pod);
  }
}

bool PodLife::MachineIsUp(const LivePod& pod) const {
  const NodeEntry* node = index_.Find(pod.object->nodeName);
  return node != nullptr && node->machine_up;
}

void PodLife::Bind(const LivePodPtr& pod, const Text& node) {
  Edit(pod, false, [&](Pod* next) { next->nodeName = node; });
  if (pod->gone) return;
  if (MachineIsUp(*pod)) Start(pod);
}

void PodLife::Start(const LivePodPtr& pod) { After(pod, pod->startup, &PodLife::BecomeRunning); }

void PodLife::GoOnStarting(const LivePodPtr& pod) {
  if (!MachineIsUp(*pod)) return;
  if (pod->object->phase != PodPhase::kRunning || !pod->object->hasPodIP) return Start(pod);
  After(pod, pod->readiness, &PodLife::BecomeReady);
}

void PodLife::BecomeRunning(const LivePodPtr& pod) {
  // A container that starts again keeps the pod's addresses.
  const IpList addresses = pod->object->hasPodIP ? pod->object->podIPs : NextAddresses(pod->families);
  Edit(pod, true, [&](Pod* next) {
    next->phase = PodPhase::kRunning;
    next->podIPs = addresses;
    next->hasPodIP = true;
    if (!next->readyTransitionTime.is_set()) next->readyTransitionTime = simulation_.scheduler().clock().WallNow();
  });
  After(pod, pod->readiness, &PodLife::BecomeReady);
}

void PodLife::BecomeReady(const LivePodPtr& pod) {
  if (std::exchange(pod->was_ready, true)) simulation_.SetPodServing(pod->key, true);
  SetReady(pod, true);
}

void PodLife::SetReady(const LivePodPtr& pod, bool ready) {
  if (pod->gone || pod->ready == ready) return;
  pod->ready = ready;
  if (ready) pod->since = simulation_.now();
  Edit(pod, true, [&](Pod* next) {
    next->ready = ready;
    next->readyTransitionTime = simulation_.scheduler().clock().WallNow();
  });
  if (!pod->gone) changed_(pod);
}

void PodLife::Terminate(const LivePodPtr& pod) {
  if (pod->terminating || pod->gone) return;
  DeleteOptions how;
  // The server lets go of what has ended at once.
  const Duration grace = HasEnded(*pod->object) ? Duration{0} : pod->grace;
  how.gracePeriodSeconds = std::chrono::duration_cast<std::chrono::seconds>(grace).count();
  how.preconditionUid = pod->object->metadata.uid.str();
  const bool stays = !pod->object->nodeName.empty() && *how.gracePeriodSeconds > 0;
  pod->terminating = true;
  const Response response = simulation_.Delete(Kind::kPod, pod->key.namespace_, pod->key.name, std::move(how));
  if (!stays || !response.status.ok()) return Gone(pod);
  pod->object = response.object.As<Pod>();
  changed_(pod);
  GoOnTerminating(pod);
}

void PodLife::GoOnTerminating(const LivePodPtr& pod) {
  pod->terminating = true;
  ++pod->epoch;
  if (!MachineIsUp(*pod)) return;
  if (pod->object->phase != PodPhase::kRunning) return After(pod, Duration{0}, &PodLife::End);
  // The hook runs within the grace period.
  if (pod->pre_stop < pod->grace) After(pod, pod->pre_stop, &PodLife::Sigterm);
  After(pod, std::min(pod->pre_stop + pod->drain, pod->grace), &PodLife::End);
}

void PodLife::ChangedOutside(const LivePodPtr& pod, const std::shared_ptr<const Pod>& object) {
  if (pod->gone) return;
  // What we wrote meanwhile has the client's change in it.
  if (VersionOf(*object) > VersionOf(*pod->object)) pod->object = object;
  const Timestamp end = pod->object->metadata.deletionTimestamp;
  if (end.is_set() && !pod->terminating) {
    // The timestamp is of whole seconds.
    const Duration left(end.nanos - simulation_.scheduler().clock().WallNow().nanos);
    pod->grace = std::max(Duration(std::chrono::ceil<std::chrono::seconds>(left)), Duration{0});
    pod->terminating = true;
    changed_(pod);
    GoOnTerminating(pod);
  }
  if (pod->ready == pod->object->ready) return;
  pod->ready = pod->object->ready;
  if (pod->ready) pod->since = simulation_.now();
  changed_(pod);
}

void PodLife::Sigterm(const LivePodPtr& pod) {
  if (pod->stops_listening && pod->was_ready) simulation_.SetPodServing(pod->key, false);
}

void PodLife::End(const LivePodPtr& pod) { Remove(pod); }

void PodLife::Remove(const LivePodPtr& pod) {
  if (pod->gone) return;
  DeleteOptions how;
  how.gracePeriodSeconds = 0;
  how.preconditionUid = pod->object->metadata.uid.str();
  simulation_.Delete(Kind::kPod, pod->key.namespace_, pod->key.name, std::move(how));
  Gone(pod);
}

void PodLife::Gone(const LivePodPtr& pod) {
  if (std::exchange(pod->gone, true)) return;
  ++pod->epoch;
  changed_(pod);
}

void PodLife::MachineDown(const LivePodPtr& pod) { ++pod->epoch; }

void PodLife::MachineUp(const LivePodPtr& pod) {
  ++pod->epoch;
  if (pod->terminating) return Remove(pod);
  if (HasEnded(*pod->object)) return;
  if (pod->was_ready) simulation_.SetPodServing(pod->key, false);
  SetReady(pod, false);
  if (!pod->gone) Start(pod);
}

}  // namespace epslice::sim

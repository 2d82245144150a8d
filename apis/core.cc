#include "apis/core.h"

#include <tuple>

namespace epslice {
namespace {

// Null and empty both mean "no named port".
bool SamePorts(const std::shared_ptr<const std::vector<NamedPort>>& a,
               const std::shared_ptr<const std::vector<NamedPort>>& b) {
  if (a == b) return true;
  if (a == nullptr) return b->empty();
  if (b == nullptr) return a->empty();
  return *a == *b;
}

}  // namespace

std::string_view PodPhaseName(PodPhase phase) {
  switch (phase) {
    case PodPhase::kUnknown: return "";
    case PodPhase::kPending: return "Pending";
    case PodPhase::kRunning: return "Running";
    case PodPhase::kSucceeded: return "Succeeded";
    case PodPhase::kFailed: return "Failed";
  }
  return "";
}

bool operator==(const Pod& a, const Pod& b) {
  const auto plain = [](const Pod& p) {
    return std::tie(p.phase, p.ready, p.hasPodIP, p.readyTransitionTime, p.nodeName, p.hostname, p.subdomain, p.podIPs,
                    p.metadata);
  };
  return plain(a) == plain(b) && SamePorts(a.namedPorts, b.namedPorts);
}

}  // namespace epslice

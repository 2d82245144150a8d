#include "controllers/endpointslice/trigger_times.h"

namespace epslice {

TriggerTimes::Result TriggerTimes::Compute(const Service& service,
                                           const std::vector<std::shared_ptr<const Pod>>& pods) const {
  const auto known = states_.find(KeyOf(service.metadata));
  const State* last = known == states_.end() ? nullptr : known->second.get();
  auto next = std::make_shared<State>();
  Timestamp earliest;
  const auto moved_to = [&](Timestamp t) {
    if (!earliest.is_set() || t < earliest) earliest = t;
  };
  next->pods.reserve(pods.size());
  std::size_t at = 0;  // in last->pods, which is sorted too
  for (const auto& pod : pods) {
    const Timestamp t = pod->readyTransitionTime;
    if (!t.is_set()) continue;
    const Text& name = pod->metadata.name;
    next->pods.emplace_back(name, t);
    if (last == nullptr) continue;
    while (at < last->pods.size() && last->pods[at].first < name) ++at;
    const bool was_known = at < last->pods.size() && last->pods[at].first == name;
    if (!was_known || t > last->pods[at].second) moved_to(t);
  }
  next->service = service.metadata.creationTimestamp;
  if (last == nullptr) return {next->service, std::move(next)};
  if (next->service.is_set() && next->service > last->service) moved_to(next->service);
  return {earliest, std::move(next)};
}

}  // namespace epslice

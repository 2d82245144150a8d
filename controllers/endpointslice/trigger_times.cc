#include "controllers/endpointslice/trigger_times.h"

#include <cstddef>
#include <utility>

namespace epslice {
namespace {

// The names for the next state: those of the last one while the pods are the
// same, so that a sync does not touch each name's memory.
class Names {
 public:
  explicit Names(TriggerTimes::PodNames last) : last_(std::move(last)) {}

  // `at`: where the last names have this one; their end for nowhere.
  void Add(const Text& name, std::size_t at, std::size_t room) {
    if (same_ && at == count_ && at < last_->size()) {
      if ((*last_)[at].identity() != name.identity()) ++outdated_;
      ++count_;
      return;
    }
    if (same_) Copy(room);
    own_.push_back(name);
  }

  TriggerTimes::PodNames Take(const std::vector<std::shared_ptr<const Pod>>& pods) && {
    if (same_ && count_ < last_->size()) Copy(pods.size());
    if (!same_) return std::make_shared<const std::vector<Text>>(std::move(own_));
    // Each pod that came anew left the name it had before with us.
    constexpr std::size_t kMostOutdated = 16;
    if (outdated_ <= kMostOutdated) return last_;
    own_.reserve(count_);
    for (const auto& pod : pods) {
      if (pod->readyTransitionTime.is_set()) own_.push_back(pod->metadata.name);
    }
    return std::make_shared<const std::vector<Text>>(std::move(own_));
  }

 private:
  void Copy(std::size_t room) {
    same_ = false;
    own_.reserve(room);
    own_.assign(last_->begin(), last_->begin() + static_cast<std::ptrdiff_t>(count_));
  }

  const TriggerTimes::PodNames last_;
  bool same_ = true;  // the first `count_` of `last_` are all there are
  std::size_t count_ = 0;
  std::size_t outdated_ = 0;
  std::vector<Text> own_;
};

}  // namespace

TriggerTimes::Result TriggerTimes::Compute(const Service& service,
                                           const std::vector<std::shared_ptr<const Pod>>& pods) const {
  static const auto* const nothing = new State{std::make_shared<const std::vector<Text>>(), {}, {}};
  const auto known = states_.find(KeyOf(service.metadata));
  const bool first = known == states_.end();
  const State& last = first ? *nothing : *known->second;
  const std::vector<Text>& last_names = *last.names;
  auto next = std::make_shared<State>();
  Timestamp earliest;
  const auto moved_to = [&](Timestamp t) {
    if (!earliest.is_set() || t < earliest) earliest = t;
  };
  next->times.reserve(pods.size());
  Names names(last.names);
  std::size_t at = 0;  // in last_names, which is sorted too
  for (std::size_t i = 0; i < pods.size(); ++i) {
    // They lie scattered in memory.
    if (i + 12 < pods.size()) {
      __builtin_prefetch(&pods[i + 12]->metadata);
      __builtin_prefetch(&pods[i + 12]->readyTransitionTime);
    }
    const std::shared_ptr<const Pod>& pod = pods[i];
    const Timestamp t = pod->readyTransitionTime;
    if (!t.is_set()) continue;
    const Text& name = pod->metadata.name;
    while (at < last_names.size() && last_names[at] < name) ++at;
    const bool was_known = at < last_names.size() && last_names[at] == name;
    names.Add(name, was_known ? at : last_names.size(), pods.size());
    next->times.push_back(t);
    if (!first && (!was_known || t > last.times[at])) moved_to(t);
  }
  next->names = std::move(names).Take(pods);
  next->service = service.metadata.creationTimestamp;
  if (first) return {next->service, std::move(next)};
  if (next->service.is_set() && next->service > last.service) moved_to(next->service);
  return {earliest, std::move(next)};
}

}  // namespace epslice

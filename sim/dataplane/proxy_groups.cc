#include "sim/dataplane/proxy_groups.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "apis/fnv.h"

namespace epslice::sim::internal {

ProxyGroups::ProxyGroups(const DataPlaneOptions& options, Scheduler* scheduler, std::uint64_t seed, Callbacks callbacks)
    : options_(options), scheduler_(scheduler), seed_(seed), callbacks_(std::move(callbacks)) {}

int ProxyGroups::Join(int zone, const Text& zone_name, bool* is_new) {
  if (static_cast<std::size_t>(zone) >= by_zone_.size()) by_zone_.resize(static_cast<std::size_t>(zone) + 1);
  ZoneGroups& of_zone = by_zone_[static_cast<std::size_t>(zone)];
  const int index = of_zone.joined++ % std::max(options_.proxy_groups, 1);
  *is_new = static_cast<std::size_t>(index) == of_zone.groups.size();
  if (*is_new) {
    of_zone.groups.push_back(size());
    const Random random = Random(seed_).Fork(Fnv1a(zone_name) + static_cast<std::uint64_t>(index));
    groups_.push_back(Group{zone, random, 0, {}, {}, Instant(0), Instant(0), false, 0});
  }
  return of_zone.groups[static_cast<std::size_t>(index)];
}

bool ProxyGroups::Count(int group, bool node_up) {
  Group& g = groups_[static_cast<std::size_t>(group)];
  g.nodes_up += node_up ? 1 : -1;
  if (node_up) return g.nodes_up == 1;
  if (g.nodes_up > 0) return false;
  ++g.life;  // events under way are for proxies that are no more
  g.busy = false;
  g.next_begin = scheduler_->now();
  const std::vector<Delivery> taken = std::exchange(g.taken, {});
  const std::deque<Delivery> waiting = std::exchange(g.waiting, {});
  for (const Delivery& delivery : taken) Took(delivery);
  for (const Delivery& delivery : waiting) Took(delivery);
  return false;
}

void ProxyGroups::Deliver(ServiceState* service, const VersionPtr& version, Instant now) {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    if (group.nodes_up == 0) continue;
    const Instant at = std::max(now + options_.proxy_watch_latency.Draw(&group.random), group.last_delivery);
    group.last_delivery = at;
    ++version->waiting;
    group.waiting.push_back({at, service, version});
    Schedule(static_cast<int>(i));
  }
}

void ProxyGroups::Schedule(int number) {
  Group& group = groups_[static_cast<std::size_t>(number)];
  if (group.busy || group.waiting.empty()) return;
  group.busy = true;
  scheduler_->At(std::max(group.waiting.front().at, group.next_begin), [this, number, life = group.life] {
    if (groups_[static_cast<std::size_t>(number)].life == life) Begin(number);
  });
}

void ProxyGroups::Begin(int number) {
  Group& group = groups_[static_cast<std::size_t>(number)];
  const Instant now = scheduler_->now();
  while (!group.waiting.empty() && group.waiting.front().at <= now) {
    group.taken.push_back(std::move(group.waiting.front()));
    group.waiting.pop_front();
  }
  scheduler_->At(now + options_.proxy_sync_time.Draw(&group.random), [this, number, life = group.life] {
    if (groups_[static_cast<std::size_t>(number)].life == life) End(number);
  });
}

void ProxyGroups::End(int number) {
  Group& group = groups_[static_cast<std::size_t>(number)];
  group.busy = false;
  group.next_begin = scheduler_->now() + options_.proxy_sync_period;
  const std::vector<Delivery> taken = std::exchange(group.taken, {});
  // Of several versions of a Service the last one is what comes into force.
  std::unordered_map<const ServiceState*, std::size_t> last;
  last.reserve(taken.size());
  for (std::size_t i = 0; i < taken.size(); ++i) last[taken[i].service] = i;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (last[taken[i].service] == i) callbacks_.programmed(number, taken[i].service, taken[i].version);
  }
  for (const Delivery& delivery : taken) Took(delivery);
  Schedule(number);
}

void ProxyGroups::Took(const Delivery& delivery) {
  if (--delivery.version->waiting == 0) callbacks_.everywhere(*delivery.service, *delivery.version);
}

}  // namespace epslice::sim::internal

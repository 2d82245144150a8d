// ReviewCache: answers of an API server about tokens and access, remembered for
// a while. Passive: no thread and no clock of its own.
#ifndef EPSLICE_CONTROLLERS_MANAGER_REVIEW_CACHE_H_
#define EPSLICE_CONTROLLERS_MANAGER_REVIEW_CACHE_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "informers/clock.h"

namespace epslice {

// Not thread-safe.
template <typename V>
class ReviewCache {
 public:
  // Of more than `max_entries`, those that end soonest go first.
  explicit ReviewCache(std::size_t max_entries) : max_entries_(max_entries) {}

  // Null where there is none that holds at `now`. Until the next call.
  const V* Find(const std::string& key, Instant now) const {
    const auto it = entries_.find(key);
    return it == entries_.end() || it->second.until <= now ? nullptr : &it->second.value;
  }

  // Holds before `until`; nothing is kept that does not.
  void Put(const std::string& key, V value, Instant until, Instant now) {
    if (const auto old = entries_.find(key); old != entries_.end()) {
      ends_.erase({old->second.until, key});
      entries_.erase(old);
    }
    while (!ends_.empty() && (ends_.begin()->first <= now || entries_.size() >= max_entries_)) {
      entries_.erase(ends_.begin()->second);
      ends_.erase(ends_.begin());
    }
    if (until <= now || max_entries_ == 0) return;
    ends_.emplace(until, key);
    entries_.emplace(key, Entry{std::move(value), until});
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    V value;
    Instant until;
  };
  const std::size_t max_entries_;
  std::map<std::string, Entry> entries_;
  std::set<std::pair<Instant, std::string>> ends_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_REVIEW_CACHE_H_

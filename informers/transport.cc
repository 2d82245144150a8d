#include "informers/transport.h"

#include <algorithm>

namespace epslice {

void CancelToken::Cancel() {
  // Under the lock, so that Unregister() waits for a callback that runs.
  std::lock_guard<std::mutex> lock(mu_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  for (auto& [id, callback] : callbacks_) callback();
  callbacks_.clear();
}

int CancelToken::Register(std::function<void()> on_cancel) {
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (!cancelled_.load(std::memory_order_relaxed)) {
      callbacks_.emplace_back(next_id_, std::move(on_cancel));
      return next_id_++;
    }
  }
  on_cancel();
  return -1;
}

void CancelToken::Unregister(int id) {
  std::lock_guard<std::mutex> lock(mu_);
  std::erase_if(callbacks_, [id](const auto& entry) { return entry.first == id; });
}

Status Transport::WatchAndTell(const Request& request, CancelToken* cancel, const std::function<void()>& /*on_open*/,
                               const std::function<bool(const WatchEvent&)>& on_event) {
  return Watch(request, cancel, on_event);
}

}  // namespace epslice

#include "informers/http/http_call.h"

#include <algorithm>

namespace epslice {

HttpCall::HttpCall(CancelToken* token) : token_(token) {
  if (token_ != nullptr) id_ = token_->Register([this] { Cancel(); });
}

HttpCall::~HttpCall() {
  if (token_ != nullptr) token_->Unregister(id_);
}

bool HttpCall::Use(HttpConnection* connection) {
  if (connection != nullptr && token_ != nullptr && !token_->may_send()) return false;
  std::lock_guard<std::mutex> lock(mu_);
  connection_ = connection;
  return !cancelled_;
}

bool HttpCall::cancelled() {
  std::lock_guard<std::mutex> lock(mu_);
  return cancelled_;
}

bool HttpCall::WaitUntil(const Clock& clock, Instant time) {
  std::unique_lock<std::mutex> lock(mu_);
  while (!cancelled_) {
    const Duration left = time - clock.Now();
    if (left <= Duration::zero()) return true;
    changed_.wait_for(lock, std::min<Duration>(left, std::chrono::milliseconds(50)));
  }
  return false;
}

void HttpCall::Cancel() {
  std::lock_guard<std::mutex> lock(mu_);
  cancelled_ = true;
  if (connection_ != nullptr) connection_->Abort();
  changed_.notify_all();
}

}  // namespace epslice

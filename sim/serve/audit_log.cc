#include "sim/serve/audit_log.h"

#include <utility>

namespace epslice::sim {
namespace {

// What an event holds on to, about: bodies are counted as bytes, objects that
// are shared with the store are not.
std::size_t SizeOf(const AuditEvent& event) {
  return sizeof event + event.target.size() + event.body.size() + event.user_agent.size() +
         (event.answer ? event.answer->body.size() : 0);
}

}  // namespace

AuditLog::AuditLog(std::unique_ptr<AuditFile> file, AuditPolicy policy, std::size_t max_bytes)
    : policy_(std::move(policy)), max_bytes_(max_bytes), file_(std::move(file)), writer_([this] { Write(); }) {}

AuditLog::~AuditLog() { (void)Close(); }

void AuditLog::Add(AuditEvent event) {
  if (!event.decision.Logs(event.stage)) return;
  const std::size_t size = SizeOf(event);
  std::unique_lock<std::mutex> lock(mu_);
  wake_.wait(lock, [&] { return waiting_.empty() || bytes_ + size <= max_bytes_ || closing_ || !status_.ok(); });
  if (closing_ || !status_.ok()) return;
  bytes_ += size;
  waiting_.push_back(std::move(event));
  wake_.notify_all();
}

void AuditLog::Write() {
  std::unique_lock<std::mutex> lock(mu_);
  while (true) {
    wake_.wait(lock, [this] { return !waiting_.empty() || closing_; });
    if (waiting_.empty()) return;
    std::vector<AuditEvent> events = std::exchange(waiting_, {});
    bytes_ = 0;
    lock.unlock();
    wake_.notify_all();
    absl::Status status;
    for (const AuditEvent& event : events) {
      if (status.ok()) status = file_->Write(AuditLine(event) + "\n");
    }
    events.clear();
    lock.lock();
    if (!status.ok()) status_ = std::move(status);
    if (!status_.ok()) {
      waiting_.clear();
      wake_.notify_all();
      return;
    }
  }
}

absl::Status AuditLog::Close() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    closing_ = true;
    wake_.notify_all();
  }
  if (writer_.joinable()) writer_.join();
  std::lock_guard<std::mutex> lock(mu_);
  return status_;
}

}  // namespace epslice::sim

#include "sim/serve/watch_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "sim/serve/encode.h"
#include "sim/serve/protobuf_whole.h"
#include "sim/serve/tables.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{1} << 20;
constexpr std::size_t kBatchEvents = 256;

// What an event holds in memory, about: its text, or a typical struct.
std::size_t SizeOf(const WatchEvent& event) {
  constexpr std::size_t kStruct = 1024;
  if (!event.object.has_value()) return 256;
  return event.object.json() != nullptr ? event.object.json()->size() + kStruct : kStruct;
}

std::size_t SizeOf(const DocumentEvent& event) { return 256 + (event.json == nullptr ? 0 : event.json->size()); }

// An error is the last that a watch says.
bool IsLast(const WatchEvent& event) { return event.type == WatchEventType::kError; }
bool IsLast(const DocumentEvent&) { return false; }

WatchEvent FellBehind() {
  WatchEvent event;
  event.type = WatchEventType::kError;
  event.status = StatusExpired("too many events are waiting for this watch to be read; list again");
  return event;
}

}  // namespace

WatchStream::WatchStream(const Clock* clock, WatchPlan plan, const WatchLimits& limits)
    : clock_(clock), plan_(std::move(plan)), limits_(limits) {}

WatchStream::~WatchStream() {
  handle_.reset();
  document_handle_.reset();
}

std::shared_ptr<WatchStream> WatchStream::Start(MemoryApiServer* server, DocumentStore* documents, const Clock* clock,
                                                WatchPlan plan, const WatchLimits& limits, Status* status) {
  std::shared_ptr<WatchStream> stream(new WatchStream(clock, std::move(plan), limits));
  const auto& document = stream->plan_.document;
  const std::int64_t seconds = (document ? document->list : stream->plan_.request.list).timeoutSeconds;
  // A year is as good as for ever, and does not overflow.
  constexpr std::int64_t kLongest = 366 * 24 * 3600;
  const Duration timeout =
      seconds > 0 ? Duration(std::chrono::seconds(std::min(seconds, kLongest))) : limits.default_timeout;
  stream->deadline_ = clock->Now() + timeout;
  // The callback must not keep the stream alive: the stream owns the handle.
  WatchStream* raw = stream.get();
  if (document) {
    stream->document_handle_ = documents->Watch(
        *document, [raw](const DocumentEvent& event) { raw->OnEvent(event); }, status);
  } else {
    stream->handle_ = server->Watch(
        stream->plan_.request, [raw](const WatchEvent& event) { raw->OnEvent(event); }, status);
  }
  if (stream->handle_ == nullptr && stream->document_handle_ == nullptr) return nullptr;
  std::lock_guard<std::mutex> lock(stream->mu_);
  stream->starting_ = false;
  return stream;
}

void WatchStream::OnEvent(Event event) {
  std::lock_guard<std::mutex> lock(mu_);
  if (overflowed_ || stopped_) return;
  const std::size_t size = std::visit([](const auto& e) { return SizeOf(e); }, event);
  queue_.push_back(std::move(event));
  if (starting_) {
    ++free_events_;
  } else {
    bytes_ += size;
    if (queue_.size() - free_events_ > limits_.max_events || bytes_ > limits_.max_bytes) {
      overflowed_ = true;
      queue_.clear();
      queue_.push_back(FellBehind());
      bytes_ = 0;
      free_events_ = 1;
    }
  }
  wake_.notify_one();
}

void WatchStream::Stop() {
  std::lock_guard<std::mutex> lock(mu_);
  stopped_ = true;
  queue_.clear();
  wake_.notify_all();
}

WatchStream::Result WatchStream::Next(Duration max_wait, std::string* out) {
  std::vector<Event> batch;
  {
    std::unique_lock<std::mutex> lock(mu_);
    const Duration left = deadline_ - clock_->Now();
    const Duration wait = std::clamp(left, Duration(0), max_wait);
    wake_.wait_for(lock, wait, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return Result::kEnd;
    if (queue_.empty()) return clock_->Now() >= deadline_ ? Result::kEnd : Result::kIdle;
    for (std::size_t bytes = 0; !queue_.empty() && batch.size() < kBatchEvents && bytes < kBatchBytes;) {
      const std::size_t size = std::visit([](const auto& e) { return SizeOf(e); }, queue_.front());
      bytes += size;
      if (free_events_ > 0) {
        --free_events_;
      } else {
        bytes_ -= std::min(bytes_, size);
      }
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }
  for (const Event& event : batch) {
    std::visit([&](const auto& e) { AppendFrame(e, out); }, event);
    if (!std::visit([](const auto& e) { return IsLast(e); }, event)) continue;
    Stop();
    break;
  }
  return Result::kFrames;
}

void WatchStream::AppendFrame(const WatchEvent& event, std::string* out) {
  const Kind kind = plan_.request.kind;
  if (plan_.protobuf) {
    AppendWatchFrame(EncodeWholeWatchEventProtobuf(kind, event, SpellingOf(plan_.events_v1)), out);
    return;
  }
  if (plan_.table) {
    *out += EncodeTableWatchEvent(kind, event, {plan_.include_object, clock_->WallNow()}, first_frame_);
  } else if (plan_.events_v1) {
    *out += EncodeEventsV1Frame(event);
  } else {
    *out += EncodeWatchEventJson(kind, event);
  }
  *out += '\n';
  first_frame_ = false;
}

void WatchStream::AppendFrame(const DocumentEvent& event, std::string* out) {
  const DocumentKind& kind = *plan_.document->kind;
  *out += plan_.table ? EncodeTableWatchEvent(kind, event, {plan_.include_object, clock_->WallNow()}, first_frame_)
                      : EncodeDocumentWatchEvent(kind, event);
  *out += '\n';
  first_frame_ = false;
}

}  // namespace epslice::sim

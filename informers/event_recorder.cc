#include "informers/event_recorder.h"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "apis/cat.h"
#include "apis/json_writer.h"
#include "apis/time_format.h"
#include "informers/rate_limiter.h"
#include "informers/retry_after.h"

namespace epslice {
namespace {

constexpr std::size_t kMaxMessageBytes = 1024;
// A name of at most 253 with a dot and 16 hexadecimal digits.
constexpr std::size_t kMaxPrefixBytes = 253 - 17;
constexpr std::string_view kCombined = "(combined from similar events): ";

// Values by key; the one not used for longest goes when there are too many.
template <typename Value>
class Lru {
 public:
  explicit Lru(std::size_t max) : max_(std::max<std::size_t>(max, 1)) {}

  // Null: not there. Valid until the next call.
  Value* Find(const std::string& key) {
    const auto it = places_.find(key);
    if (it == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return &it->second->second;
  }
  Value* Insert(const std::string& key, Value value) {
    if (Value* const there = Find(key); there != nullptr) {
      *there = std::move(value);
      return there;
    }
    if (places_.size() == max_) {
      places_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    places_.emplace(key, order_.begin());
    return &order_.front().second;
  }

 private:
  using Order = std::list<std::pair<std::string, Value>>;  // last used first
  const std::size_t max_;
  Order order_;
  std::map<std::string, typename Order::iterator> places_;
};

// Parts that cannot run into each other.
std::string Key(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) key += Cat({std::to_string(part.size()), ":", part});
  return key;
}

std::string ObjectKeyOf(const Event& e) {
  const ObjectReference& o = e.involvedObject;
  return Key({o.kind.view(), o.namespace_.view(), o.name.view(), o.uid.view(), o.apiVersion.view()});
}

// Not in the middle of a character.
std::string Cut(std::string text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

std::string EventName(std::string_view object, Timestamp time) {
  std::string prefix(object.substr(0, kMaxPrefixBytes));
  while (!prefix.empty() && (prefix.back() == '.' || prefix.back() == '-')) prefix.pop_back();
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits(16, '0');
  auto rest = static_cast<std::uint64_t>(time.nanos);
  for (std::size_t i = digits.size(); i-- > 0; rest >>= 4) digits[i] = kHex[rest & 15];
  return Cat({prefix, ".", digits});
}

}  // namespace

struct EventRecorder::Memory {
  explicit Memory(std::size_t max) : events(max), similar(max), objects(max) {}

  struct Said {
    std::int32_t count = 0;
    std::string name;
    Timestamp first;
  };
  struct Similar {
    std::set<std::string> messages;
    Instant last{0};
  };
  Lru<Said> events;
  Lru<Similar> similar;
  Lru<TokenBucket> objects;
  Timestamp last_time;
};

EventRecorder::EventRecorder(EventRecorderOptions options)
    : options_(std::move(options)),
      events_v1_(options_.events_v1),
      random_(options_.seed),
      memory_(std::make_unique<Memory>(options_.max_remembered)) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::Record(Note note, Timestamp now) {
  if (queue_.size() >= options_.max_queued) {
    ++counters_.overflowed;
    return;
  }
  // Names are made of times: no two may be the same.
  if (now <= memory_->last_time) now = Timestamp{memory_->last_time.nanos + 1};
  memory_->last_time = now;
  queue_.push_back({std::move(note), now});
}

Event EventRecorder::MakeEvent(const Waiting& waiting) const {
  const Note& note = waiting.note;
  Event event;
  event.metadata.namespace_ = note.regarding.namespace_.empty() ? Text("default") : note.regarding.namespace_;
  event.metadata.name = EventName(note.regarding.name.view(), waiting.time);
  event.involvedObject = note.regarding;
  event.type = note.type;
  event.reason = note.reason;
  event.action = note.action.empty() ? note.reason : note.action;
  event.message = Cut(note.message, kMaxMessageBytes);
  event.sourceComponent = options_.component;
  event.reportingController = options_.component;
  event.reportingInstance = options_.instance;
  event.count = 1;
  event.firstTimestamp = waiting.time;
  event.lastTimestamp = waiting.time;
  return event;
}

std::optional<EventRecorder::Sending> EventRecorder::Correlate(const Waiting& waiting, Instant now) {
  Sending out;
  out.events_v1 = events_v1_;
  out.event = MakeEvent(waiting);
  Event& event = out.event;
  const std::string object = ObjectKeyOf(event);
  const std::string alike = Key({object, event.type.view(), event.reason.view(), event.action.view()});
  const std::string message = event.message.str();
  out.key = Key({alike, message});

  Memory::Similar* similar = memory_->similar.Find(alike);
  if (similar == nullptr || now - similar->last > options_.similar_window) {
    similar = memory_->similar.Insert(alike, {});
  }
  similar->messages.insert(message);
  similar->last = now;
  if (similar->messages.size() >= options_.similar_events) {
    similar->messages.erase(similar->messages.begin());
    event.message = Cut(Cat({kCombined, message}), kMaxMessageBytes);
    out.key = alike;
  }

  Memory::Said said{0, event.metadata.name.str(), event.firstTimestamp};
  if (const Memory::Said* before = memory_->events.Find(out.key); before != nullptr) said = *before;
  ++said.count;
  event.metadata.name = said.name;
  event.firstTimestamp = said.first;
  event.count = said.count;
  out.count = said.count;
  memory_->events.Insert(out.key, said);

  TokenBucket* bucket = memory_->objects.Find(object);
  if (bucket == nullptr) {
    bucket = memory_->objects.Insert(object, TokenBucket(options_.object_qps, options_.object_burst));
  }
  if (bucket->TryTake(now)) return out;
  ++counters_.filtered;
  return std::nullopt;
}

Request EventRecorder::MakeRequest(const Sending& sending) const {
  Request request;
  request.kind = Kind::kEvent;
  request.eventsV1 = sending.events_v1;
  request.namespace_ = sending.event.metadata.namespace_.str();
  if (sending.count == 1) {
    Event event = sending.event;
    if (sending.events_v1) {
      // There the fields of core v1 must not be set.
      event.eventTime = event.firstTimestamp;
      event.firstTimestamp = event.lastTimestamp = Timestamp();
      event.sourceComponent = Text();
      event.count = 0;
    }
    request.verb = Verb::kCreate;
    request.object = AnyObject::Of(std::move(event));
    return request;
  }
  request.verb = Verb::kPatch;
  request.patchType = PatchType::kStrategicMerge;
  request.name = sending.event.metadata.name.str();
  JsonWriter w(&request.patch);
  w.BeginObject();
  if (sending.events_v1) {
    // All else of such an Event cannot be changed.
    w.Key("series");
    w.BeginObject();
    w.IntField("count", sending.count);
    w.Field("lastObservedTime", FormatRfc3339Micro(sending.event.lastTimestamp));
    w.EndObject();
  } else {
    w.IntField("count", sending.count);
    w.Field("lastTimestamp", FormatRfc3339(sending.event.lastTimestamp));
    w.Field("message", sending.event.message.view());
  }
  w.EndObject();
  return request;
}

std::optional<Request> EventRecorder::NextRequest(Instant now) {
  while (!sending_.has_value() && !queue_.empty()) {
    sending_ = Correlate(queue_.front(), now);
    queue_.pop_front();
  }
  if (!sending_.has_value() || sending_->in_flight || sending_->not_before > now) return std::nullopt;
  sending_->in_flight = true;
  ++sending_->tries;
  return MakeRequest(*sending_);
}

void EventRecorder::OnResponse(const Response& response, Instant now) {
  if (!sending_.has_value() || !sending_->in_flight) return;
  sending_->in_flight = false;
  const Status& status = response.status;
  if (status.ok()) {
    ++counters_.sent;
    sending_.reset();
    return;
  }
  const bool no_such_group = status.code == 404 && status.detailsKind.empty();
  const bool forbidden = status.code == 403 && !status.HasCause(kCauseNamespaceTerminating);
  if (sending_->events_v1 && (no_such_group || forbidden)) {
    if (no_such_group) events_v1_ = false;
    sending_->events_v1 = false;  // at once in the other
    return;
  }
  if (sending_->count > 1 && status.code == 404) {
    // It has expired: once more from the start.
    sending_->count = 1;
    sending_->event.count = 1;
    sending_->event.firstTimestamp = sending_->event.lastTimestamp;
    memory_->events.Insert(sending_->key, {1, sending_->event.metadata.name.str(), sending_->event.firstTimestamp});
    return;
  }
  // Of a create without an answer it may be there already.
  if (status.code == 409 && sending_->count == 1 && sending_->tries > 1) {
    ++counters_.sent;
    sending_.reset();
  } else if (status.code == 0 || status.code == 429 || status.code == 503) {
    RetryOrGiveUp(status, now);
  } else {
    ++counters_.refused;
    sending_.reset();
  }
}

void EventRecorder::RetryOrGiveUp(const Status& status, Instant now) {
  if (sending_->tries >= options_.max_tries) {
    ++counters_.given_up;
    sending_.reset();
    return;
  }
  Duration wait = options_.retry_period;
  // Many replicas lose their server in one moment.
  if (sending_->tries == 1)
    wait = Duration(static_cast<std::int64_t>(random_.Unit() * static_cast<double>(wait.count())));
  constexpr Duration kLongest = std::chrono::minutes(1);
  sending_->not_before = now + std::max(wait, RetryAfterOf(status, kLongest));
}

std::optional<Instant> EventRecorder::NextWakeup() const {
  if (sending_.has_value()) return sending_->in_flight ? std::nullopt : std::optional<Instant>(sending_->not_before);
  return queue_.empty() ? std::nullopt : std::optional<Instant>(Instant(0));
}

}  // namespace epslice

#include "sim/trace/trace_recorder.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "apis/concat.h"
#include "apis/core.h"
#include "apis/discovery.h"
#include "apis/json.h"
#include "sim/trace/json_span.h"

namespace epslice::sim {
namespace {

void AppendField(std::string_view key, std::string_view value, std::string* out) {
  if (out->back() != '{') *out += ',';
  *out += '"';
  *out += key;
  *out += "\":";
  *out += value;
}

// Without managedFields, which are half of many an object, and with the type,
// which items of a list do not have.
std::string TextFor(Kind kind, std::string_view json) {
  std::string out = Concat(R"({"apiVersion":")", InfoOf(kind).apiVersion, R"(","kind":")", InfoOf(kind).name, '"');
  JsonSpan(json).ForEachField([&out](std::string_view key, JsonSpan value) {
    if (key == "apiVersion" || key == "kind") return;
    if (key != "metadata" || !value.is_object()) return AppendField(key, value.text(), &out);
    std::string metadata = "{";
    value.ForEachField([&metadata](std::string_view field, JsonSpan what) {
      if (field != "managedFields") AppendField(field, what.text(), &metadata);
    });
    AppendField(key, metadata + '}', &out);
  });
  return out + '}';
}

template <typename T>
void TakeAs(const AnyObject& object, std::shared_ptr<const std::string> json, AnyObject* out) {
  if (auto typed = object.As<T>()) *out = AnyObject(std::move(typed), std::move(json));
}

// The object with another text, or with none.
AnyObject With(const AnyObject& object, const std::shared_ptr<const std::string>& json) {
  AnyObject out;
  TakeAs<Namespace>(object, json, &out);
  TakeAs<Node>(object, json, &out);
  TakeAs<Pod>(object, json, &out);
  TakeAs<Service>(object, json, &out);
  TakeAs<EndpointSlice>(object, json, &out);
  return out;
}

AnyObject Slim(const AnyObject& object) {
  if (object.json() == nullptr) return object;
  return With(object, std::make_shared<const std::string>(TextFor(object.kind(), *object.json())));
}

}  // namespace

TraceRecorder::TraceRecorder(const Clock* clock, std::ostream* out) : clock_(*clock), out_(*out), writer_(&text_) {
  writer_.Header();
  HandOn();
}

void TraceRecorder::Apply(Kind kind, const WatchUpdate& update) {
  const std::lock_guard<std::mutex> lock(mu_);
  time_ = std::max(time_, clock_.WallNow());
  KindState& state = StateOf(kind);
  if (update.replace) {
    const std::int64_t before = events_;
    Replace(&state, update.applied);
    state.after_gaps += events_ - before;
    state.listed = true;
  } else {
    for (const AnyObject& object : update.deleted) Forget(&state, object);
    for (const AnyObject& object : update.applied) See(&state, object);
  }
  if (!started_ && AllListed()) WriteStart();
}

void TraceRecorder::Flush() {
  const std::lock_guard<std::mutex> lock(mu_);
  out_.flush();
}

void TraceRecorder::Finish() {
  const std::lock_guard<std::mutex> lock(mu_);
  TraceSummary summary;
  for (const Kind kind : kRecordedKinds) {
    const std::int64_t changes = StateOf(kind).after_gaps;
    if (changes == 0) continue;
    summary.made_up.push_back(Concat("the times of ", changes, " changes of ", InfoOf(kind).resource,
                                     " that no watch showed: when they were found by listing again"));
  }
  if (!summary.made_up.empty()) writer_.Header(summary);
  HandOn();
  out_.flush();
}

std::vector<Kind> TraceRecorder::missing() const {
  const std::lock_guard<std::mutex> lock(mu_);
  std::vector<Kind> kinds;
  for (const Kind kind : kRecordedKinds) {
    if (!StateOf(kind).listed) kinds.push_back(kind);
  }
  return kinds;
}

TraceRecorder::Counts TraceRecorder::counts() const {
  const std::lock_guard<std::mutex> lock(mu_);
  Counts counts{0, events_, bytes_, !out_};
  for (const KindState& state : kinds_) counts.objects += static_cast<std::int64_t>(state.objects.size());
  return counts;
}

bool TraceRecorder::AllListed() const {
  return std::all_of(kRecordedKinds.begin(), kRecordedKinds.end(), [this](Kind kind) { return StateOf(kind).listed; });
}

void TraceRecorder::WriteStart() {
  started_ = true;
  for (const Kind kind : kRecordedKinds) {
    for (auto& [key, object] : StateOf(kind).objects) {
      TraceEvent event;
      event.time = time_;
      event.object = std::move(object);
      event.start = true;
      writer_.Write(event);
      HandOn();
      object = With(event.object, nullptr);
    }
  }
}

// Ends first: who reads the trace sees no more objects at once than there were.
void TraceRecorder::Replace(KindState* state, const std::vector<AnyObject>& objects) {
  std::set<std::pair<ObjectKey, Text>> present;
  for (const AnyObject& object : objects) present.emplace(KeyOf(object.meta()), object.meta().uid);
  std::vector<AnyObject> gone;
  for (const auto& [key, object] : state->objects) {
    if (!present.contains({key, object.meta().uid})) gone.push_back(object);
  }
  for (const AnyObject& object : gone) Forget(state, object);
  for (const AnyObject& object : objects) See(state, object);
}

void TraceRecorder::See(KindState* state, const AnyObject& object) {
  const BasicMeta& meta = object.meta();
  auto known = state->objects.find(KeyOf(meta));
  if (known != state->objects.end() && known->second.meta().uid != meta.uid) {
    const AnyObject before = known->second;
    Forget(state, before);
    known = state->objects.end();
  }
  const bool is_new = known == state->objects.end();
  if (!is_new && known->second.meta().resourceVersion == meta.resourceVersion) return;
  const AnyObject slim = Slim(object);
  if (started_) Write(is_new ? WatchEventType::kAdded : WatchEventType::kModified, slim);
  state->objects[KeyOf(meta)] = started_ ? With(slim, nullptr) : slim;
}

void TraceRecorder::Forget(KindState* state, const AnyObject& last) {
  const auto known = state->objects.find(KeyOf(last.meta()));
  if (known == state->objects.end() || known->second.meta().uid != last.meta().uid) return;
  if (started_) Write(WatchEventType::kDeleted, Slim(last));
  state->objects.erase(known);
}

void TraceRecorder::Write(WatchEventType type, const AnyObject& object) {
  TraceEvent event;
  event.time = time_;
  event.type = type;
  event.object = object;
  writer_.Write(event);
  ++events_;
  HandOn();
}

void TraceRecorder::HandOn() {
  const std::string_view text = text_.view();
  out_ << text;
  bytes_ += static_cast<std::int64_t>(text.size());
  text_.str("");
}

}  // namespace epslice::sim

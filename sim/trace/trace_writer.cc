#include "sim/trace/trace_writer.h"

#include "apis/json.h"
#include "apis/json_writer.h"
#include "apis/time_format.h"

namespace epslice::sim {

void TraceWriter::Header(const TraceSummary& summary) {
  line_.clear();
  JsonWriter json(&line_);
  const auto list = [&json](std::string_view key, const std::vector<std::string>& sentences) {
    json.Key(key);
    json.BeginArray();
    for (const std::string& sentence : sentences) json.String(sentence);
    json.EndArray();
  };
  json.BeginObject();
  json.Field("kind", "TraceHeader");
  json.Field("apiVersion", "epslice.dev/v1");
  list("madeUp", summary.made_up);
  if (!summary.skipped.empty()) {
    json.Key("skipped");
    json.BeginObject();
    for (const auto& [why, count] : summary.skipped) json.IntField(why, count);
    json.EndObject();
  }
  if (!summary.notes.empty()) list("notes", summary.notes);
  json.EndObject();
  out_ << line_ << '\n';
}

void TraceWriter::Write(const TraceEvent& event) {
  line_.clear();
  JsonWriter json(&line_);
  json.BeginObject();
  json.Field("time", FormatRfc3339Nano(event.time));
  json.Field("type", WatchEventTypeName(event.type));
  if (event.start) json.BoolField("start", true);
  if (!event.actor.empty()) json.Field("actor", event.actor);
  if (!event.source.empty()) json.Field("source", event.source);
  if (event.took > Duration{0}) json.IntField("tookNanoseconds", event.took.count());
  std::string object;
  AppendJson(event.object, &object);
  json.Key("object");
  json.Raw(object);
  json.EndObject();
  out_ << line_ << '\n';
}

}  // namespace epslice::sim

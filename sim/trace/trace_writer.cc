#include "sim/trace/trace_writer.h"

#include "apis/json.h"
#include "apis/json_writer.h"
#include "apis/time_format.h"

namespace epslice::sim {

void TraceWriter::Header(const std::vector<std::string>& made_up) {
  line_.clear();
  JsonWriter json(&line_);
  json.BeginObject();
  json.Field("kind", "TraceHeader");
  json.Field("apiVersion", "epslice.dev/v1");
  json.Key("madeUp");
  json.BeginArray();
  for (const std::string& what : made_up) json.String(what);
  json.EndArray();
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

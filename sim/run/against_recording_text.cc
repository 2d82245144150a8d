#include "apis/concat.h"
#include "apis/json_writer.h"
#include "sim/report/table.h"
#include "sim/run/against_recording.h"

namespace epslice::sim {
namespace {

void AppendCounts(std::string_view key, const WriteCounts& counts, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  json->IntField("create", counts.creates);
  json->IntField("update", counts.updates);
  json->IntField("delete", counts.deletes);
  json->EndObject();
}

void AppendLatency(std::string_view key, const AgainstRecording::Latencies& latency, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  json->Key("p50");
  json->Double(static_cast<double>(latency.p50) / 1e9);
  json->Key("p90");
  json->Double(static_cast<double>(latency.p90) / 1e9);
  json->IntField("samples", latency.samples);
  json->EndObject();
}

void AppendStrings(std::string_view key, const std::vector<std::string>& values, JsonWriter* json) {
  json->Key(key);
  json->BeginArray();
  for (const std::string& value : values) json->String(value);
  json->EndArray();
}

}  // namespace

std::string Milliseconds(std::int64_t nanos) {
  const std::int64_t tenths = (nanos + 50'000) / 100'000;
  return Concat(tenths / 10, ".", tenths % 10, " ms");
}

std::string ToJson(const AgainstRecording& result) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "AgainstRecording");
  json.Field("apiVersion", "epslice.dev/v1");
  json.Key("writes");
  json.BeginArray();
  for (const AgainstRecording::ServiceWrites& writes : result.writes) {
    json.BeginObject();
    json.Field("service", writes.service.ToString());
    AppendCounts("recorded", writes.recorded, &json);
    AppendCounts("simulated", writes.simulated, &json);
    json.EndObject();
  }
  json.EndArray();
  json.Key("total");
  json.BeginObject();
  AppendCounts("recorded", result.RecordedTotal(), &json);
  AppendCounts("simulated", result.SimulatedTotal(), &json);
  json.EndObject();
  json.Key("recordedWithoutSlice");
  json.BeginObject();
  AppendCounts("counted", result.without_slice, &json);
  AppendCounts("notCounted", result.not_counted, &json);
  json.EndObject();
  json.Key("latency");
  json.BeginObject();
  json.Field("unit", "s");
  AppendLatency("recorded", result.recorded_latency, &json);
  AppendLatency("simulated", result.simulated_latency, &json);
  json.EndObject();
  json.Key("endState");
  json.BeginObject();
  json.Key("differences");
  json.BeginArray();
  for (const AgainstRecording::EndDifference& difference : result.differences) {
    json.BeginObject();
    json.Field("service", difference.service.ToString());
    json.Field("what", difference.what);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  json.Field("digest", result.digest);
  json.Key("trace");
  json.BeginObject();
  json.Field("format", result.trace.format);
  json.IntField("events", result.trace.events);
  json.IntField("startObjects", result.trace.start_objects);
  json.Key("skipped");
  json.BeginObject();
  for (const auto& [why, count] : result.trace.skipped) json.IntField(why, count);
  json.EndObject();
  AppendStrings("madeUp", result.trace.made_up, &json);
  AppendStrings("notes", result.trace.notes, &json);
  json.EndObject();
  json.Key("settings");
  json.BeginObject();
  for (const auto& [key, value] : result.settings) json.Field(key, value);
  json.EndObject();
  AppendStrings("notes", result.notes, &json);
  json.EndObject();
  return out;
}

void PrintTable(const AgainstRecording& result, std::ostream& out) {
  Table writes({"SERVICE", "RECORDED", "SIMULATED", "CREATE", "UPDATE", "DELETE"});
  // Of these there are more.
  const char* more = result.not_counted.all() > 0 ? "+?" : "";
  const auto add = [&writes, more](const std::string& name, const WriteCounts& a, const WriteCounts& b) {
    writes.Add({name, Concat(a.all(), more), std::to_string(b.all()), Concat(a.creates, more, "/", b.creates),
                Concat(a.updates, more, "/", b.updates), Concat(a.deletes, more, "/", b.deletes)});
  };
  for (const AgainstRecording::ServiceWrites& w : result.writes) add(w.service.ToString(), w.recorded, w.simulated);
  add("all", result.RecordedTotal(), result.SimulatedTotal());
  if (const WriteCounts& w = result.not_counted; w.all() > 0) {
    writes.Add({"(Service not told)", std::to_string(w.all()), "", Concat(w.creates, "/"), Concat(w.updates, "/"),
                Concat(w.deletes, "/")});
  }
  writes.Print(out);
  Table latency({"POD CHANGE TO SLICE", "RECORDED", "SIMULATED"});
  latency.Add({"p50", Milliseconds(result.recorded_latency.p50), Milliseconds(result.simulated_latency.p50)});
  latency.Add({"p90", Milliseconds(result.recorded_latency.p90), Milliseconds(result.simulated_latency.p90)});
  out << '\n';
  latency.Print(out);
  out << '\n';
  if (result.differences.empty()) out << "In the end consumers see the same of every Service.\n";
  for (const AgainstRecording::EndDifference& d : result.differences) {
    out << Printable(Concat(d.service.ToString(), ": ", d.what)) << '\n';
  }
  for (const std::vector<std::string>* lines : {&result.trace.made_up, &result.trace.notes, &result.notes}) {
    for (const std::string& line : *lines) out << "note: " << Printable(line) << '\n';
  }
  out << "digest " << result.digest << '\n';
}

}  // namespace epslice::sim

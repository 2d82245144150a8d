// The files and reports of sweeps: JSON lines, JSON, CSV.
#include <nlohmann/json.hpp>

#include "apis/concat.h"
#include "apis/json_writer.h"
#include "sim/run/sweep.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kApiVersion = "epslice.dev/v1";
constexpr std::size_t kMostLineBytes = std::size_t{1} << 20;

using Json = nlohmann::json;

// Nothing of ours is nested deeper.
constexpr int kMostDepth = 6;

// Null where `line` is not one JSON object of a bounded depth.
Json ParseLine(std::string_view line) {
  bool too_deep = line.size() > kMostLineBytes;
  if (too_deep) return {};
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
    too_deep = too_deep || depth > kMostDepth;
    return !too_deep;
  };
  Json doc = Json::parse(line.begin(), line.end(), watch_depth, false);
  return too_deep || !doc.is_object() ? Json() : doc;
}

bool IsWhole(const Json& doc, const char* key) { return doc.contains(key) && doc[key].is_number_integer(); }

bool IsStrings(const Json& value) {
  if (!value.is_array()) return false;
  for (const Json& item : value) {
    if (!item.is_string()) return false;
  }
  return true;
}

bool ReadHeader(const Json& doc, SweepSpec* spec) {
  if (doc.is_null() || doc.value("kind", Json()) != "SweepHeader" || doc.value("apiVersion", Json()) != kApiVersion) {
    return false;
  }
  if (!IsWhole(doc, "firstSeed") || !IsWhole(doc, "seeds") || !doc.contains("grid") || !doc["grid"].is_array() ||
      !doc.contains("inputs") || !IsStrings(doc["inputs"])) {
    return false;
  }
  spec->first_seed = doc["firstSeed"];
  spec->seeds = doc["seeds"];
  spec->inputs = doc["inputs"];
  for (const Json& axis : doc["grid"]) {
    if (!axis.is_object() || !axis.contains("key") || !axis["key"].is_string() || !axis.contains("values") ||
        !IsStrings(axis["values"]) || axis["values"].empty()) {
      return false;
    }
    spec->axes.push_back({axis["key"], axis["values"]});
  }
  return spec->Check().ok();
}

bool ReadRow(const Json& doc, SweepRow* row) {
  if (doc.is_null() || !IsWhole(doc, "job") || !doc.contains("digest") || !doc["digest"].is_string() ||
      !doc.contains("metrics") || !doc["metrics"].is_object()) {
    return false;
  }
  row->job = doc["job"];
  row->digest = doc["digest"];
  for (const auto& [name, value] : doc["metrics"].items()) {
    if (!value.is_number()) return false;
    row->metrics[name] = value;
  }
  return true;
}

// A CSV cell (RFC 4180).
std::string Cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell.push_back('"');
    cell.push_back(c);
  }
  cell.push_back('"');
  return cell;
}

std::string Number(double value) {
  std::string text;
  JsonWriter(&text).Double(value);
  return text;
}

}  // namespace

std::string HeaderLine(const SweepSpec& spec) {
  std::string line;
  JsonWriter json(&line);
  json.BeginObject();
  json.Field("kind", "SweepHeader");
  json.Field("apiVersion", kApiVersion);
  json.Key("grid");
  json.BeginArray();
  for (const GridAxis& axis : spec.axes) {
    json.BeginObject();
    json.Field("key", axis.key);
    json.Key("values");
    json.BeginArray();
    for (const std::string& value : axis.values) json.String(value);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.IntField("firstSeed", spec.first_seed);
  json.IntField("seeds", spec.seeds);
  json.Key("inputs");
  json.BeginArray();
  for (const std::string& input : spec.inputs) json.String(input);
  json.EndArray();
  json.EndObject();
  return line + "\n";
}

std::string RowLine(const SweepRow& row) {
  std::string line;
  JsonWriter json(&line);
  json.BeginObject();
  json.IntField("job", row.job);
  json.Field("digest", row.digest);
  json.Key("metrics");
  json.BeginObject();
  for (const auto& [name, value] : row.metrics) {
    json.Key(name);
    json.Double(value);
  }
  json.EndObject();
  json.EndObject();
  return line + "\n";
}

absl::Status ReadState(std::string_view name, std::string_view text, SweepSpec* spec, bool* have_spec, SweepRows* rows,
                       std::size_t* complete_bytes) {
  const auto bad = [name](std::size_t line, std::string_view what) {
    return absl::InvalidArgumentError(Concat(name, ": line ", std::to_string(line), ": ", what));
  };
  std::size_t begin = 0;
  std::size_t number = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    const Json doc = ParseLine(text.substr(begin, end - begin));
    if (++number == 1) {
      SweepSpec here;
      if (!ReadHeader(doc, &here)) return bad(number, "no header of a sweep (kind SweepHeader, epslice.dev/v1)");
      if (*have_spec && here != *spec) return bad(number, "another sweep: its grid, seeds or inputs differ");
      *spec = std::move(here);
      *have_spec = true;
      continue;
    }
    SweepRow row;
    if (!ReadRow(doc, &row)) return bad(number, "no row of a sweep: {\"job\", \"digest\", \"metrics\"}");
    if (row.job < 0 || row.job >= spec->jobs()) return bad(number, "a job that the sweep does not have");
    const auto [known, added] = rows->emplace(row.job, row);
    if (!added && known->second != row) {
      return bad(number, Concat("job ", std::to_string(row.job), " measured something else elsewhere"));
    }
  }
  if (number == 0 && text.size() > kMostLineBytes) return bad(1, "no header of a sweep");
  if (complete_bytes != nullptr) *complete_bytes = begin;
  return absl::OkStatus();
}

std::string SweepJson(const SweepTable& table) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "SweepReport");
  json.Field("apiVersion", kApiVersion);
  json.Key("keys");
  json.BeginArray();
  for (const std::string& key : table.keys) json.String(key);
  json.EndArray();
  json.Key("points");
  json.BeginArray();
  for (const SweepPoint& point : table.points) {
    json.BeginObject();
    json.Key("settings");
    json.BeginObject();
    for (const auto& [key, value] : point.settings) json.Field(key, value);
    json.EndObject();
    json.Key("metrics");
    json.BeginObject();
    for (const auto& [name, band] : point.metrics) {
      json.Key(name);
      json.BeginObject();
      json.IntField("n", band.n);
      for (const auto& [field, value] : {std::pair("mean", band.mean), {"low", band.low}, {"high", band.high}}) {
        json.Key(field);
        json.Double(value);
      }
      json.EndObject();
    }
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
  json.IntField("missing", table.missing);
  json.EndObject();
  return out;
}

std::string SweepCsv(const SweepTable& table) {
  std::string out;
  for (const std::string& key : table.keys) out += Cell(key) + ",";
  out += "metric,n,mean,low,high\n";
  for (const SweepPoint& point : table.points) {
    std::string settings;
    for (const auto& [key, value] : point.settings) settings += Cell(value) + ",";
    for (const auto& [name, band] : point.metrics) {
      out += Concat(settings, Cell(name), ",", std::to_string(band.n), ",", Number(band.mean), ",", Number(band.low),
                    ",", Number(band.high), "\n");
    }
  }
  return out;
}

}  // namespace epslice::sim

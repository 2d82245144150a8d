#include "sim/trace/csv_reader.h"

#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "sim/trace/byte_source.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kNodesPreset = "alibaba-openb-nodes";

bool TakePrefix(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

struct Preset {
  std::string_view name;
  ColumnMap columns;
};

const std::vector<Preset>& Presets() {
  static const std::vector<Preset> kPresets = {
      {"alibaba-dlrm", {"creation_time", "scheduled_time", "deletion_time", {"app_name"}, "", true}},
      // Pods alike in what they ask for are taken for one application.
      {"alibaba-openb",
       {"creation_time",
        "scheduled_time",
        "deletion_time",
        {"qos", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"},
        "pod_phase",
        true}},
      {"azure-vmtable", {"4", "", "5", {"3"}, "", false}},
  };
  return kPresets;
}

// "created=C,deleted=D,app=A" as a map.
absl::StatusOr<ColumnMap> ParseColumns(std::string_view text) {
  ColumnMap map;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (value.empty()) return absl::InvalidArgumentError(Concat("csv(): \"", pair, "\" is no KEY=COLUMN"));
    if (key == "created") {
      map.created = value;
    } else if (key == "scheduled") {
      map.scheduled = value;
    } else if (key == "deleted") {
      map.deleted = value;
    } else if (key == "app") {
      map.app.push_back(value);
    } else if (key == "header" && (value == "yes" || value == "no")) {
      map.header = value == "yes";
    } else {
      return absl::InvalidArgumentError(
          Concat("csv(): \"", pair,
                 "\"; created, scheduled, deleted, app (may be given again) and header=yes|no are "
                 "accepted"));
    }
  }
  if (map.created.empty() || map.app.empty()) {
    return absl::InvalidArgumentError("csv(): created=COLUMN and app=COLUMN are needed");
  }
  return map;
}

absl::StatusOr<std::unique_ptr<RecordStream>> OpenTable(const std::string& file, const TraceOptions& options) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(file, options.standard_input, options.bytes);
  if (!source.ok()) {
    return absl::Status(source.status().code(), Concat(file, ": ", std::string(source.status().message())));
  }
  constexpr std::size_t kLongestLine = std::size_t{1} << 20;
  return std::make_unique<RecordStream>(file == "-" ? std::string(kStandardInputName) : file, *std::move(source),
                                        kLongestLine);
}

}  // namespace

absl::StatusOr<bool> CsvSources::Take(const std::string& source) {
  std::string_view text = source;
  if (TakePrefix(&text, kNodesPreset) && TakePrefix(&text, ":")) {
    if (nodes_) return absl::InvalidArgumentError(Concat(kNodesPreset, ": may be given once only"));
    nodes_ = std::string(text);
    return true;
  }
  for (const Preset& preset : Presets()) {
    text = source;
    if (!TakePrefix(&text, preset.name) || !TakePrefix(&text, ":")) continue;
    instances_.push_back({std::string(preset.name), std::string(text), preset.columns});
    return true;
  }
  text = source;
  if (!TakePrefix(&text, "csv(")) return false;
  const std::size_t close = text.find("):");
  if (close == std::string_view::npos) {
    return absl::InvalidArgumentError(Concat("\"", source,
                                             "\": csv(created=COLUMN,deleted=COLUMN,app=COLUMN):FILE "
                                             "is accepted"));
  }
  absl::StatusOr<ColumnMap> columns = ParseColumns(text.substr(0, close));
  if (!columns.ok()) return columns.status();
  instances_.push_back({"csv", std::string(text.substr(close + 2)), *std::move(columns)});
  return true;
}

absl::StatusOr<std::unique_ptr<TraceReader>> CsvSources::Open(const TraceOptions& options) const {
  if (instances_.size() > 1) {
    return absl::InvalidArgumentError("of tables of instances one can be replayed at a time");
  }
  std::vector<NodeRow> nodes;
  if (nodes_) {
    absl::StatusOr<std::unique_ptr<RecordStream>> stream = OpenTable(*nodes_, options);
    if (!stream.ok()) return stream.status();
    absl::StatusOr<std::vector<NodeRow>> rows = ReadNodes(stream->get(), "sn", "cpu_milli");
    if (!rows.ok()) return rows.status();
    nodes = *std::move(rows);
  }
  TraceSummary summary;
  InstanceTable table;
  std::string preset(kNodesPreset);
  if (!instances_.empty()) {
    preset = instances_[0].preset;
    absl::StatusOr<std::unique_ptr<RecordStream>> stream = OpenTable(instances_[0].file, options);
    if (!stream.ok()) return stream.status();
    absl::StatusOr<InstanceTable> rows = ReadInstances(stream->get(), instances_[0].columns, &summary);
    if (!rows.ok()) return rows.status();
    table = *std::move(rows);
  }
  summary.format = Concat("CSV (", preset, ")");
  return MakeLifetimesReader(preset, std::move(table), std::move(nodes), options.seed, std::move(summary));
}

}  // namespace epslice::sim

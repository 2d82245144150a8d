#include "sim/trace/csv_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMostInstances = 20'000'000;
constexpr std::size_t kMostNodes = 1'000'000;
constexpr double kMostSeconds = 3e9;  // some 95 years
constexpr std::size_t kLongestName = 40;

std::optional<double> Number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Where the columns stand.
class Columns {
 public:
  Columns(std::vector<std::string> header, bool named) : header_(std::move(header)), named_(named) {}

  std::optional<std::size_t> Find(const std::string& column) const {
    if (!named_) {
      const std::optional<double> number = Number(column);
      const auto at = number ? static_cast<std::size_t>(*number) : 0;
      return at >= 1 && at <= header_.size() ? std::optional<std::size_t>(at - 1) : std::nullopt;
    }
    const auto it = std::find(header_.begin(), header_.end(), column);
    if (it == header_.end()) return std::nullopt;
    return static_cast<std::size_t>(it - header_.begin());
  }
  bool IsAmbiguous(const std::string& column) const {
    return named_ && std::count(header_.begin(), header_.end(), column) > 1;
  }
  std::size_t size() const { return header_.size(); }

 private:
  const std::vector<std::string> header_;
  const bool named_;
};

absl::StatusOr<std::size_t> Need(const RecordStream& stream, std::size_t line, const Columns& columns,
                                 const std::string& column) {
  const std::optional<std::size_t> at = columns.Find(column);
  if (!at) return stream.Error(line, Concat("there is no column \"", column, "\""));
  if (columns.IsAmbiguous(column)) {
    return stream.Error(line, Concat("there is more than one column \"", column, "\""));
  }
  return *at;
}

// Text that can be part of a Service's name: lower-case letters, digits and '-'.
std::string NamePart(std::string_view text) {
  std::string name;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name.push_back(fine ? c : '-');
  }
  return name;
}

class InstanceRows {
 public:
  InstanceRows(RecordStream* stream, const ColumnMap& map, TraceSummary* summary)
      : stream_(*stream), map_(map), summary_(*summary) {}

  absl::StatusOr<InstanceTable> Read() {
    TextRecord line;
    std::uint32_t row = 0;
    while (true) {
      const absl::StatusOr<bool> more = stream_.NextLine(&line);
      if (!more.ok()) return more.status();
      if (!*more) break;
      if (line.text.empty()) continue;
      bool open_quote = false;
      std::vector<std::string> fields = SplitCsv(line.text, &open_quote);
      if (open_quote) {
        SkipRow("rows with a quote that does not end", line.line, "a quote does not end in its line");
        ++row;
        continue;
      }
      if (!columns_) {
        if (absl::Status s = Begin(fields, line.line); !s.ok()) return s;
        if (map_.header) continue;
      }
      if (absl::Status s = Row(fields, line.line, row++); !s.ok()) return s;
      if (table_.instances.size() > kMostInstances) {
        return stream_.Error(line.line, Concat("more than ", kMostInstances, " instances"));
      }
    }
    if (!columns_) return absl::InvalidArgumentError(Concat(stream_.name(), ": holds no table"));
    const auto note = [this](std::int64_t count, std::string_view what) {
      if (count == 0) return;
      summary_.notes.push_back(
          Concat(stream_.name(), ": ", count, count == 1 ? " instance was" : " instances were", what));
    };
    note(early_, " created before the beginning (negative seconds), and so there from it on");
    note(scheduled_early_, " scheduled before the creation; taken as scheduled then");
    std::sort(table_.instances.begin(), table_.instances.end(), [](const Instance& a, const Instance& b) {
      return std::make_pair(a.created, a.row) < std::make_pair(b.created, b.row);
    });
    return std::move(table_);
  }

 private:
  absl::Status Begin(const std::vector<std::string>& fields, std::size_t line) {
    columns_.emplace(fields, map_.header);
    const auto find = [&](const std::string& column, std::optional<std::size_t>* at) -> absl::Status {
      if (column.empty()) return absl::OkStatus();
      const absl::StatusOr<std::size_t> found = Need(stream_, line, *columns_, column);
      if (!found.ok()) return found.status();
      *at = *found;
      return absl::OkStatus();
    };
    for (absl::Status s : {find(map_.created, &created_), find(map_.scheduled, &scheduled_),
                           find(map_.deleted, &deleted_), find(map_.phase, &phase_)}) {
      if (!s.ok()) return s;
    }
    for (const std::string& column : map_.app) {
      std::optional<std::size_t> at;
      if (absl::Status s = find(column, &at); !s.ok()) return s;
      app_.push_back(*at);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::int64_t> Seconds(const std::vector<std::string>& fields, std::optional<std::size_t> column,
                                       std::size_t line, std::int64_t if_empty) const {
    if (!column || fields[*column].empty()) return if_empty;
    const std::optional<double> seconds = Number(fields[*column]);
    if (!seconds || std::abs(*seconds) > kMostSeconds) {
      return stream_.Error(line, Concat("column ", *column + 1, ": \"", fields[*column], "\" is no number of seconds"));
    }
    return static_cast<std::int64_t>(*seconds * 1e3) * 1'000'000;
  }

  void SkipRow(const std::string& why, std::size_t line, std::string_view what) {
    if (summary_.skipped[why]++ > 0) return;
    summary_.notes.push_back(
        Concat(stream_.name(), ": line ", line, ": ", what, "; it and others like it are skipped"));
  }

  absl::Status Row(const std::vector<std::string>& fields, std::size_t line, std::uint32_t row) {
    if (fields.size() != columns_->size()) {
      SkipRow("rows with another number of columns", line,
              Concat("has ", fields.size(), " columns, not ", columns_->size()));
      return absl::OkStatus();
    }
    Instance instance;
    instance.row = row;
    const bool pending = phase_ && fields[*phase_] == "Pending";
    const absl::StatusOr<std::int64_t> created = Seconds(fields, created_, line, Instance::kBefore);
    if (!created.ok()) return created.status();
    const std::int64_t unscheduled = scheduled_ && *created != Instance::kBefore ? Instance::kNever : *created;
    const absl::StatusOr<std::int64_t> scheduled = Seconds(fields, scheduled_, line, unscheduled);
    if (!scheduled.ok()) return scheduled.status();
    const absl::StatusOr<std::int64_t> deleted = Seconds(fields, deleted_, line, Instance::kNever);
    if (!deleted.ok()) return deleted.status();
    instance.created = *created;
    instance.scheduled = pending ? Instance::kNever : std::max(*scheduled, *created);
    instance.deleted = *deleted;
    const bool early = instance.created < 0 && instance.created != Instance::kBefore;
    if (early && instance.scheduled <= 0) instance.created = instance.scheduled = Instance::kBefore;
    if (instance.deleted < std::max<std::int64_t>(instance.created, 0)) {
      const char* const why =
          instance.created == Instance::kBefore ? "instances deleted before the beginning" : "negative lifetimes";
      ++summary_.skipped[why];
      return absl::OkStatus();
    }
    if (std::all_of(app_.begin(), app_.end(), [&](std::size_t column) { return fields[column].empty(); })) {
      SkipRow("rows without an application", line, "names no application");
      return absl::OkStatus();
    }
    early_ += early ? 1 : 0;
    scheduled_early_ += *scheduled < *created ? 1 : 0;
    instance.app = AppOf(fields);
    table_.instances.push_back(instance);
    return absl::OkStatus();
  }

  std::uint32_t AppOf(const std::vector<std::string>& fields) {
    std::string key;
    for (const std::size_t column : app_) {
      if (!key.empty()) key += '\n';
      key += fields[column];
    }
    const auto [it, added] = apps_.try_emplace(key, static_cast<std::uint32_t>(table_.apps.size()));
    if (added) {
      // The table's own name where it can be one; numbered otherwise.
      const std::string part = NamePart(key);
      const bool fits = app_.size() == 1 && !part.empty() && part.size() <= kLongestName && part.front() >= 'a' &&
                        part.back() != '-' && names_.insert({part, true}).second;
      table_.apps.push_back(fits ? part : Concat("app-n", it->second));
    }
    return it->second;
  }

  RecordStream& stream_;
  const ColumnMap& map_;
  TraceSummary& summary_;
  std::optional<Columns> columns_;
  std::optional<std::size_t> created_, scheduled_, deleted_, phase_;
  std::vector<std::size_t> app_;
  std::map<std::string, std::uint32_t> apps_;
  std::map<std::string, bool> names_;
  std::int64_t early_ = 0, scheduled_early_ = 0;
  InstanceTable table_;
};

}  // namespace

std::vector<std::string> SplitCsv(std::string_view line, bool* open_quote) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"') {
        fields.back().push_back(c);
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        fields.back().push_back('"');
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else {
      fields.back().push_back(c);
    }
  }
  if (open_quote != nullptr) *open_quote = quoted;
  return fields;
}

absl::StatusOr<InstanceTable> ReadInstances(RecordStream* stream, const ColumnMap& map, TraceSummary* summary) {
  return InstanceRows(stream, map, summary).Read();
}

absl::StatusOr<std::vector<NodeRow>> ReadNodes(RecordStream* stream, const std::string& name_column,
                                               const std::string& cpu_milli_column) {
  std::vector<NodeRow> nodes;
  std::optional<Columns> columns;
  std::size_t name = 0, cpu = 0;
  TextRecord line;
  while (true) {
    const absl::StatusOr<bool> more = stream->NextLine(&line);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (line.text.empty()) continue;
    const std::vector<std::string> fields = SplitCsv(line.text);
    if (!columns) {
      columns.emplace(fields, true);
      const absl::StatusOr<std::size_t> name_at = Need(*stream, line.line, *columns, name_column);
      const absl::StatusOr<std::size_t> cpu_at = Need(*stream, line.line, *columns, cpu_milli_column);
      if (!name_at.ok()) return name_at.status();
      if (!cpu_at.ok()) return cpu_at.status();
      name = *name_at;
      cpu = *cpu_at;
      continue;
    }
    if (fields.size() != columns->size()) return stream->Error(line.line, "has another number of columns");
    const std::optional<double> milli = Number(fields[cpu]);
    if (!milli || *milli < 0 || *milli > 1e9) {
      return stream->Error(line.line, Concat("column \"", cpu_milli_column, "\": \"", fields[cpu], "\" is no CPU"));
    }
    NodeRow node{NamePart(fields[name]), static_cast<std::int64_t>(*milli)};
    if (node.name.empty() || node.name.size() > 253 || node.name.front() == '-' || node.name.back() == '-') {
      return stream->Error(line.line, Concat("\"", fields[name], "\" can name no node"));
    }
    nodes.push_back(std::move(node));
    if (nodes.size() > kMostNodes) return stream->Error(line.line, Concat("more than ", kMostNodes, " nodes"));
  }
  return nodes;
}

}  // namespace epslice::sim

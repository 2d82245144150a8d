// OpenTrace: which format each source has, and their readers put together.
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/yaml.h"
#include "sim/cluster/manifests.h"
#include "sim/trace/audit_entry.h"
#include "sim/trace/byte_source.h"
#include "sim/trace/csv_reader.h"
#include "sim/trace/dump_reader.h"
#include "sim/trace/event_decode.h"
#include "sim/trace/made_nodes.h"
#include "sim/trace/merged_reader.h"
#include "sim/trace/overlap.h"
#include "sim/trace/readers.h"
#include "sim/trace/source_files.h"
#include "sim/trace/start_dumps.h"
#include "sim/trace/text_format.h"
#include "sim/trace/trace_facts.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMostStreams = 1000;

enum class Format { kDump, kAudit, kLines, kWatch, kK8shark, kKwok, kNone };

// Told from the first record, and for kwok from what is in sight behind it.
Format FormatOf(JsonSpan record, std::string_view ahead) {
  if (IsLinesHeader(record) || IsTimedEvent(record)) return Format::kLines;
  if (IsK8sharkRecord(record)) return Format::kK8shark;
  if (IsWatchEvent(record)) return Format::kWatch;
  if (IsAuditRecord(record)) return Format::kAudit;
  if (!record["kind"].present()) return Format::kNone;
  const auto has = [&](std::string_view what) {
    return record.text().find(what) != std::string_view::npos || ahead.find(what) != std::string_view::npos;
  };
  if (record["kind"].String() == "ResourcePatch" || has("$(time-offset-nanosecond") || has("ResourcePatch\"")) {
    return Format::kKwok;
  }
  return Format::kDump;
}

// The beginning of a JSON text, with what is open in it closed.
std::string Closed(std::string_view head) {
  std::string out(head), closers;
  bool in_string = false, escaped = false;
  for (const char c : head) {
    if (in_string) {
      if (c == '"' && !escaped) in_string = false;
      escaped = c == '\\' && !escaped;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      closers.push_back(c == '{' ? '}' : ']');
    } else if ((c == '}' || c == ']') && !closers.empty()) {
      closers.pop_back();
    }
  }
  if (in_string) out += escaped ? "\\\"" : "\"";
  return out.append(closers.rbegin(), closers.rend());
}

// Whether a text begins with a list of objects, which may be longer than any
// record. (Lists of audit events are an audit log's, and read as that.)
bool BeginsWithList(std::string_view head) {
  if (head.find("$(time-offset-nanosecond") != std::string_view::npos) return false;
  const std::string text = Closed(head);
  JsonSpan kind, api_version, items;
  JsonSpan(text).Get({{"kind", &kind}, {"apiVersion", &api_version}, {"items", &items}});
  const bool list = kind.present() ? kind.String().ends_with("List") : api_version.String() == "v1";
  return list && items.is_array() && api_version.String().rfind("audit.", 0) != 0;
}

// Whether the first line is one of a table: cells with commas between them, and
// nothing that YAML begins with.
bool BeginsWithTable(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  const std::string_view line = head.substr(0, head.find('\n'));
  return line.find(',') != std::string_view::npos && line.find_first_of(":[]{}#") == std::string_view::npos;
}

// 2026-11-22T22:50:53.96Z stdout F ... (the CRI's format of logs).
bool HasRuntimesPrefix(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\n'));
  const std::size_t time = line.find(' ');
  if (time == std::string_view::npos || time < 20 || line[4] != '-' || line[10] != 'T') return false;
  const std::string_view rest = line.substr(time + 1);
  return rest.starts_with("stdout F ") || rest.starts_with("stderr F ") || rest.starts_with("stdout P ") ||
         rest.starts_with("stderr P ");
}

// What this program reads and writes besides, given by mistake.
absl::Status NotOneOfOurs(const RecordStream& stream, const TextRecord& record) {
  JsonSpan kind, api_version;
  JsonSpan(record.text).Get({{"kind", &kind}, {"apiVersion", &api_version}});
  if (!api_version.String().starts_with("epslice.dev/")) return absl::OkStatus();
  const std::string name = kind.String();
  if (name == "Scenario") return stream.Error(record.line, "is a Scenario, no trace: give it with --scenario");
  if (!name.ends_with("Report")) return absl::OkStatus();
  return stream.Error(record.line, Concat("is a ", name, " that was written by this program, no trace"));
}

// The beginning of a YAML text as JSON, as far as to the first item of a list.
std::string YamlHead(std::string_view head) {
  const auto read = [&head](char* buffer, std::size_t size) -> absl::StatusOr<std::size_t> {
    const std::size_t n = head.copy(buffer, size);
    head.remove_prefix(n);
    return n;
  };
  YamlReader reader(read, {}, /*piece_bytes=*/1);
  std::string json;
  while (IsBlank(json)) {
    // It is cut off: an error means that no item is in sight.
    if (const absl::StatusOr<bool> more = reader.Next(&json); !more.ok() || !*more) return {};
  }
  return json;
}

class Opener {
 public:
  explicit Opener(const TraceOptions& options) : options_(options), keep_json_(options.keep_json) {
    options_.keep_json |= options.facts != nullptr;
  }

  absl::Status Open(const std::string& file, bool doubtful) {
    if (opened_++ >= kMostStreams) {
      return absl::InvalidArgumentError(Concat("more than ", kMostStreams, " files are no one trace"));
    }
    const std::string name(file == "-" ? kStandardInputName : std::string_view(file));
    if (file.ends_with(".sktrace")) {
      return absl::InvalidArgumentError(Concat(
          name,
          ": simkube's traces have Deployments and neither Services nor Pods: they do not tell what a controller "
          "would see"));
    }
    if (file.ends_with(".kshrk")) {
      return absl::InvalidArgumentError(
          Concat(name, ": a k8shark archive is not read; the NDJSON of its records is (unzip, decompress with zstd)"));
    }
    absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(file, options_.standard_input, options_.bytes);
    if (!source.ok()) {
      return absl::Status(source.status().code(), Concat(name, ": ", std::string(source.status().message())));
    }
    return OpenStream(name, *std::move(source), doubtful);
  }

  // `doubtful`: it is passed over where it holds no trace.
  absl::Status OpenStream(const std::string& name, std::unique_ptr<ByteSource> source, bool doubtful) {
    auto stream = std::make_unique<RecordStream>(name, std::move(source), options_.max_record_bytes);
    if (doubtful && !IsLogOfRecords(stream.get())) {
      passed_over_.push_back(name);
      --opened_;
      return absl::OkStatus();
    }
    const auto syntax = stream->DetectSyntax();
    if (!syntax.ok()) return syntax.status();
    const bool yaml = *syntax == RecordStream::Syntax::kYaml;
    if (yaml && HasRuntimesPrefix(stream->Ahead())) {
      return stream->Error(1,
                           "is a container's log as its runtime keeps it: before each line are time and stream; take "
                           "them off (sed -E 's/^[^ ]+ (stdout|stderr) [FP] //')");
    }
    if (yaml && BeginsWithTable(stream->Ahead())) {
      return stream->Error(1,
                           "is a table (CSV), whose columns a preset tells: -f alibaba-dlrm:FILE (alibaba-openb, "
                           "alibaba-openb-nodes, azure-vmtable), or, for any other, -f "
                           "'csv(created=COLUMN,deleted=COLUMN,app=COLUMN):FILE'");
    }
    if (yaml ? BeginsWithList(YamlHead(stream->Ahead())) : BeginsWithList(stream->Ahead())) {
      return ReadAsDump(stream.get());
    }
    TextRecord record;
    const absl::StatusOr<bool> any = stream->NextDocument(&record);
    if (!any.ok()) return any.status();
    if (!*any) return absl::InvalidArgumentError(Concat(name, ": holds no documents"));
    if (record.broken) return stream->Error(record.line, "the first record is cut off");
    if (absl::Status own = NotOneOfOurs(*stream, record); !own.ok()) return own;
    const Format format = FormatOf(JsonSpan(record.text), stream->Ahead());
    if (format == Format::kNone) {
      return stream->Error(record.line, Concat("is in no format that is known; ", kAcceptedTraces));
    }
    stream->PutBack();
    switch (format) {
      case Format::kAudit:
        NoteBegin(JsonSpan(record.text), record.line);
        audits_.push_back(std::move(stream));
        break;
      case Format::kWatch: watches_.push_back(std::move(stream)); break;
      case Format::kLines: readers_.push_back(MakeLinesReader(std::move(stream), options_)); break;
      case Format::kK8shark: readers_.push_back(MakeK8sharkReader(std::move(stream), options_)); break;
      case Format::kKwok: others_.push_back(MakeKwokReader(std::move(stream), options_)); break;
      case Format::kNone:
      case Format::kDump: return ReadAsDump(stream.get());
    }
    return absl::OkStatus();
  }

  // Of directories, too.
  void NotePassedOver(std::vector<std::string> files) { passed_over_ = std::move(files); }
  // An error where all there was has been passed over.
  absl::Status NeedSomething() const {
    if (opened_ > 0 || passed_over_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        Concat(passed_over_.front(), ": is in no format that is known, and there is no other file; ", kAcceptedTraces));
  }

  void Add(std::unique_ptr<TraceReader> reader) { others_.push_back(std::move(reader)); }

  std::unique_ptr<TraceReader> Finish() {
    TraceSummary summary;
    StartState start = ChooseStartState(std::move(dumps_), audit_begin_, options_.facts, &summary);
    dump_.objects = std::move(start.objects);
    if (!passed_over_.empty()) summary.notes.push_back(PassedOverNote());
    for (std::string& what : FillInManifests(&dump_.objects).Sentences()) {
      summary.made_up.push_back(std::move(what));
    }
    std::vector<std::unique_ptr<TraceReader>> timed;
    std::string audit_log;
    if (!audits_.empty()) {
      auto known = std::make_shared<KnownObjects>();
      for (const AnyObject& object : dump_.objects) {
        if (IsTraced(object.kind())) known->Put(object, {});
      }
      audit_log = audits_.front()->name();
      timed.push_back(MakeAuditReader(std::move(audits_), std::move(known), start.version, options_));
    }
    for (auto& reader : readers_) timed.push_back(std::move(reader));
    if (!watches_.empty()) timed.push_back(MakeWatchReader(std::move(watches_), options_));
    timed = WithoutOverlap(std::move(timed));
    for (auto& reader : others_) timed.push_back(std::move(reader));
    std::unique_ptr<TraceReader> reader =
        MergeReaders(std::move(dump_), std::move(start.later), std::move(timed), others_.empty() && start.version == 0,
                     std::move(audit_log), std::move(summary));
    reader = WithMadeNodes(std::move(reader));
    if (options_.facts == nullptr) return reader;
    return NotingFacts(std::move(reader), options_.facts, keep_json_);
  }

 private:
  // Of a log of other things (a container's) no record is known.
  static bool IsLogOfRecords(RecordStream* stream) {
    const auto syntax = stream->DetectSyntax();
    if (!syntax.ok() || *syntax == RecordStream::Syntax::kYaml) return false;
    TextRecord record;
    const absl::StatusOr<bool> any = stream->NextDocument(&record);
    if (!any.ok() || !*any || record.broken) return false;
    const bool known = FormatOf(JsonSpan(record.text), stream->Ahead()) != Format::kNone;
    stream->PutBack();
    return known;
  }

  std::string PassedOverNote() const {
    constexpr std::size_t kNamed = 3;
    std::string names;
    for (std::size_t i = 0; i < std::min(passed_over_.size(), kNamed); ++i) {
      const std::string_view path = passed_over_[i];
      names += Concat(i == 0 ? "" : ", ", path.substr(path.rfind('/') + 1));
    }
    return Concat(passed_over_.size(), passed_over_.size() == 1 ? " file" : " files",
                  " of the directory passed over, by name or as no trace: ", names,
                  passed_over_.size() > kNamed ? ", ..." : "");
  }

  // By its first entry; what is wrong with that the reader says.
  void NoteBegin(JsonSpan record, std::size_t line) {
    const absl::StatusOr<AuditEntries> entries = ReadAuditRecord(record, line, {});
    if (!entries.ok() || !entries->begin.is_set()) return;
    if (!audit_begin_.is_set() || entries->begin < audit_begin_) audit_begin_ = entries->begin;
  }

  absl::Status ReadAsDump(RecordStream* stream) {
    DumpOptions options;
    options.keep_json = keep_json_;
    std::shared_ptr<TraceFacts> facts;
    if (options_.facts != nullptr) {
      facts = std::make_shared<TraceFacts>();
      options.sees_json = [facts](const AnyObject& object) { facts->Note(object); };
    }
    absl::StatusOr<Dump> dump = ReadDumpSource(stream->name(), stream->TakeAll(), options);
    if (!dump.ok()) return dump.status();
    dumps_.push_back({stream->name(), std::move(dump->objects), std::move(facts)});
    for (const auto& [kind, count] : dump->ignored) dump_.ignored[kind] += count;
    for (std::string& note : dump->notes) dump_.notes.push_back(std::move(note));
    return absl::OkStatus();
  }

  TraceOptions options_;  // as the readers of events get them
  const bool keep_json_;  // what was asked for
  std::size_t opened_ = 0;
  std::vector<std::string> passed_over_;
  Dump dump_;  // but for its objects
  std::vector<DumpFile> dumps_;
  RecordStreams audits_, watches_;
  // Those with times of their own, and those whose beginning was made up.
  std::vector<std::unique_ptr<TraceReader>> readers_, others_;
  Timestamp audit_begin_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TraceReader>> OpenTrace(const std::vector<std::string>& sources,
                                                       const TraceOptions& options) {
  if (sources.empty()) {
    return absl::InvalidArgumentError("no trace is named: -f FILE, DIRECTORY, PRESET:FILE or - (standard input)");
  }
  Opener opener(options);
  CsvSources tables;
  std::vector<std::string> plain;
  for (const std::string& source : sources) {
    const absl::StatusOr<bool> csv = tables.Take(source);
    if (!csv.ok()) return csv.status();
    if (!*csv) plain.push_back(source);
  }
  if (!plain.empty()) {
    absl::StatusOr<TraceFiles> found = ListTraceFiles(plain);
    if (!found.ok()) return found.status();
    opener.NotePassedOver(std::move(found->passed_over));
    for (const TraceFiles::File& file : found->files) {
      if (absl::Status s = opener.Open(file.path, file.doubtful); !s.ok()) return s;
    }
    if (absl::Status s = opener.NeedSomething(); !s.ok()) return s;
  }
  if (!tables.empty()) {
    absl::StatusOr<std::unique_ptr<TraceReader>> reader = tables.Open(options);
    if (!reader.ok()) return reader.status();
    opener.Add(*std::move(reader));
  }
  if (options.bytes != nullptr) options.bytes->opened = options.bytes->read;
  return opener.Finish();
}

absl::StatusOr<std::unique_ptr<TraceReader>> OpenTraceText(std::string_view name, std::string_view text,
                                                           const TraceOptions& options) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = TextByteSource(text);
  if (!source.ok()) {
    return absl::Status(source.status().code(), Concat(name, ": ", std::string(source.status().message())));
  }
  Opener opener(options);
  if (absl::Status s = opener.OpenStream(std::string(name), *std::move(source), false); !s.ok()) return s;
  return opener.Finish();
}

}  // namespace epslice::sim

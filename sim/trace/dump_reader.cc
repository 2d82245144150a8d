#include "sim/trace/dump_reader.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json_dump.h"
#include "sim/trace/byte_source.h"
#include "sim/trace/dump_stream.h"
#include "sim/trace/json_lines.h"
#include "sim/trace/record_stream.h"
#include "sim/trace/source_files.h"
#include "sim/trace/text_format.h"
#include "sim/trace/trace_facts.h"
#include "sim/trace/yaml_source.h"

namespace epslice::sim {
namespace {

// Puts the objects of all documents together into one Dump.
class Collector {
 public:
  void BeginFile(std::string name) { files_.push_back(std::move(name)); }
  void BeginDocument() { ++document_; }

  void Add(AnyObject object) {
    const auto [it, added] = last_.try_emplace({object.kind(), KeyOf(object.meta())}, objects_.size());
    Entry entry{std::move(object), files_.size() - 1, document_, kNone, true};
    if (!added) {
      const Entry& before = objects_[it->second];
      if (before.document == document_) {
        entry.previous = it->second;
        Note(before, entry, &doubled_);
      } else {
        const Text& version = entry.object.meta().resourceVersion;
        if (version.empty() || version != before.object.meta().resourceVersion) Note(before, entry, &replaced_);
        for (std::size_t i = it->second; i != kNone; i = objects_[i].previous) objects_[i].counts = false;
      }
      it->second = objects_.size();
    }
    objects_.push_back(std::move(entry));
  }

  void AddOther(std::string_view api_version, std::string_view kind) {
    ++dump_.ignored[Concat(api_version, '/', kind)];
  }

  void AddDocument(std::string_view api_version, std::string_view kind, std::string json) {
    dump_.documents.push_back({std::string(api_version), std::string(kind), std::move(json), files_.back()});
  }

  Dump Finish() {
    if (replaced_.count > 0) {
      dump_.notes.push_back(Concat(replaced_.count, replaced_.count == 1 ? " object is" : " objects are",
                                   " there more than once in different versions; the last of each counts (the first "
                                   "one: ",
                                   replaced_.first, ")"));
    }
    if (doubled_.count > 0) {
      dump_.notes.push_back(Concat(doubled_.count, doubled_.count == 1 ? " object is" : " objects are",
                                   " twice in one list; each counts (the first one: ", doubled_.first, ")"));
    }
    std::stable_sort(objects_.begin(), objects_.end(), [](const Entry& a, const Entry& b) {
      const BasicMeta& x = a.object.meta();
      const BasicMeta& y = b.object.meta();
      return std::forward_as_tuple(a.object.kind(), x.namespace_, x.name) <
             std::forward_as_tuple(b.object.kind(), y.namespace_, y.name);
    });
    dump_.objects.reserve(objects_.size());
    for (Entry& entry : objects_) {
      if (entry.counts) dump_.objects.push_back(std::move(entry.object));
    }
    return std::move(dump_);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Key {
    Kind kind;
    ObjectKey name;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<ObjectKey>()(key.name) * 31 + static_cast<std::size_t>(key.kind);
    }
  };
  struct Entry {
    AnyObject object;
    std::size_t file = 0;
    std::size_t document = 0;
    std::size_t previous = kNone;  // of the same key and document
    bool counts = true;
  };
  struct Repeated {
    std::int64_t count = 0;
    std::string first;
  };

  void Note(const Entry& before, const Entry& now, Repeated* repeated) const {
    if (repeated->count++ > 0) return;
    const BasicMeta& meta = now.object.meta();
    repeated->first = Concat(InfoOf(now.object.kind()).name, ' ', KeyOf(meta).ToString(), " in ", files_[before.file]);
    if (before.file != now.file) repeated->first += Concat(" and ", files_[now.file]);
  }

  Dump dump_;
  std::vector<Entry> objects_;
  std::vector<std::string> files_;
  std::size_t document_ = 0;
  std::unordered_map<Key, std::size_t, Hash> last_;  // looked up only
  Repeated replaced_;
  Repeated doubled_;
};

// Items of lists and documents, one after another.
absl::Status ReadJson(ByteSource* source, std::size_t max_bytes, const DumpOptions& options, Collector* collector) {
  std::size_t visited = 0;  // of the part at hand
  DumpVisitor visitor;
  visitor.keep_json = options.keep_json || options.sees_json;
  visitor.object = [&](AnyObject object) {
    if (object.meta().name.empty()) {
      return absl::InvalidArgumentError(Concat("a ", InfoOf(object.kind()).name, " without metadata.name"));
    }
    if (options.sees_json) options.sees_json(object);
    collector->Add(options.keep_json ? std::move(object) : WithoutJson(object));
    ++visited;
    return absl::OkStatus();
  };
  visitor.other = [&](std::string_view api_version, std::string_view kind) {
    collector->AddOther(api_version, kind);
    ++visited;
  };
  visitor.wants_text = options.keep_documents;
  visitor.text = [&](std::string_view api_version, std::string_view kind, std::string text) {
    collector->AddDocument(api_version, kind, std::move(text));
    ++visited;
    return absl::OkStatus();
  };
  // Lists around it are two levels, the list and its items.
  JsonLimits limits;
  limits.max_bytes = options.max_file_bytes;
  JsonLimits item_limits = limits;
  item_limits.max_depth -= 2;
  DumpParts parts;
  parts.document = [&] { collector->BeginDocument(); };
  parts.part = [&](const DumpPart& part) {
    visited = 0;
    DumpPartPlace place{part.place.line, part.place.column, part.api_version, part.kind,
                        Concat("line ", part.is_item ? part.document_line : part.place.line)};
    if (part.is_item) place.where += Concat(": items[", part.index, "]");
    absl::Status status = VisitDumpPartJson(part.text, place, visitor, part.is_item ? item_limits : limits);
    const std::string message(status.message());
    if (status.ok() || message.rfind("line ", 0) == 0) return status;
    const std::size_t line = LineOfDumpObject(part.text, visited, FieldOfMessage(message));
    if (line == 0) return status;
    return absl::Status(status.code(), Concat("line ", part.place.line + line - 1, ": ", message));
  };
  return SplitDump(source, max_bytes, parts);
}

absl::Status ReadYaml(ByteSource* source, const DumpOptions& options, Collector* collector) {
  YamlLimits limits;
  limits.max_bytes = options.max_yaml_bytes;
  YamlSource json(source, options.max_file_bytes, limits);
  // As JSON it may be longer than it was.
  absl::Status status = ReadJson(&json, std::numeric_limits<std::size_t>::max(), options, collector);
  if (json.blank()) return absl::InvalidArgumentError("holds no object, only empty YAML documents");
  return status;
}

absl::Status Named(const std::string& name, const absl::Status& status) {
  return absl::Status(status.code(), Concat(name, ": ", std::string(status.message())));
}

// Bytes of all files together are bounded.
class Counted : public ByteSource {
 public:
  Counted(std::unique_ptr<ByteSource> source, std::size_t most, std::size_t* left)
      : source_(std::move(source)), most_(most), left_(*left) {}
  absl::StatusOr<std::size_t> Read(char* buffer, std::size_t size) override {
    const absl::StatusOr<std::size_t> n = source_->Read(buffer, size);
    if (!n.ok()) return n.status();
    if (*n > left_) {
      return absl::InvalidArgumentError(
          Concat("all files together hold more than ", most_, " bytes, the most that is read"));
    }
    left_ -= *n;
    return *n;
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  const std::size_t most_;
  std::size_t& left_;
};

absl::Status ReadSource(const std::string& name, std::unique_ptr<ByteSource> source, const DumpOptions& options,
                        std::size_t* bytes_left, Collector* collector) {
  collector->BeginFile(name);
  RecordStream stream(name, std::make_unique<Counted>(std::move(source), options.max_total_bytes, bytes_left),
                      options.max_file_bytes);
  const absl::StatusOr<RecordStream::Syntax> syntax = stream.DetectSyntax(kAcceptedDocuments);
  if (!syntax.ok()) return syntax.status();
  const std::unique_ptr<ByteSource> text = stream.TakeAll();
  const absl::Status status = *syntax == RecordStream::Syntax::kYaml
                                  ? ReadYaml(text.get(), options, collector)
                                  : ReadJson(text.get(), options.max_file_bytes, options, collector);
  return status.ok() ? status : Named(name, status);
}

}  // namespace

std::int64_t Dump::IgnoredCount() const {
  std::int64_t count = 0;
  for (const auto& [kind, n] : ignored) count += n;
  return count;
}

absl::StatusOr<Dump> ReadDump(const std::vector<std::string>& sources, const DumpOptions& options) {
  if (sources.empty()) return absl::InvalidArgumentError("no file is named: -f FILE, DIRECTORY or - (standard input)");
  const absl::StatusOr<std::vector<std::string>> files = ListSourceFiles(sources);
  if (!files.ok()) return files.status();
  Collector collector;
  std::size_t bytes_left = options.max_total_bytes;
  for (const std::string& file : *files) {
    const std::string name(file == "-" ? kStandardInputName : std::string_view(file));
    absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(file, options.standard_input);
    if (!source.ok()) return Named(name, source.status());
    if (absl::Status s = ReadSource(name, *std::move(source), options, &bytes_left, &collector); !s.ok()) return s;
  }
  return collector.Finish();
}

absl::StatusOr<Dump> ReadDumpSource(const std::string& name, std::unique_ptr<ByteSource> source,
                                    const DumpOptions& options) {
  Collector collector;
  std::size_t bytes_left = options.max_total_bytes;
  if (absl::Status s = ReadSource(name, std::move(source), options, &bytes_left, &collector); !s.ok()) return s;
  return collector.Finish();
}

absl::StatusOr<Dump> ReadDumpText(std::string_view name, std::string_view bytes, const DumpOptions& options) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = TextByteSource(bytes);
  if (!source.ok()) return Named(std::string(name), source.status());
  return ReadDumpSource(std::string(name), *std::move(source), options);
}

}  // namespace epslice::sim

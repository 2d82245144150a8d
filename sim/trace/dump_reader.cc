#include "sim/trace/dump_reader.h"

#include <algorithm>
#include <iostream>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "apis/concat.h"
#include "apis/json.h"
#include "apis/yaml.h"
#include "sim/trace/decompress.h"
#include "sim/trace/json_lines.h"
#include "sim/trace/source_files.h"
#include "sim/trace/text_format.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kStandardInputName = "standard input";

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

// The field in "Node a: status.allocatable.cpu: ...", else "".
std::string_view FieldOf(std::string_view message) {
  const std::size_t begin = message.find(": ");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = message.find(": ", begin + 2);
  return end == std::string_view::npos ? std::string_view() : message.substr(begin + 2, end - begin - 2);
}

absl::Status ReadJson(std::string_view json, const DumpOptions& options, Collector* collector) {
  std::size_t visited = 0;
  DumpVisitor visitor;
  visitor.keep_json = options.keep_json;
  visitor.document = [&] { collector->BeginDocument(); };
  visitor.object = [&](AnyObject object) {
    if (object.meta().name.empty()) {
      return absl::InvalidArgumentError(Concat("a ", InfoOf(object.kind()).name, " without metadata.name"));
    }
    collector->Add(std::move(object));
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
  JsonLimits limits;
  limits.max_bytes = options.max_file_bytes;
  absl::Status status = VisitDumpJson(json, visitor, limits);
  if (status.ok()) return status;
  const std::string message(status.message());
  if (message.rfind("line ", 0) == 0) return status;
  const std::size_t line = LineOfDumpObject(json, visited, FieldOf(message));
  return line == 0 ? status : absl::Status(status.code(), Concat("line ", line, ": ", message));
}

absl::Status ReadText(std::string_view text, const DumpOptions& options, Collector* collector) {
  absl::StatusOr<TextFormat> format = DetectTextFormat(&text);
  if (!format.ok()) return format.status();
  if (*format == TextFormat::kJson) return ReadJson(text, options, collector);
  YamlLimits limits;
  limits.max_bytes = options.max_yaml_bytes;
  const absl::StatusOr<std::string> json = YamlToJson(text, limits);
  if (!json.ok()) return json.status();
  if (IsBlank(*json)) return absl::InvalidArgumentError("holds no object, only empty YAML documents");
  return ReadJson(*json, options, collector);
}

absl::Status ReadBytes(std::string_view name, std::string_view bytes, const DumpOptions& options,
                       std::size_t* bytes_left, Collector* collector) {
  collector->BeginFile(std::string(name));
  const auto read = [&]() -> absl::Status {
    std::string decompressed;
    const Compression compression = DetectCompression(bytes);
    if (compression != Compression::kNone) {
      DecompressLimits limits;
      limits.max_bytes = options.max_file_bytes;
      absl::StatusOr<std::string> text = Decompress(compression, bytes, limits);
      if (!text.ok()) return text.status();
      decompressed = *std::move(text);
      bytes = decompressed;
    }
    if (bytes.size() > *bytes_left) {
      return absl::InvalidArgumentError(
          Concat("all files together hold more than ", options.max_total_bytes, " bytes, the most that is read"));
    }
    *bytes_left -= bytes.size();
    return ReadText(bytes, options, collector);
  };
  const absl::Status status = read();
  return status.ok() ? status : absl::Status(status.code(), Concat(name, ": ", std::string(status.message())));
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
    const std::string_view name = file == "-" ? kStandardInputName : std::string_view(file);
    std::istream* standard_input = options.standard_input != nullptr ? options.standard_input : &std::cin;
    const absl::StatusOr<std::string> bytes = ReadSourceFile(file, standard_input, options.max_file_bytes);
    if (!bytes.ok()) {
      return absl::Status(bytes.status().code(), Concat(name, ": ", std::string(bytes.status().message())));
    }
    if (absl::Status s = ReadBytes(name, *bytes, options, &bytes_left, &collector); !s.ok()) return s;
  }
  return collector.Finish();
}

absl::StatusOr<Dump> ReadDumpText(std::string_view name, std::string_view bytes, const DumpOptions& options) {
  Collector collector;
  std::size_t bytes_left = options.max_total_bytes;
  if (absl::Status s = ReadBytes(name, bytes, options, &bytes_left, &collector); !s.ok()) return s;
  return collector.Finish();
}

}  // namespace epslice::sim

// Dumps: the objects of a cluster, as `kubectl get -o json|yaml`, `kubectl
// cluster-info dump` or a person wrote them down.
//
// A source is a file, "-" (standard input) or a directory: every file in it
// and below whose name ends in .json, .jsonl, .yaml or .yml, also with .gz,
// .zst or .xz after that, in the order of the names; names that begin with a
// dot are left out. What a file holds is told from its bytes, not its name:
// gzip, zstd or xz (several members one after another are one text), then JSON
// (one object, a List, a typed list, or several of these) or YAML (any number
// of documents of the same).
//
// It is read as a stream: in memory are the objects that are kept, and of the
// text one item of a list; of YAML the pieces that YamlReader (apis/yaml.h) has.
//
// Errors: InvalidArgument (NotFound for what is not there) with one line that
// says where and what: "pods.json.xz: line 17: Node a: status.allocatable.cpu:
// ...". Nothing is read half: a bad source makes the whole an error.
#ifndef EPSLICE_SIM_TRACE_DUMP_READER_H_
#define EPSLICE_SIM_TRACE_DUMP_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/object.h"
#include "sim/trace/byte_source.h"

namespace epslice::sim {

struct DumpOptions {
  // Keep the JSON of every object beside the struct, for who must give it back
  // whole. Costs as much memory as the dump is long.
  bool keep_json = false;
  // Shown each object with its JSON, also where that is not kept; null: nobody.
  std::function<void(const AnyObject& object)> sees_json;
  // Of which kinds that we do not speak the objects are to be kept as text
  // (Dump::documents); null: of none.
  std::function<bool(std::string_view api_version, std::string_view kind)> keep_documents;
  // What "-" reads; null: std::cin. Not owned.
  std::istream* standard_input = nullptr;
  // Bounds, in bytes of text (after decompression): of one file, of YAML that
  // must be in memory at once (flow style, anchors), and of all files.
  std::size_t max_file_bytes = std::size_t{1} << 30;
  std::size_t max_yaml_bytes = std::size_t{256} << 20;
  std::size_t max_total_bytes = std::size_t{4} << 30;
};

// An object of a kind we do not speak.
struct DumpDocument {
  std::string apiVersion;
  std::string kind;
  std::string json;
  std::string where;  // the file it is in
};

struct Dump {
  // Every object of a kind we speak (apis/kind.h), by kind and then key.
  std::vector<AnyObject> objects;
  // Those asked for with keep_documents, in the order they came.
  std::vector<DumpDocument> documents;
  // How many there were of all other kinds, by "apiVersion/Kind".
  std::map<std::string, std::int64_t> ignored;
  // What the user should hear although it is no error; one line each.
  std::vector<std::string> notes;

  std::int64_t IgnoredCount() const;

  // The objects of one kind, in key order.
  template <typename T>
  std::vector<std::shared_ptr<const T>> Of() const {
    std::vector<std::shared_ptr<const T>> found;
    for (const AnyObject& object : objects) {
      if (object.kind() == T::kKind) found.push_back(object.As<T>());
    }
    return found;
  }
};

// Reads all sources as one dump. Of an object (kind, namespace, name) that is in
// several documents the last one counts; a note says so unless it is one version
// of it (equal resourceVersions). What a single List has more than once, which
// no API server answers, is kept as often, in its order, with a note.
absl::StatusOr<Dump> ReadDump(const std::vector<std::string>& sources, const DumpOptions& options = {});

// The same for bytes in a stream, decompressed already.
absl::StatusOr<Dump> ReadDumpSource(const std::string& name, std::unique_ptr<ByteSource> source,
                                    const DumpOptions& options = {});

// The same for a text at hand; `name` is what errors call it.
absl::StatusOr<Dump> ReadDumpText(std::string_view name, std::string_view bytes, const DumpOptions& options = {});

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_DUMP_READER_H_

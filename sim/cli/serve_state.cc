#include "sim/cli/serve_state.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "apis/cat.h"
#include "apis/json.h"
#include "apis/status_text.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kStateVersion = "epslice.dev/v1";
constexpr std::string_view kStateKind = "ServeState";

absl::Status Invalid(const std::string& path, std::string_view why) {
  return absl::InvalidArgumentError(Cat({"--state ", path, ": ", why}));
}

// The resourceVersion of the first line; 0 where it is none of ours.
std::uint64_t VersionOf(const std::string& line) {
  const nlohmann::json head = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!head.is_object()) return 0;
  const auto text = [&head](const char* key) {
    const auto it = head.find(key);
    return it != head.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  if (text("apiVersion") != kStateVersion || text("kind") != kStateKind) return 0;
  const std::string number = text("resourceVersion");
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), version);
  return error == std::errc() && end == number.data() + number.size() ? version : 0;
}

}  // namespace

absl::StatusOr<ServeState> ReadServeState(const std::string& path) {
  ServeState state;
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return state;
  constexpr std::size_t kMaxHead = 1024;
  std::string head(kMaxHead, '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in) return Invalid(path, std::strerror(errno));
  in.read(head.data(), kMaxHead);
  head.resize(static_cast<std::size_t>(in.gcount()));
  state.resource_version = VersionOf(head.substr(0, head.find('\n')));
  if (state.resource_version == 0) return Invalid(path, "it does not begin as a file that serve --state wrote");
  DumpOptions options;
  options.keep_json = true;
  options.keep_documents = IsDocumentKind;
  absl::StatusOr<Dump> dump = ReadDump({path}, options);
  if (!dump.ok()) return Invalid(path, MessageOf(dump.status()));
  state.objects = std::move(dump->objects);
  state.documents = std::move(dump->documents);
  return state;
}

absl::Status WriteServeState(const std::string& path, MemoryApiServer* server, const DocumentStore& documents) {
  const std::string beside = path + ".new";
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  if (!out) return Invalid(path, std::strerror(errno));
  out << R"({"apiVersion":")" << kStateVersion << R"(","kind":")" << kStateKind << R"(","resourceVersion":")"
      << server->resource_version() << "\"}\n";
  std::string line;
  for (const Kind kind : kAllKinds) {
    Request list;
    list.verb = Verb::kList;
    list.kind = kind;
    for (const AnyObject& object : server->Handle(list).list.items) {
      line.clear();
      AppendJson(object, &line);
      out << line << '\n';
    }
  }
  for (const std::string& document : documents.All()) out << document << '\n';
  out.close();
  if (!out || std::rename(beside.c_str(), path.c_str()) != 0) {
    const int why = errno;
    std::remove(beside.c_str());
    return Invalid(path, std::strerror(why));
  }
  return absl::OkStatus();
}

}  // namespace epslice::sim

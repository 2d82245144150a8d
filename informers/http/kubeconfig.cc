#include "informers/http/kubeconfig.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "apis/yaml.h"

namespace epslice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

// Where in the file, and the first thing that is wrong in it.
struct Problem {
  const std::string& file;
  absl::Status status = absl::OkStatus();

  void Note(std::string_view path, std::string_view what) {
    if (!status.ok()) return;
    status = absl::InvalidArgumentError(Cat({"kubeconfig ", file, ": ", path, path.empty() ? "" : ": ", what}));
  }
};

// A JSON object in the file. Fields that are absent or null are empty; of
// fields with another type, Problem is told.
class Fields {
 public:
  Fields(const Json* json, std::string path, Problem* problem)
      : json_(json), path_(std::move(path)), problem_(*problem) {
    if (json_ != nullptr && !json_->is_object()) {
      problem_.Note(path_, "is not a map");
      json_ = nullptr;
    }
  }

  const Json* Find(const char* key) const {
    if (json_ == nullptr) return nullptr;
    const auto it = json_->find(key);
    return it == json_->end() || it->is_null() ? nullptr : &*it;
  }
  bool Has(const char* key) const { return Find(key) != nullptr; }
  std::string PathOf(const char* key) const { return path_.empty() ? key : Cat({path_, ".", key}); }
  const std::string& path() const { return path_; }
  void Note(const char* key, std::string_view what) const { problem_.Note(PathOf(key), what); }

  std::string String(const char* key) const {
    const Json* value = Find(key);
    if (value == nullptr) return "";
    if (!value->is_string()) {
      Note(key, Cat({"is a ", value->type_name(), ", not a string; quote it"}));
      return "";
    }
    return value->get<std::string>();
  }
  bool Bool(const char* key) const {
    const Json* value = Find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) Note(key, Cat({"is a ", value->type_name(), "; accepted are true and false"}));
    return value->is_boolean() && value->get<bool>();
  }
  Fields Object(const char* key) const { return {Find(key), PathOf(key), &problem_}; }
  // Calls `each(Fields, json)` for each item of a list.
  template <typename Fn>
  void ForEach(const char* key, Fn each) const {
    const Json* list = Find(key);
    if (list == nullptr) return;
    if (!list->is_array()) return Note(key, "is not a list");
    for (std::size_t i = 0; i < list->size(); ++i) {
      each(static_cast<int>(i), (*list)[i]);
    }
  }
  // {name, `part`: {...}} of each item, by name.
  template <typename Fn>
  void ForEachNamed(const char* key, const char* part, Fn add) const {
    ForEach(key, [&](int i, const Json& json) {
      const Fields item(&json, Cat({PathOf(key), "[", std::to_string(i), "]"}), &problem_);
      const std::string name = item.String("name");
      // As kubectl does, where nothing else is wrong.
      if (!problem_.status.ok()) return;
      const Fields fields(item.Find(part), Cat({PathOf(key), "[", QuoteForError(name), "].", part}), &problem_);
      if (!add(name, fields)) problem_.Note(item.path(), Cat({"the name ", QuoteForError(name), " is there twice"}));
    });
  }

 private:
  const Json* json_;
  std::string path_;
  Problem& problem_;
};

Kubeconfig::Exec ParseExec(const Fields& fields) {
  Kubeconfig::Exec exec;
  exec.config.api_version = fields.String("apiVersion");
  exec.config.command = fields.String("command");
  exec.config.install_hint = fields.String("installHint");
  exec.provide_cluster_info = fields.Bool("provideClusterInfo");
  exec.interactive_mode = fields.String("interactiveMode");
  fields.ForEach("args", [&](int, const Json& arg) {
    if (!arg.is_string()) return fields.Note("args", "holds something that is not a string; quote it");
    exec.config.args.push_back(arg.get<std::string>());
  });
  fields.ForEach("env", [&](int, const Json& entry) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() || !entry.contains("value") ||
        !entry["value"].is_string()) {
      return fields.Note("env", "holds something that is no {name: string, value: string}");
    }
    exec.config.env.emplace_back(entry["name"].get<std::string>(), entry["value"].get<std::string>());
  });
  return exec;
}

Kubeconfig::Cluster ParseCluster(const std::string& file, const Fields& fields) {
  Kubeconfig::Cluster cluster;
  cluster.file = file;
  cluster.server = fields.String("server");
  cluster.certificate_authority = fields.String("certificate-authority");
  cluster.certificate_authority_data = fields.String("certificate-authority-data");
  cluster.insecure_skip_tls_verify = fields.Bool("insecure-skip-tls-verify");
  cluster.tls_server_name = fields.String("tls-server-name");
  cluster.proxy_url = fields.String("proxy-url");
  cluster.disable_compression = fields.Bool("disable-compression");
  fields.ForEach("extensions", [&](int, const Json& entry) {
    if (!entry.is_object() || entry.value("name", Json()) != kExecExtension || !entry.contains("extension")) return;
    cluster.exec_extension = entry["extension"].dump(-1, ' ', false, Json::error_handler_t::replace);
  });
  return cluster;
}

Kubeconfig::User ParseUser(const std::string& file, const Fields& fields) {
  Kubeconfig::User user;
  user.file = file;
  user.client_certificate = fields.String("client-certificate");
  user.client_certificate_data = fields.String("client-certificate-data");
  user.client_key = fields.String("client-key");
  user.client_key_data = fields.String("client-key-data");
  user.token = fields.String("token");
  user.token_file = fields.String("tokenFile");
  user.has_basic_auth = fields.Has("username") || fields.Has("password");
  user.has_auth_provider = fields.Has("auth-provider");
  user.has_impersonation =
      fields.Has("as") || fields.Has("as-uid") || fields.Has("as-groups") || fields.Has("as-user-extra");
  if (fields.Has("exec")) user.exec = ParseExec(fields.Object("exec"));
  return user;
}

// The file as JSON, bounded in size and depth. What is wrong with it is told
// without a word of it.
absl::StatusOr<Json> ReadDocument(std::string_view text) {
  if (text.size() > kMaxBytes) return absl::InvalidArgumentError("more than 4 MiB");
  YamlLimits limits;
  limits.max_documents = 1;
  limits.quote_text = false;
  const std::size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  std::string json(text);
  if (first == std::string_view::npos) return Json::object();
  if (text[first] != '{') {
    absl::StatusOr<std::string> read = YamlToJson(text, limits);
    if (!read.ok()) return read.status();
    json = *std::move(read);
    if (json.find_first_not_of(" \n") == std::string::npos) return Json::object();
  }
  bool too_deep = false;
  const Json::parser_callback_t bound = [&](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > limits.max_depth;
    return !too_deep;
  };
  Json document = Json::parse(json, bound, /*allow_exceptions=*/false);
  if (too_deep) return absl::InvalidArgumentError("is nested more than 64 deep");
  if (document.is_discarded()) return absl::InvalidArgumentError("is neither YAML nor JSON");
  return document;
}

}  // namespace

absl::StatusOr<Kubeconfig> ParseKubeconfig(const std::string& file, std::string_view text) {
  Kubeconfig out;
  Problem problem{file};
  absl::StatusOr<Json> document = ReadDocument(text);
  if (!document.ok()) {
    problem.Note("", MessageOf(document.status()));
    return problem.status;
  }
  const Fields root(&*document, "", &problem);
  if (const std::string kind = root.String("kind"); !kind.empty() && kind != "Config") {
    root.Note("kind", Cat({"is ", QuoteForError(kind), "; accepted is Config"}));
  }
  if (const std::string version = root.String("apiVersion"); !version.empty() && version != "v1") {
    root.Note("apiVersion", Cat({"is ", QuoteForError(version), "; accepted is v1"}));
  }
  out.current_context = root.String("current-context");
  out.current_context_file = file;
  root.ForEachNamed("clusters", "cluster", [&](const std::string& name, const Fields& fields) {
    return out.clusters.emplace(name, ParseCluster(file, fields)).second;
  });
  root.ForEachNamed("users", "user", [&](const std::string& name, const Fields& fields) {
    return out.users.emplace(name, ParseUser(file, fields)).second;
  });
  root.ForEachNamed("contexts", "context", [&](const std::string& name, const Fields& fields) {
    Kubeconfig::Context context{file, fields.String("cluster"), fields.String("user"), fields.String("namespace")};
    return out.contexts.emplace(name, std::move(context)).second;
  });
  if (!problem.status.ok()) return problem.status;
  return out;
}

void MergeKubeconfig(Kubeconfig from, Kubeconfig* into) {
  if (into->current_context.empty()) {
    into->current_context = std::move(from.current_context);
    into->current_context_file = std::move(from.current_context_file);
  }
  // Map::merge leaves what is there already.
  into->clusters.merge(from.clusters);
  into->users.merge(from.users);
  into->contexts.merge(from.contexts);
}

absl::StatusOr<ClientConfig> LoadKubeconfig(const std::string& path, const KubeconfigChoice& choice) {
  absl::StatusOr<std::string> text = ReadFileBounded(path);
  if (!text.ok()) return absl::InvalidArgumentError(Cat({"kubeconfig ", path, ": ", MessageOf(text.status())}));
  absl::StatusOr<Kubeconfig> parsed = ParseKubeconfig(path, *text);
  if (!parsed.ok()) return parsed.status();
  return ChooseContext(*parsed, path, choice);
}

absl::StatusOr<ClientConfig> LoadKubeconfigList(std::string_view paths, const KubeconfigChoice& choice) {
  Kubeconfig merged;
  bool any = false;
  for (std::size_t begin = 0; begin <= paths.size();) {
    const std::size_t end = std::min(paths.find(':', begin), paths.size());
    const std::string path(paths.substr(begin, end - begin));
    begin = end + 1;
    if (path.empty()) continue;
    absl::StatusOr<std::string> text = ReadFileBounded(path);
    if (absl::IsNotFound(text.status())) continue;
    if (!text.ok()) return absl::InvalidArgumentError(Cat({"kubeconfig ", path, ": ", MessageOf(text.status())}));
    absl::StatusOr<Kubeconfig> parsed = ParseKubeconfig(path, *text);
    if (!parsed.ok()) return parsed.status();
    MergeKubeconfig(*std::move(parsed), &merged);
    any = true;
  }
  const std::string origin = Cat({"KUBECONFIG=", paths});
  if (!any) return absl::InvalidArgumentError(Cat({origin, ": no such file"}));
  return ChooseContext(merged, origin, choice);
}

}  // namespace epslice

#include "sim/serve/discovery.h"

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/json_writer.h"
#include "apis/kind.h"
#include "sim/cluster/document_kinds.h"
#include "sim/serve/reviews.h"

namespace epslice::sim {
namespace {

struct Subresource {
  std::string_view name;
  std::string_view kind;
  std::string_view group;  // of the kind, where it is not the resource's
  std::string_view version;
  std::vector<std::string_view> verbs;
};

struct Resource {
  std::string_view name;
  std::string_view singular;
  std::string_view kind;
  bool namespaced = true;
  std::vector<std::string_view> verbs;
  std::vector<std::string_view> short_names;
  bool in_all = false;  // `kubectl get all`
  std::vector<Subresource> subresources;
};

struct Group {
  std::string_view name;  // "" is core
  std::vector<Resource> resources;
};

Resource Watched(Kind kind, std::vector<std::string_view> short_names, bool in_all = false,
                 std::vector<Subresource> subresources = {}) {
  const KindInfo& info = InfoOf(kind);
  std::vector<std::string_view> verbs = {"create", "delete", "deletecollection", "get",
                                         "list",   "patch",  "update",           "watch"};
  // Namespaces go one by one.
  if (kind == Kind::kNamespace) verbs.erase(verbs.begin() + 2);
  return {info.resource,    info.singular,          info.name, info.namespaced,
          std::move(verbs), std::move(short_names), in_all,    std::move(subresources)};
}

// The kinds kept as documents, and the reviews, of a group.
void AddKept(Group* group) {
  const std::vector<Subresource> token = {{"token", "TokenRequest", "authentication.k8s.io", "v1", {"create"}}};
  for (const DocumentKind& kind : DocumentKinds()) {
    if (kind.group != group->name) continue;
    group->resources.push_back({kind.resource,
                                kind.singular,
                                kind.name,
                                kind.namespaced,
                                {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
                                kind.short_names,
                                false,
                                kind.name == "ServiceAccount" ? token : std::vector<Subresource>()});
  }
  for (const ReviewKind& kind : ReviewKinds()) {
    if (kind.group != group->name) continue;
    group->resources.push_back({kind.resource, kind.singular, kind.name, kind.namespaced, {"create"}, {}, false, {}});
  }
}

const std::vector<Group>& Groups() {
  static const std::vector<Group> groups = [] {
    const auto status = [](std::string_view kind) {
      return Subresource{"status", kind, "", "", {"get", "patch", "update"}};
    };
    const std::vector<Subresource> of_pods = {{"binding", "Binding", "", "", {"create"}},
                                              {"eviction", "Eviction", "policy", "v1", {"create"}},
                                              status("Pod")};
    std::vector<Group> made = {
        {"",
         {Watched(Kind::kEvent, {"ev"}), Watched(Kind::kNamespace, {"ns"}, false, {status("Namespace")}),
          Watched(Kind::kNode, {"no"}, false, {status("Node")}), Watched(Kind::kPod, {"po"}, true, of_pods),
          Watched(Kind::kService, {"svc"}, true, {status("Service")})}},
        {"events.k8s.io", {Watched(Kind::kEvent, {"ev"})}},
        {"authentication.k8s.io", {}},
        {"authorization.k8s.io", {}},
        {"rbac.authorization.k8s.io", {}},
        {"apps", {}},
        {"policy", {}},
        {"networking.k8s.io", {}},
        {"monitoring.coreos.com", {}},
        {"coordination.k8s.io", {Watched(Kind::kLease, {})}},
        {"discovery.k8s.io", {Watched(Kind::kEndpointSlice, {})}}};
    for (Group& group : made) AddKept(&group);
    return made;
  }();
  return groups;
}

std::string GroupVersion(const Group& group) {
  return group.name.empty() ? std::string("v1") : Cat({group.name, "/v1"});
}

void Strings(JsonWriter* json, std::string_view key, const std::vector<std::string_view>& values) {
  json->Key(key);
  json->BeginArray();
  for (std::string_view value : values) json->String(value);
  json->EndArray();
}

void AppendResource(JsonWriter* json, const Resource& resource) {
  json->BeginObject();
  json->Field("name", resource.name);
  json->Field("singularName", resource.singular);
  json->BoolField("namespaced", resource.namespaced);
  json->Field("kind", resource.kind);
  Strings(json, "verbs", resource.verbs);
  if (!resource.short_names.empty()) Strings(json, "shortNames", resource.short_names);
  if (resource.in_all) Strings(json, "categories", {"all"});
  json->EndObject();
  for (const Subresource& subresource : resource.subresources) {
    json->BeginObject();
    json->Field("name", Cat({resource.name, "/", subresource.name}));
    json->Field("singularName", "");
    json->BoolField("namespaced", resource.namespaced);
    if (!subresource.group.empty()) {
      json->Field("group", subresource.group);
      json->Field("version", subresource.version);
    }
    json->Field("kind", subresource.kind);
    Strings(json, "verbs", subresource.verbs);
    json->EndObject();
  }
}

std::string ResourceList(const Group& group) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "APIResourceList");
  if (!group.name.empty()) json.Field("apiVersion", "v1");
  json.Field("groupVersion", GroupVersion(group));
  json.Key("resources");
  json.BeginArray();
  for (const Resource& resource : group.resources) AppendResource(&json, resource);
  json.EndArray();
  json.EndObject();
  return out;
}

void AppendGroup(JsonWriter* json, const Group& group, bool whole) {
  const auto version = [&] {
    json->BeginObject();
    json->Field("groupVersion", GroupVersion(group));
    json->Field("version", "v1");
    json->EndObject();
  };
  json->BeginObject();
  if (whole) {
    json->Field("kind", "APIGroup");
    json->Field("apiVersion", "v1");
  }
  json->Field("name", group.name);
  json->Key("versions");
  json->BeginArray();
  version();
  json->EndArray();
  json->Key("preferredVersion");
  version();
  json->EndObject();
}

std::string GroupList() {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "APIGroupList");
  json.Field("apiVersion", "v1");
  json.Key("groups");
  json.BeginArray();
  for (const Group& group : Groups()) {
    if (!group.name.empty()) AppendGroup(&json, group, false);
  }
  json.EndArray();
  json.EndObject();
  return out;
}

void AppendResponseKind(JsonWriter* json, std::string_view group, std::string_view version, std::string_view kind) {
  json->Key("responseKind");
  json->BeginObject();
  json->Field("group", group);
  json->Field("version", version);
  json->Field("kind", kind);
  json->EndObject();
}

void AppendAggregated(JsonWriter* json, const Resource& resource) {
  json->BeginObject();
  json->Field("resource", resource.name);
  // Empty group and version: those of the list it stands in.
  AppendResponseKind(json, "", "", resource.kind);
  json->Field("scope", resource.namespaced ? "Namespaced" : "Cluster");
  json->Field("singularResource", resource.singular);
  Strings(json, "verbs", resource.verbs);
  if (!resource.short_names.empty()) Strings(json, "shortNames", resource.short_names);
  if (resource.in_all) Strings(json, "categories", {"all"});
  if (!resource.subresources.empty()) {
    json->Key("subresources");
    json->BeginArray();
    for (const Subresource& subresource : resource.subresources) {
      json->BeginObject();
      json->Field("subresource", subresource.name);
      AppendResponseKind(json, subresource.group, subresource.version, subresource.kind);
      Strings(json, "verbs", subresource.verbs);
      json->EndObject();
    }
    json->EndArray();
  }
  json->EndObject();
}

std::string AggregatedList(bool core, std::string_view version) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "APIGroupDiscoveryList");
  json.Field("apiVersion", Cat({"apidiscovery.k8s.io/", version}));
  json.Key("metadata");
  json.BeginObject();
  json.EndObject();
  json.Key("items");
  json.BeginArray();
  for (const Group& group : Groups()) {
    if (group.name.empty() != core) continue;
    json.BeginObject();
    json.Key("metadata");
    json.BeginObject();
    if (!core) json.Field("name", group.name);
    json.EndObject();
    json.Key("versions");
    json.BeginArray();
    json.BeginObject();
    json.Field("version", "v1");
    json.Key("resources");
    json.BeginArray();
    for (const Resource& resource : group.resources) AppendAggregated(&json, resource);
    json.EndArray();
    json.Field("freshness", "Current");
    json.EndObject();
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return out;
}

std::string CoreVersions() {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("kind", "APIVersions");
  Strings(&json, "versions", {"v1"});
  json.Key("serverAddressByClientCIDRs");
  json.BeginArray();
  json.EndArray();
  json.EndObject();
  return out;
}

std::string VersionInfo() {
  std::string out;
  JsonWriter json(&out, /*indented=*/true);
  json.BeginObject();
  json.Field("major", "1");
  json.Field("minor", "36");
  // The version whose behaviour is followed, and who follows it.
  json.Field("gitVersion", "v1.36.0+epslice");
  json.Field("gitCommit", "");
  json.Field("gitTreeState", "");
  json.Field("buildDate", "1970-01-01T00:00:00Z");
  json.Field("goVersion", "");
  json.Field("compiler", "");
  json.Field("platform", "linux/amd64");
  json.EndObject();
  return out;
}

std::string Paths() {
  std::string out;
  JsonWriter json(&out, /*indented=*/true);
  json.BeginObject();
  json.Key("paths");
  json.BeginArray();
  json.String("/api");
  json.String("/api/v1");
  json.String("/apis");
  for (const Group& group : Groups()) {
    if (group.name.empty()) continue;
    json.String(Cat({"/apis/", group.name}));
    json.String(Cat({"/apis/", group.name, "/v1"}));
  }
  for (std::string_view path : {"/healthz", "/livez", "/openapi/v3", "/readyz", "/version"}) json.String(path);
  json.EndArray();
  json.EndObject();
  return out;
}

std::string GroupPath(const Group& group) {
  return group.name.empty() ? std::string("api/v1") : Cat({"apis/", group.name, "/v1"});
}

std::string OpenApiIndex() {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("paths");
  json.BeginObject();
  for (const Group& group : Groups()) {
    json.Key(GroupPath(group));
    json.BeginObject();
    json.Field("serverRelativeURL", Cat({"/openapi/v3/", GroupPath(group)}));
    json.EndObject();
  }
  json.EndObject();
  json.EndObject();
  return out;
}

// No schemas: only what kubectl looks up before it writes, which is whether
// PATCH of a kind takes the parameter fieldValidation. (It does, and ignores
// it: fields we do not know are kept as they are.)
std::string OpenApiOf(const Group& group) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Field("openapi", "3.0.0");
  json.Key("info");
  json.BeginObject();
  json.Field("title", "epslice");
  json.Field("version", "v1.36.0");
  json.EndObject();
  json.Key("components");
  json.BeginObject();
  json.Key("schemas");
  json.BeginObject();
  json.EndObject();
  json.EndObject();
  json.Key("paths");
  json.BeginObject();
  for (const Resource& resource : group.resources) {
    json.Key(Cat(
        {"/", GroupPath(group), "/", resource.namespaced ? "namespaces/{namespace}/" : "", resource.name, "/{name}"}));
    json.BeginObject();
    json.Key("patch");
    json.BeginObject();
    json.Key("parameters");
    json.BeginArray();
    json.BeginObject();
    json.Field("name", "fieldValidation");
    json.Field("in", "query");
    json.Key("schema");
    json.BeginObject();
    json.Field("type", "string");
    json.EndObject();
    json.EndObject();
    json.EndArray();
    json.Key("x-kubernetes-group-version-kind");
    json.BeginObject();
    json.Field("group", group.name);
    json.Field("version", "v1");
    json.Field("kind", resource.kind);
    json.EndObject();
    json.EndObject();
    json.EndObject();
  }
  json.EndObject();
  json.EndObject();
  return out;
}

std::optional<Document> FindHealth(std::string_view path, bool verbose) {
  constexpr std::string_view kPlain = "text/plain; charset=utf-8";
  for (std::string_view check : {"healthz", "livez", "readyz"}) {
    if (path.substr(1) != check) continue;
    if (!verbose) return Document{std::string(kPlain), "ok"};
    return Document{std::string(kPlain), Cat({"[+]ping ok\n", check, " check passed\n"})};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Document> FindDocument(std::string_view path, DiscoveryFormat format, bool verbose) {
  const auto json = [](std::string body) { return Document{"application/json", std::move(body)}; };
  if (path.empty()) return json(Paths());
  if (path == "/version") return json(VersionInfo());
  if (path == "/api" || path == "/apis") {
    const bool core = path == "/api";
    if (format == DiscoveryFormat::kPlain) return json(core ? CoreVersions() : GroupList());
    const std::string_view version = format == DiscoveryFormat::kAggregatedV2 ? "v2" : "v2beta1";
    return Document{Cat({"application/json;g=apidiscovery.k8s.io;v=", version, ";as=APIGroupDiscoveryList"}),
                    AggregatedList(core, version)};
  }
  if (path == "/openapi/v3") return json(OpenApiIndex());
  for (const Group& group : Groups()) {
    if (path == Cat({"/openapi/v3/", GroupPath(group)})) return json(OpenApiOf(group));
    if (group.name.empty()) {
      if (path == "/api/v1") return json(ResourceList(group));
      continue;
    }
    if (path == Cat({"/apis/", group.name, "/v1"})) return json(ResourceList(group));
    if (path == Cat({"/apis/", group.name})) {
      std::string out;
      JsonWriter writer(&out);
      AppendGroup(&writer, group, true);
      return json(std::move(out));
    }
  }
  return FindHealth(path, verbose);
}

}  // namespace epslice::sim

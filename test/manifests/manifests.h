// The files of manifests/, as objects to look at.
#ifndef EPSLICE_TEST_MANIFESTS_MANIFESTS_H_
#define EPSLICE_TEST_MANIFESTS_MANIFESTS_H_

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace epslice::manifests {

using Json = nlohmann::json;
using Labels = std::map<std::string, std::string>;

// The tree's manifests/ with `path` below it.
std::string ManifestPath(std::string_view path);
// Fails the test, and gives "", when it cannot be read.
std::string ReadFile(const std::string& path);

struct CommandResult {
  int code = -1;
  std::string output;  // standard output
};
// By /bin/sh.
CommandResult RunCommand(const std::string& command);

// The documents of a YAML text; fails the test where it is none.
std::vector<Json> ParseYaml(const std::string& yaml);

bool HaveKubectl();
// What `kubectl kustomize` makes of a folder of manifests/; nothing, and the
// test fails, where it refuses.
std::vector<Json> Kustomize(std::string_view folder);
// The files that a folder's kustomization.yaml names as resources, as they are.
std::vector<Json> Resources(std::string_view folder);

// The objects of a kind, in order.
std::vector<Json> OfKind(const std::vector<Json>& objects, std::string_view kind);
// The only one of its kind; fails the test, and gives an empty object, where
// there is not exactly one.
Json OnlyOfKind(const std::vector<Json>& objects, std::string_view kind);
std::optional<Json> Find(const std::vector<Json>& objects, std::string_view kind, std::string_view name);

std::string NameOf(const Json& object);
Labels LabelsOf(const Json& labels);
// Whether a matchLabels selects what carries `labels`.
bool Selects(const Labels& selector, const Labels& labels);

// The arguments of the Deployment's one container.
std::vector<std::string> ArgsOf(const Json& deployment);
// The value of --flag=value, the last one; nothing without.
std::optional<std::string> FlagValue(const std::vector<std::string>& args, std::string_view flag);

}  // namespace epslice::manifests

#endif  // EPSLICE_TEST_MANIFESTS_MANIFESTS_H_

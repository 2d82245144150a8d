#include "test/manifests/manifests.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/status/statusor.h"
#include "apis/yaml.h"

namespace epslice::manifests {

std::string ManifestPath(std::string_view path) {
  return std::string(EPSLICE_SOURCE_DIR "/manifests/") + std::string(path);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << "cannot read " << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

CommandResult RunCommand(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

std::vector<Json> ParseYaml(const std::string& yaml) {
  std::vector<Json> documents;
  const absl::StatusOr<std::string> json = YamlToJson(yaml);
  EXPECT_TRUE(json.ok()) << json.status();
  if (!json.ok()) return documents;
  std::istringstream in(*json);
  while (in >> std::ws && !in.eof()) {
    Json document;
    in >> document;
    documents.push_back(std::move(document));
  }
  return documents;
}

bool HaveKubectl() {
  static const bool have = RunCommand("kubectl version --client 2>&1").code == 0;
  return have;
}

std::vector<Json> Kustomize(std::string_view folder) {
  const CommandResult result = RunCommand("kubectl kustomize '" + ManifestPath(folder) + "'");
  EXPECT_EQ(result.code, 0) << "kubectl kustomize " << folder;
  if (result.code != 0) return {};
  return ParseYaml(result.output);
}

std::vector<Json> Resources(std::string_view folder) {
  std::vector<Json> objects;
  const std::vector<Json> kustomization =
      ParseYaml(ReadFile(ManifestPath(std::string(folder) + "/kustomization.yaml")));
  for (const Json& document : kustomization) {
    for (const Json& file : document.at("resources")) {
      const std::string path = ManifestPath(std::string(folder) + "/" + file.get<std::string>());
      for (Json& object : ParseYaml(ReadFile(path))) objects.push_back(std::move(object));
    }
  }
  return objects;
}

std::vector<Json> OfKind(const std::vector<Json>& objects, std::string_view kind) {
  std::vector<Json> found;
  std::copy_if(objects.begin(), objects.end(), std::back_inserter(found),
               [kind](const Json& object) { return object.at("kind") == kind; });
  return found;
}

Json OnlyOfKind(const std::vector<Json>& objects, std::string_view kind) {
  const std::vector<Json> found = OfKind(objects, kind);
  EXPECT_EQ(found.size(), 1U) << kind;
  return found.size() == 1 ? found[0] : Json::object();
}

std::optional<Json> Find(const std::vector<Json>& objects, std::string_view kind, std::string_view name) {
  for (const Json& object : objects) {
    if (object.at("kind") == kind && NameOf(object) == name) return object;
  }
  return std::nullopt;
}

std::string NameOf(const Json& object) { return object.at("metadata").at("name").get<std::string>(); }

Labels LabelsOf(const Json& labels) { return labels.get<Labels>(); }

bool Selects(const Labels& selector, const Labels& labels) {
  return !selector.empty() && std::includes(labels.begin(), labels.end(), selector.begin(), selector.end());
}

std::vector<std::string> ArgsOf(const Json& deployment) {
  return deployment.at("/spec/template/spec/containers/0/args"_json_pointer).get<std::vector<std::string>>();
}

std::optional<std::string> FlagValue(const std::vector<std::string>& args, std::string_view flag) {
  std::optional<std::string> value;
  const std::string prefix = std::string(flag) + "=";
  for (const std::string& arg : args) {
    if (arg.rfind(prefix, 0) == 0) value = arg.substr(prefix.size());
  }
  return value;
}

}  // namespace epslice::manifests

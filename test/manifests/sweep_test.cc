// manifests/sweep: that the Jobs fit each other, and the simulator.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "test/manifests/manifests.h"

namespace epslice::manifests {
namespace {

std::vector<Json> PodSpecs(const std::vector<Json>& objects) {
  std::vector<Json> specs;
  for (const Json& job : OfKind(objects, "Job")) specs.push_back(job.at("spec").at("template").at("spec"));
  return specs;
}

std::vector<Json> Containers(const Json& spec) {
  std::vector<Json> all = spec.at("containers").get<std::vector<Json>>();
  for (const Json& container : spec.value("initContainers", Json::array())) all.push_back(container);
  return all;
}

class SweepManifests : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Manifests, SweepManifests, testing::Values("sweep", "sweep/merge"),
                         [](const auto& folder) { return folder.param == "sweep" ? "sweep" : "merge"; });

TEST_P(SweepManifests, Renders) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/" << GetParam();
  EXPECT_EQ(OfKind(Kustomize(GetParam()), "Job").size(), 1U);
}

TEST_P(SweepManifests, IsRestricted) {
  for (const Json& spec : PodSpecs(Resources(GetParam()))) {
    EXPECT_EQ(spec.at("automountServiceAccountToken"), false);
    EXPECT_EQ(spec.at("/securityContext/runAsNonRoot"_json_pointer), true);
    EXPECT_EQ(spec.at("/securityContext/seccompProfile/type"_json_pointer), "RuntimeDefault");
    for (const Json& container : Containers(spec)) {
      EXPECT_EQ(container.at("/securityContext/allowPrivilegeEscalation"_json_pointer), false);
      EXPECT_EQ(container.at("/securityContext/readOnlyRootFilesystem"_json_pointer), true);
      EXPECT_EQ(container.at("/securityContext/capabilities/drop"_json_pointer), Json::array({"ALL"}));
    }
  }
}

// The program reads the arguments to the end before it looks for the files
// that they name, and says which one is missing.
TEST_P(SweepManifests, ArgumentsAreTheProgramsOwn) {
  for (const Json& spec : PodSpecs(Resources(GetParam()))) {
    for (const Json& container : Containers(spec)) {
      std::string command = "JOB_COMPLETION_INDEX=0 '" EPSLICE_BIN_DIR "/endpointslice-sim'";
      for (const Json& arg : container.at("args")) {
        std::string text = arg.get<std::string>();
        // Where the pod has a volume this machine has nothing.
        for (const char* folder : {"/scenario", "/results"}) {
          const std::size_t at = text.find(folder);
          if (at != std::string::npos) text.insert(at, "/nowhere");
        }
        command += " '" + text + "'";
      }
      const CommandResult result = RunCommand(command + " 2>&1");
      EXPECT_EQ(result.code, 2) << command << result.output;
      EXPECT_NE(result.output.find("/nowhere/"), std::string::npos) << command << "\n" << result.output;
    }
  }
}

TEST(SweepJob, HasAsManyPodsAsShards) {
  const Json job = OnlyOfKind(Resources("sweep"), "Job");
  const Json& spec = job.at("spec");
  EXPECT_EQ(spec.at("completionMode"), "Indexed");
  std::set<std::string> shards;
  for (const Json& arg : spec.at("/template/spec/containers/0/args"_json_pointer)) {
    const std::string text = arg.get<std::string>();
    if (text.rfind("--shards=", 0) == 0) shards.insert(text.substr(9));
  }
  EXPECT_EQ(shards, std::set<std::string>{std::to_string(spec.at("completions").get<int>())});
}

}  // namespace
}  // namespace epslice::manifests

// What base and overlay render to: names, labels, ports and flags line up, and an
// API server takes it.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/kind.h"
#include "informers/clock.h"
#include "sim/cluster/document_kinds.h"
#include "sim/cluster/document_store.h"
#include "sim/cluster/memory_api_server.h"
#include "test/manifests/manifests.h"

namespace epslice::manifests {
namespace {

// The flags that the program names in --help. Their lines begin with
// "-v,--v N ..." or "--master URL ...", after spaces.
std::set<std::string> KnownFlags() {
  const CommandResult help = RunCommand(EPSLICE_BIN_DIR "/endpointslice-controller --help");
  EXPECT_EQ(help.code, 0);
  std::set<std::string> known;
  std::istringstream lines(help.output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] != '-') continue;
    std::istringstream names(line.substr(begin, line.find_first_of(" [=", begin) - begin));
    for (std::string name; std::getline(names, name, ',');) known.insert(name);
  }
  for (const char* flag : {"--help", "-v", "--v"}) EXPECT_EQ(known.count(flag), 1U) << help.output;
  return known;
}

class Rendered : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (HaveKubectl()) {
      objects_ = Kustomize(GetParam());
    } else if (GetParam() == "base") {
      objects_ = Resources(GetParam());  // as good, but for the image's tag
    } else {
      GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/" << GetParam();
    }
    ASSERT_FALSE(objects_.empty());
    deployment_ = OnlyOfKind(objects_, "Deployment");
    ASSERT_FALSE(deployment_.empty());
    template_ = deployment_.at("spec").at("template");
    container_ = template_.at("spec").at("containers").at(0);
    selector_ = LabelsOf(deployment_.at("spec").at("selector").at("matchLabels"));
    args_ = ArgsOf(deployment_);
  }

  // Whether an object of the pod's own exists that has this port.
  bool HasContainerPort(const Json& port) const {
    const Json& ports = container_.at("ports");
    return std::any_of(ports.begin(), ports.end(),
                       [&](const Json& p) { return p.at("name") == port || p.at("containerPort") == port; });
  }

  // Where the controller is.
  std::string Home() const {
    const std::string home = deployment_.at("metadata").at("namespace").get<std::string>();
    EXPECT_EQ(home, GetParam() == "overlays/own-namespace" ? "epslice" : "kube-system");
    return home;
  }

  std::vector<Json> objects_;
  Json deployment_, template_, container_;
  Labels selector_;
  std::vector<std::string> args_;
};

INSTANTIATE_TEST_SUITE_P(Manifests, Rendered,
                         testing::Values("base", "overlays/replace", "overlays/shadow", "overlays/own-namespace"),
                         [](const testing::TestParamInfo<std::string>& folder) {
                           std::string name = folder.param.substr(folder.param.rfind('/') + 1);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// All of them, and the pod that the Deployment would make.
TEST_P(Rendered, AnApiServerTakesThem) {
  const FakeClock clock;
  sim::MemoryApiServerOptions options;
  options.create_missing_namespaces = true;
  sim::MemoryApiServer server(&clock, options);
  sim::DocumentStore documents(&clock, 1);
  std::vector<Json> objects = objects_;
  Json pod = template_;
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = NameOf(deployment_) + "-0";
  pod["metadata"]["namespace"] = deployment_.at("metadata").at("namespace");
  objects.push_back(pod);
  for (const Json& object : objects) {
    const std::string version = object.at("apiVersion").get<std::string>();
    if (const sim::DocumentKind* document = sim::FindDocumentKind(version, object.at("kind").get<std::string>())) {
      sim::DocumentRequest create;
      create.verb = Verb::kCreate;
      create.kind = document;
      create.namespace_ = object.at("metadata").value("namespace", "");
      create.body = object.dump();
      EXPECT_EQ(documents.Handle(create).status.code, 201) << NameOf(object);
      continue;
    }
    const std::optional<Kind> kind = KindFromName(version, object.at("kind").get<std::string>());
    ASSERT_TRUE(kind) << version << " " << object.at("kind");
    const absl::StatusOr<AnyObject> decoded = DecodeObjectJson(*kind, object.dump(), true);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    Request create;
    create.verb = Verb::kCreate;
    create.kind = *kind;
    create.namespace_ = object.at("metadata").value("namespace", "");
    create.object = *decoded;
    const Response response = server.Handle(create);
    EXPECT_TRUE(response.status.ok()) << NameOf(object) << ": " << response.status.ToString();
  }
}

TEST_P(Rendered, EverySelectorMeansTheDeploymentsPods) {
  const Labels pod = LabelsOf(template_.at("metadata").at("labels"));
  EXPECT_TRUE(Selects(selector_, pod));
  const auto selector_of = [](const Json& object, const char* pointer) {
    return LabelsOf(object.value(Json::json_pointer(pointer), Json::object()));
  };
  EXPECT_EQ(selector_of(OnlyOfKind(objects_, "PodDisruptionBudget"), "/spec/selector/matchLabels"), selector_);
  EXPECT_EQ(selector_of(OnlyOfKind(objects_, "NetworkPolicy"), "/spec/podSelector/matchLabels"), selector_);
  EXPECT_EQ(selector_of(template_, "/spec/topologySpreadConstraints/0/labelSelector/matchLabels"), selector_);
  EXPECT_EQ(selector_of(template_,
                        "/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/"
                        "podAffinityTerm/labelSelector/matchLabels"),
            selector_);
}

TEST_P(Rendered, BindingsNameWhatIsThere) {
  const std::string account = template_.at("spec").at("serviceAccountName").get<std::string>();
  EXPECT_TRUE(Find(objects_, "ServiceAccount", account)) << account;
  std::size_t bindings = 0;
  std::set<std::string> bound;
  for (const char* kind : {"ClusterRoleBinding", "RoleBinding"}) {
    for (const Json& binding : OfKind(objects_, kind)) {
      ++bindings;
      const Json& role = binding.at("roleRef");
      EXPECT_EQ(role.at("apiGroup"), "rbac.authorization.k8s.io");
      // Every cluster's own, in kube-system.
      const bool of_the_cluster = role.at("name") == "extension-apiserver-authentication-reader";
      EXPECT_NE(Find(objects_, role.at("kind").get<std::string>(), role.at("name").get<std::string>()).has_value(),
                of_the_cluster)
          << NameOf(binding);
      bound.insert(role.at("kind").get<std::string>() + "/" + role.at("name").get<std::string>());
      ASSERT_EQ(binding.at("subjects").size(), 1U);
      const Json subject = binding.at("subjects").at(0);
      EXPECT_EQ(subject, (Json{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", Home()}}));
    }
  }
  EXPECT_EQ(bindings, bound.size());
  // And that one.
  EXPECT_EQ(bound.size(), OfKind(objects_, "ClusterRole").size() + OfKind(objects_, "Role").size() + 1);
}

// Nobody but the probes, which need no rule, and who scrapes metrics.
TEST_P(Rendered, OnlyPrometheusGetsIn) {
  const Json policy = OnlyOfKind(objects_, "NetworkPolicy");
  EXPECT_EQ(policy.at("spec").at("policyTypes"), (Json{"Ingress", "Egress"}));
  const Json& ingress = policy.at("spec").at("ingress");
  ASSERT_EQ(ingress.size(), 1U);
  const Json prometheus = OnlyOfKind(Resources("monitoring"), "ClusterRoleBinding").at("subjects").at(0);
  EXPECT_EQ(ingress.at(0).at("from"),
            (Json::array({{{"namespaceSelector",
                            {{"matchLabels", {{"kubernetes.io/metadata.name", prometheus.at("namespace")}}}}}}})));
  ASSERT_EQ(ingress.at(0).at("ports").size(), 1U);
  EXPECT_TRUE(HasContainerPort(ingress.at(0).at("ports").at(0).at("port")));
  EXPECT_TRUE(OfKind(objects_, "Service").empty());
}

// With other names, the old controller's account would become ours, or ours
// would get what is bound to it.
TEST_P(Rendered, NoAccountOfKubeControllerManagers) {
  for (const Json& object : objects_) EXPECT_EQ(NameOf(object).rfind("epslice", 0), 0U) << NameOf(object);
}

TEST_P(Rendered, NamespacedObjectsAreInOneNamespace) {
  for (const Json& object : objects_) {
    const std::string kind = object.at("kind").get<std::string>();
    const bool cluster = kind.rfind("Cluster", 0) == 0 || kind == "Namespace";
    // Of the binding to a Role of kube-system's there is no other place.
    const bool of_the_cluster = NameOf(object).rfind("epslice-controller-authentication-reader", 0) == 0;
    EXPECT_EQ(object.at("metadata").value("namespace", ""), cluster          ? ""
                                                            : of_the_cluster ? "kube-system"
                                                                             : Home())
        << object.at("kind");
  }
}

TEST_P(Rendered, PortsLineUp) {
  const std::string port = FlagValue(args_, "--secure-port").value_or("10270");
  const Json& ports = container_.at("ports");
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_EQ(std::to_string(ports.at(0).at("containerPort").get<int>()), port);

  const bool insecure = std::find(args_.begin(), args_.end(), "--insecure") != args_.end();
  for (const auto& [probe, path] : {std::pair("livenessProbe", "/livez"), std::pair("readinessProbe", "/readyz")}) {
    const Json& http = container_.at(probe).at("httpGet");
    EXPECT_TRUE(HasContainerPort(http.at("port"))) << probe;
    EXPECT_EQ(http.at("scheme"), insecure ? "HTTP" : "HTTPS") << probe;
    EXPECT_EQ(http.at("path"), path);
  }
  // Probes come from outside the pod.
  EXPECT_NE(FlagValue(args_, "--bind-address").value_or("127.0.0.1"), "127.0.0.1");
}

TEST_P(Rendered, FlagsAreTheProgramsOwn) {
  const std::set<std::string> known = KnownFlags();
  std::set<std::string> seen;
  for (const std::string& arg : args_) {
    const std::string flag = arg.substr(0, arg.find('='));
    EXPECT_EQ(known.count(flag), 1U) << "no flag " << flag << " in --help";
    EXPECT_TRUE(seen.insert(flag).second) << flag << " twice";
  }
}

// They are kept also where nobody may read whose client certificates are known.
TEST_P(Rendered, SlicesDoNotHangOnCertificates) {
  EXPECT_EQ(FlagValue(args_, "--authentication-tolerate-lookup-failure"), "true");
}

TEST_P(Rendered, TheLeaseIsTheOneThatTheRoleNames) {
  const bool elects = FlagValue(args_, "--leader-elect") == "true";
  const std::vector<Json> roles = OfKind(objects_, "Role");
  EXPECT_EQ(roles.size(), elects ? 1U : 0U);
  if (!elects) {
    EXPECT_EQ(deployment_.at("spec").at("replicas"), 1);
    return;
  }
  EXPECT_GE(deployment_.at("spec").at("replicas").get<int>(), 2);
  // The kubelet fills it in.
  EXPECT_EQ(FlagValue(args_, "--leader-elect-resource-namespace"), "$(POD_NAMESPACE)");
  EXPECT_EQ(container_.at("env").at(0),
            (Json{{"name", "POD_NAMESPACE"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.namespace"}}}}}}));
  EXPECT_EQ(roles[0].at("metadata").at("namespace"), Home());
  const Json& names = roles[0].at("rules").at(0).at("resourceNames");
  EXPECT_EQ(names, Json::array({FlagValue(args_, "--leader-elect-resource-name").value_or("")}));
}

// The Pod Security Standard "restricted", and a root file system that cannot be
// written to.
TEST_P(Rendered, IsRestricted) {
  const Json& spec = template_.at("spec");
  for (const char* host : {"hostNetwork", "hostPID", "hostIPC", "volumes"}) EXPECT_FALSE(spec.contains(host)) << host;
  const Json& pod = spec.at("securityContext");
  EXPECT_EQ(pod.at("runAsNonRoot"), true);
  EXPECT_EQ(pod.at("seccompProfile"), (Json{{"type", "RuntimeDefault"}}));
  const std::string dockerfile = ReadFile(ManifestPath("image/Dockerfile"));
  const std::string user = std::to_string(pod.at("runAsUser").get<int>());
  EXPECT_NE(dockerfile.find("\nUSER " + user + ":" + user + "\n"), std::string::npos) << "the image's user";
  EXPECT_EQ(container_.at("securityContext"), (Json{{"allowPrivilegeEscalation", false},
                                                    {"readOnlyRootFilesystem", true},
                                                    {"capabilities", {{"drop", {"ALL"}}}}}));
  EXPECT_TRUE(container_.at("resources").at("requests").contains("cpu"));
  EXPECT_TRUE(container_.at("resources").at("requests").contains("memory"));
  EXPECT_TRUE(container_.at("resources").at("limits").contains("memory"));
}

// Its slices are those of kube-controller-manager, under the same name.
TEST(Overlays, ReplaceTakesTheOldControllersSlicesOver) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/overlays/replace";
  const std::vector<std::string> args = ArgsOf(OnlyOfKind(Kustomize("overlays/replace"), "Deployment"));
  EXPECT_EQ(FlagValue(args, "--controller-name"), "endpointslice-controller.k8s.io");
}

TEST(Overlays, ShadowOnlyLooksOn) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/overlays/shadow";
  const std::vector<Json> objects = Kustomize("overlays/shadow");
  const std::vector<std::string> args = ArgsOf(OnlyOfKind(objects, "Deployment"));
  EXPECT_EQ(FlagValue(args, "--mode"), "shadow");
  EXPECT_EQ(FlagValue(args, "--authentication-tolerate-lookup-failure"), "true");
  EXPECT_EQ(FlagValue(args, "--controller-name"), "endpointslice-controller.k8s.io");
  // Beside the others: nothing of it has the name or the labels of theirs.
  for (const Json& theirs : Kustomize("overlays/replace")) {
    EXPECT_FALSE(Find(objects, theirs.at("kind").get<std::string>(), NameOf(theirs))) << NameOf(theirs);
  }
  EXPECT_EQ(OnlyOfKind(objects, "Deployment").at("spec").at("selector").at("matchLabels"),
            (Json{{"app.kubernetes.io/name", "epslice-controller"}, {"app.kubernetes.io/instance", "shadow"}}));
}

TEST(Systemd, TheUnitsFlagsAreTheProgramsOwn) {
  const std::set<std::string> known = KnownFlags();
  std::size_t flags = 0;
  for (const char* file : {"debian/endpointslice-controller.service", "debian/endpointslice-controller.default"}) {
    const std::string text = ReadFile(ManifestPath(file));
    for (std::size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at)) {
      const std::size_t end = text.find_first_not_of("-abcdefghijklmnopqrstuvwxyz", at);
      EXPECT_EQ(known.count(text.substr(at, end - at)), 1U) << file << ": " << text.substr(at, end - at);
      at = end;
      ++flags;
    }
  }
  EXPECT_GE(flags, 3U);
}

// What Resources() gives where there is no kubectl is what the tests above see.
TEST(Overlays, BaseIsItsFiles) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/base";
  const std::vector<Json> files = Resources("base");
  EXPECT_EQ(Kustomize("base").size(), files.size());
  for (const Json& object : Kustomize("base")) {
    EXPECT_TRUE(Find(files, object.at("kind").get<std::string>(), NameOf(object))) << NameOf(object);
  }
}

}  // namespace
}  // namespace epslice::manifests

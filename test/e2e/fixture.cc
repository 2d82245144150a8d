#include "test/e2e/fixture.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "apis/time_format.h"

namespace epslice::e2e {
namespace {

int namespaces = 0;

const char* GroupOf(const std::string& resource) {
  return resource == "endpointslices" ? "/apis/discovery.k8s.io/v1" : "/api/v1";
}

std::string Join(const std::vector<std::string>& lines, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < most; ++i) text += "  " + lines[i] + "\n";
  if (lines.size() > most) text += "  ... and " + std::to_string(lines.size() - most) + " more\n";
  return text;
}

}  // namespace

void E2eTest::SetUp() {
  ns_ = "e2e-" + suite().suffix() + "-" + std::to_string(++namespaces);
  const Answer made = suite().MakeNamespace(ns_);
  ASSERT_TRUE(made.ok()) << made.ToString();
  // Where pods are admitted only if their service account is there.
  if (!suite().server().owned()) {
    ASSERT_TRUE(Poll(kPatience, [&] { return admin().Get(Path("serviceaccounts", "default")).ok(); }));
  }
  watch_ = std::make_unique<SliceWatch>(&admin(), ns_, suite().controller_name());
  suite().EnsureController();
}

void E2eTest::TearDown() {
  if (watch_ != nullptr && !IsSkipped()) Settle();
  if (HasFailure()) {
    if (suite().controller() != nullptr) {
      std::cout << "--- the controller said at last:\n" << LastLines(suite().controller()->output(), 30) << std::endl;
    }
    std::cout << "--- the API server:\n" << suite().server().Output() << std::endl;
  }
  watch_.reset();
  CleanUp();
}

void E2eTest::CleanUp() {
  const Json now = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"gracePeriodSeconds", 0}};
  // A lone API server empties no namespaces. Where somebody does, pods would
  // hold the namespace up: no kubelet ends them.
  Patiently([&] { return admin().Delete(Path("services")); });
  Patiently([&] { return admin().Delete(Path("pods"), now); });
  Patiently([&] { return admin().Delete(Path("endpointslices")); });
  Patiently([&] { return admin().Delete("/api/v1/namespaces/" + ns_); });
  node_leases_.reset();
  Patiently([&] { return admin().Delete("/api/v1/nodes?labelSelector=epslice-e2e%3D" + ns_); });
}

std::string E2eTest::Path(const std::string& resource, const std::string& name, const std::string& sub) const {
  const std::string where = resource == "nodes" ? "" : "/namespaces/" + ns_;
  return GroupOf(resource) + where + "/" + resource + (name.empty() ? "" : "/" + name) + (sub.empty() ? "" : "/" + sub);
}

Json E2eTest::Create(const std::string& resource, const Json& object) {
  const Answer answer = admin().PostPatiently(Path(resource), object);
  EXPECT_TRUE(answer.ok()) << "POST " << Path(resource) << " " << object.dump() << ": " << answer.ToString();
  return answer.body;
}

Json E2eTest::Patch(const std::string& resource, const std::string& name, const Json& patch, const std::string& sub) {
  const Answer answer = Patiently([&] { return admin().Patch(Path(resource, name, sub), patch); });
  EXPECT_TRUE(answer.ok()) << "PATCH " << Path(resource, name, sub) << " " << patch.dump() << ": " << answer.ToString();
  return answer.body;
}

Json E2eTest::Get(const std::string& resource, const std::string& name) {
  const Answer answer = Patiently([&] { return admin().Get(Path(resource, name)); });
  EXPECT_TRUE(answer.ok()) << "GET " << Path(resource, name) << ": " << answer.ToString();
  return answer.body;
}

void E2eTest::Delete(const std::string& resource, const std::string& name, const Json& options) {
  int tries = 0;
  const Answer answer = Patiently([&] {
    ++tries;
    return admin().Delete(Path(resource, name), options);
  });
  EXPECT_TRUE(answer.ok() || (answer.code == 404 && tries > 1))
      << "DELETE " << Path(resource, name) << ": " << answer.ToString();
}

void E2eTest::AddNode(const std::string& name, const std::string& zone, const std::string& cpu) {
  Json labels = {{"epslice-e2e", ns_}, {"kubernetes.io/hostname", NodeName(name)}};
  if (!zone.empty()) labels["topology.kubernetes.io/zone"] = zone;
  // A scheduler, where there is one, puts nothing here: no kubelet would run it.
  const Json taints = Json::array({{{"key", "epslice.dev/e2e"}, {"effect", "NoSchedule"}}});
  Create("nodes", {{"apiVersion", "v1"},
                   {"kind", "Node"},
                   {"metadata", {{"name", NodeName(name)}, {"labels", labels}}},
                   {"spec", {{"taints", taints}}}});
  if (!suite().server().owned()) {
    if (node_leases_ == nullptr) node_leases_ = std::make_unique<NodeLeases>(&admin(), &suite().clock());
    const Answer lease = node_leases_->Add(NodeName(name));
    EXPECT_TRUE(lease.ok()) << "Lease of " << NodeName(name) << ": " << lease.ToString();
  }
  const std::string now = FormatRfc3339(suite().clock().WallNow());
  const Json amounts = {{"cpu", cpu}, {"memory", "32Gi"}, {"pods", "250"}};
  Patch("nodes", NodeName(name),
        {{"status",
          {{"capacity", amounts},
           {"allocatable", amounts},
           {"conditions", Json::array({{{"type", "Ready"},
                                        {"status", "True"},
                                        {"reason", "KubeletReady"},
                                        {"message", "the suite is the kubelet"},
                                        {"lastHeartbeatTime", now},
                                        {"lastTransitionTime", now}}})}}}},
        "status");
  nodes_.push_back(name);
}

void E2eTest::DeleteNode(const std::string& name) {
  Delete("nodes", NodeName(name));
  if (node_leases_ != nullptr) node_leases_->Remove(NodeName(name));
  std::erase(nodes_, name);
}

void E2eTest::AddThreeZones(int each) {
  for (int i = 1; i <= each; ++i) {
    for (const char* zone : {"a", "b", "c"}) AddNode(zone + std::to_string(i), std::string("zone-") + zone);
  }
}

bool E2eTest::HasForeignNodes() {
  const std::vector<Json> nodes = List().nodes;
  return std::any_of(nodes.begin(), nodes.end(), [this](const Json& node) {
    const Json& labels = node.at("metadata").value("labels", Json::object());
    return labels.value("epslice-e2e", "") != ns_ && !labels.contains("node-role.kubernetes.io/control-plane");
  });
}

Json E2eTest::CreateService(const std::string& name, const Json& spec, const Json& metadata) {
  Json object = {{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata", {{"name", name}}},
                 {"spec",
                  {{"selector", {{"app", "web"}}},
                   {"ports", Json::array({{{"name", "http"}, {"port", 80}, {"targetPort", 8080}}})}}}};
  object["metadata"].update(metadata);
  object["spec"].update(spec);
  return Create("services", object);
}

Json E2eTest::PodStatus(bool ready, const std::string& v4, const std::string& v6) const {
  const std::string now = FormatRfc3339(Suite::Get().clock().WallNow());
  Json conditions = Json::array();
  for (const char* type : {"PodScheduled", "Initialized", "ContainersReady", "Ready"}) {
    const bool holds = ready || type == std::string("PodScheduled") || type == std::string("Initialized");
    conditions.push_back({{"type", type}, {"status", holds ? "True" : "False"}, {"lastTransitionTime", now}});
  }
  return {{"status",
           {{"phase", "Running"},
            {"podIP", v4},
            {"podIPs", Json::array({{{"ip", v4}}, {{"ip", v6}}})},
            {"conditions", conditions}}}};
}

void E2eTest::CreatePod(const PodSpec& spec) {
  Json container = {{"name", "main"}, {"image", "registry.example/web:1"}, {"ports", Json::array()}};
  for (const auto& [name, number] : spec.ports) {
    container["ports"].push_back({{"name", name}, {"containerPort", number}});
  }
  Json pod_spec = {{"containers", Json::array({container})},
                   {"automountServiceAccountToken", false},
                   {"terminationGracePeriodSeconds", 30}};
  if (spec.bind) {
    // The suite's own: a cluster's would be quicker, and bind it elsewhere.
    pod_spec["schedulerName"] = "epslice-e2e";
  } else {
    pod_spec["nodeName"] = NodeName(spec.node);
  }
  if (!spec.hostname.empty()) pod_spec["hostname"] = spec.hostname;
  if (!spec.subdomain.empty()) pod_spec["subdomain"] = spec.subdomain;
  pod_spec.update(spec.extra_spec);
  Create("pods", {{"apiVersion", "v1"},
                  {"kind", "Pod"},
                  {"metadata", {{"name", spec.name}, {"labels", spec.labels}}},
                  {"spec", pod_spec}});
  if (spec.bind) {
    int tries = 0;
    const Answer bound = Patiently([&] {
      ++tries;
      return admin().Post(Path("pods", spec.name, "binding"),
                          {{"apiVersion", "v1"},
                           {"kind", "Binding"},
                           {"metadata", {{"name", spec.name}}},
                           {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", NodeName(spec.node)}}}});
    });
    // By a try that seemed to fail.
    const bool before = bound.code == 409 && tries > 1;
    EXPECT_TRUE(bound.ok() || before) << "binding " << spec.name << ": " << bound.ToString();
  }
  pod_numbers_[spec.name] = next_pod_++;
  SetReady(spec.name, spec.ready);
}

void E2eTest::CreatePods(const std::string& name, int first, int count, PodSpec like) {
  for (int i = first; i < first + count; ++i) {
    like.name = name + "-" + std::to_string(i);
    like.node = nodes_[static_cast<std::size_t>(i) % nodes_.size()];
    CreatePod(like);
  }
}

void E2eTest::SetReady(const std::string& pod, bool ready) {
  constexpr int kPerBlock = 250;
  const int number = pod_numbers_.at(pod);
  const std::string tail = std::to_string(number / kPerBlock + 1);
  const std::string last = std::to_string(number % kPerBlock + 1);
  Patch("pods", pod, PodStatus(ready, "10.200." + tail + "." + last, "fd00:200::" + tail + ":" + last), "status");
}

void E2eTest::DeletePod(const std::string& pod) {
  Delete("pods", pod, {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"gracePeriodSeconds", 30}});
}

void E2eTest::FinishPod(const std::string& pod) {
  Delete("pods", pod, {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"gracePeriodSeconds", 0}});
}

void E2eTest::ChurnStep(int i, int pods) {
  constexpr int kKinds = 4;
  const int number = i % pods;
  const std::string pod = "web-" + std::to_string(number);
  switch (i / pods % kKinds) {
    case 0: SetReady(pod, false); break;
    case 1: SetReady(pod, true); break;
    case 2: DeletePod(pod); break;
    default: FinishPod(pod); CreatePods("web", number, 1);
  }
}

Listed E2eTest::List() {
  Listed listed;
  const auto list = [this](const std::string& resource, std::vector<Json>* items) {
    const Answer answer = Patiently([&] { return admin().Get(Path(resource)); });
    EXPECT_TRUE(answer.ok()) << "GET " << Path(resource) << ": " << answer.ToString();
    if (answer.ok()) *items = answer.body.at("items").get<std::vector<Json>>();
  };
  list("services", &listed.services);
  list("pods", &listed.pods);
  list("nodes", &listed.nodes);
  list("endpointslices", &listed.slices);
  return listed;
}

OracleOptions E2eTest::oracle_options() {
  OracleOptions options;
  options.managed_by = suite().controller_name();
  options.collects_garbage = suite().server().collects_garbage();
  return options;
}

std::vector<std::string> E2eTest::Wrong() { return Differences(List(), oracle_options()); }

bool E2eTest::Until(const std::string& what, const std::function<bool()>& condition) {
  constexpr Duration kLook = std::chrono::milliseconds(150);
  const Instant end = suite().clock().Now() + kPatience;
  while (!condition()) {
    if (suite().clock().Now() >= end) {
      ADD_FAILURE() << "not in time: " << what << "\n" << Join(Wrong(), 40);
      return false;
    }
    watch_->AwaitChange(kLook);
  }
  return true;
}

bool E2eTest::Settle() {
  // What a test then counts are the changes that the watch has told of; it may
  // be behind the lists that the oracle reads.
  return Until("slices as the oracle has them, and seen by the watch", [&] {
    const Listed listed = List();
    return Differences(listed, oracle_options()).empty() && watch_->HasSeen(listed.slices);
  });
}

std::vector<Json> E2eTest::Slices(const std::string& service) {
  const Answer answer = Patiently([&] { return admin().Get(Path("endpointslices")); });
  EXPECT_TRUE(answer.ok()) << answer.ToString();
  if (!answer.ok()) return {};
  return SlicesOf(answer.body.at("items").get<std::vector<Json>>(), service, suite().controller_name());
}

Json E2eTest::EndpointOf(const std::string& service, const std::string& pod) {
  for (const Json& slice : Slices(service)) {
    for (const Json& endpoint : slice.value("endpoints", Json::array())) {
      if (endpoint.at("targetRef").at("name") == pod) return endpoint;
    }
  }
  return nullptr;
}

std::string E2eTest::Conditions(const std::string& service, const std::string& pod) {
  const Json endpoint = EndpointOf(service, pod);
  if (endpoint.is_null()) return "";
  const Json& conditions = endpoint.at("conditions");
  return conditions.at("ready").dump() + "/" + conditions.at("serving").dump() + "/" +
         conditions.at("terminating").dump();
}

std::size_t E2eTest::EndpointCount(const std::string& service, const std::string& type) {
  std::size_t count = 0;
  for (const Json& slice : Slices(service)) {
    if (type.empty() || slice.at("addressType") == type) count += slice.value("endpoints", Json::array()).size();
  }
  return count;
}

}  // namespace epslice::e2e

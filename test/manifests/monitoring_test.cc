// Rules and dashboard read series that the controller has, by labels they have.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/manifests/manifests.h"
#include "test/manifests/promql.h"

namespace epslice::manifests {
namespace {

// The page that test/controllers/manager compares the controller's with.
constexpr const char* kGolden = EPSLICE_SOURCE_DIR "/test/golden/manager/metrics.txt";

// What Prometheus adds to each series it scrapes.
const std::set<std::string> kTargetLabels = {"job", "instance", "pod", "namespace", "cluster"};

const std::set<std::string> kFunctions = {
    "sum", "min", "max", "rate", "count", "increase", "absent", "time", "histogram_quantile"};

// {where, expression}
using Expressions = std::vector<std::pair<std::string, std::string>>;

Json Rule() {
  const std::vector<Json> documents = ParseYaml(ReadFile(ManifestPath("monitoring/prometheusrule.yaml")));
  EXPECT_EQ(documents.size(), 1U);
  return documents.empty() ? Json::object() : documents[0];
}

std::vector<Json> Rules() {
  std::vector<Json> rules;
  const Json rule_file = Rule();
  for (const Json& group : rule_file.at("spec").at("groups")) {
    for (const Json& rule : group.at("rules")) rules.push_back(rule);
  }
  return rules;
}

Json Dashboard() { return Json::parse(ReadFile(ManifestPath("monitoring/dashboard.json"))); }

Expressions RuleExpressions() {
  Expressions all;
  for (const Json& rule : Rules()) {
    all.emplace_back(rule.value("alert", rule.value("record", "")), rule.at("expr").get<std::string>());
  }
  return all;
}

Expressions DashboardExpressions() {
  Expressions all;
  const Json dashboard = Dashboard();
  for (const Json& panel : dashboard.at("panels")) {
    for (const Json& target : panel.value("targets", Json::array())) {
      all.emplace_back(panel.at("title").get<std::string>(), target.at("expr").get<std::string>());
    }
  }
  for (const Json& variable : dashboard.at("templating").at("list")) {
    if (variable.at("type") != "query") continue;
    // label_values(selector, label)
    const std::string query = variable.at("query").get<std::string>();
    const std::size_t begin = query.find('(') + 1;
    all.emplace_back("variable " + variable.at("name").get<std::string>(),
                     query.substr(begin, query.rfind(',') - begin));
  }
  return all;
}

void Check(const Expressions& expressions) {
  std::map<std::string, std::set<std::string>> series = SeriesOf(ReadFile(kGolden));
  ASSERT_FALSE(series.empty());
  // Not on that page: they are there with --mode=shadow only (MetricsTest reads
  // them).
  series["epslice_shadow_differences"] = {"kind"};
  series["epslice_shadow_services"] = {};
  series["up"] = {};  // Prometheus' own
  for (const Json& rule : Rules()) {
    if (rule.contains("record")) series[rule.at("record").get<std::string>()];
  }
  ASSERT_FALSE(expressions.empty());
  for (const auto& [where, text] : expressions) {
    SCOPED_TRACE(testing::Message() << where << ": " << text);
    const PromExpression expression = ReadPromQl(text);
    EXPECT_EQ(expression.error, "");
    EXPECT_FALSE(expression.selectors.empty());
    EXPECT_TRUE(
        std::includes(kFunctions.begin(), kFunctions.end(), expression.functions.begin(), expression.functions.end()));
    std::set<std::string> labels = kTargetLabels;
    for (const PromSelector& selector : expression.selectors) {
      const auto found = series.find(selector.name);
      EXPECT_NE(found, series.end()) << selector.name << " is no series of " << kGolden;
      if (found == series.end()) continue;
      labels.insert(found->second.begin(), found->second.end());
      for (const auto& [label, value] : selector.matchers) {
        EXPECT_TRUE(kTargetLabels.count(label) != 0 || found->second.count(label) != 0)
            << selector.name << " has no label " << label;
      }
    }
    for (const std::string& label : expression.grouping) {
      EXPECT_TRUE(labels.count(label) != 0) << "no series here has the label " << label;
    }
  }
}

TEST(Monitoring, RulesReadSeriesThatExist) { Check(RuleExpressions()); }

TEST(Monitoring, TheDashboardReadsSeriesThatExist) { Check(DashboardExpressions()); }

TEST(Monitoring, AlertsSayWhatIsWrongAndWhatToDo) {
  std::set<std::string> names;
  for (const Json& rule : Rules()) {
    if (!rule.contains("alert")) continue;
    const std::string name = rule.at("alert").get<std::string>();
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_TRUE(rule.contains("for")) << name;
    const std::string severity = rule.at("labels").at("severity").get<std::string>();
    EXPECT_TRUE(severity == "critical" || severity == "warning") << name;
    EXPECT_FALSE(rule.at("annotations").at("summary").get<std::string>().empty()) << name;
    EXPECT_FALSE(rule.at("annotations").at("description").get<std::string>().empty()) << name;
  }
  EXPECT_GE(names.size(), 8U);
}

// Controllers of other names, and other clusters, are each to have a leader, and no
// more than one.
TEST(Monitoring, LeadersAreCountedByLease) {
  Expressions all = RuleExpressions();
  const Expressions dashboard = DashboardExpressions();
  all.insert(all.end(), dashboard.begin(), dashboard.end());
  int read = 0;
  for (const auto& [where, text] : all) {
    const PromExpression expression = ReadPromQl(text);
    const bool leaders = std::any_of(expression.selectors.begin(), expression.selectors.end(),
                                     [](const auto& s) { return s.name == "leader_election_master_status"; });
    if (!leaders || expression.functions.empty()) continue;
    ++read;
    EXPECT_EQ(expression.grouping, (std::set<std::string>{"cluster", "namespace", "name"})) << where;
  }
  EXPECT_EQ(read, 4);
}

// By Prometheus' own checker, where it is: alerts.json says what should fire when.
TEST(Monitoring, AlertsFireWhenTheyShould) {
  if (RunCommand("promtool --version 2>&1").code != 0) GTEST_SKIP() << "NOT TESTED: no promtool in PATH";
  const std::string folder = testing::TempDir() + "/alerts." + std::to_string(getpid());
  ASSERT_TRUE(std::filesystem::create_directories(folder));
  std::ofstream(folder + "/rules.json") << Rule().at("spec").dump();
  std::ofstream(folder + "/alerts.json") << ReadFile(EPSLICE_SOURCE_DIR "/test/manifests/alerts.json");
  for (const char* command : {"promtool check rules rules.json", "promtool test rules alerts.json"}) {
    const CommandResult result = RunCommand("cd '" + folder + "' && " + command + " 2>&1");
    EXPECT_EQ(result.code, 0) << result.output;
  }
  std::filesystem::remove_all(folder);
}

// Whoever scrapes by other means than the ServiceMonitor has to give this label.
TEST(Monitoring, SeriesAreFoundByTheJob) {
  const Labels labels = LabelsOf(OnlyOfKind(Resources("base"), "Deployment").at("metadata").at("labels"));
  const std::string job = labels.at("app.kubernetes.io/name");
  Expressions all = RuleExpressions();
  const Expressions dashboard = DashboardExpressions();
  all.insert(all.end(), dashboard.begin(), dashboard.end());
  for (const auto& [where, text] : all) {
    for (const PromSelector& selector : ReadPromQl(text).selectors) {
      if (selector.name.find(':') != std::string::npos) continue;  // recorded with it
      ASSERT_EQ(selector.matchers.count("job"), 1U) << where;
      EXPECT_EQ(selector.matchers.at("job"), job) << where;
    }
  }
  const std::string how = ReadFile(EPSLICE_SOURCE_DIR "/docs/switching.md");
  EXPECT_NE(how.find("job_name: " + job + "\n"), std::string::npos);
}

// ServiceMonitor -> Service -> pods of the Deployment, and a role that opens the
// path that is scraped.
TEST(Monitoring, TheServiceMonitorFindsThePort) {
  const std::vector<Json> objects = Resources("monitoring");
  const Json deployment = OnlyOfKind(Resources("base"), "Deployment");
  const Json& pod = deployment.at("spec").at("template");
  const Json service = OnlyOfKind(objects, "Service");
  const Json monitor = OnlyOfKind(objects, "ServiceMonitor");
  EXPECT_TRUE(Selects(LabelsOf(service.at("spec").at("selector")), LabelsOf(pod.at("metadata").at("labels"))));
  EXPECT_TRUE(Selects(LabelsOf(monitor.at("spec").at("selector").at("matchLabels")),
                      LabelsOf(service.at("metadata").at("labels"))));
  EXPECT_EQ(service.at("metadata").at("namespace"), monitor.at("metadata").at("namespace"));
  ASSERT_EQ(service.at("spec").at("ports").size(), 1U);
  const Json& port = service.at("spec").at("ports").at(0);
  EXPECT_EQ(port.at("targetPort"), pod.at("spec").at("containers").at(0).at("ports").at(0).at("name"));
  ASSERT_EQ(monitor.at("spec").at("endpoints").size(), 1U);
  const Json& endpoint = monitor.at("spec").at("endpoints").at(0);
  EXPECT_EQ(endpoint.at("port"), port.at("name"));
  EXPECT_EQ(endpoint.at("scheme"), "https");
  EXPECT_TRUE(endpoint.contains("bearerTokenFile"));
  // The job that rules and dashboard go by.
  EXPECT_EQ(service.at("metadata").at("labels").at(monitor.at("spec").at("jobLabel").get<std::string>()),
            "epslice-controller");
  const Json role = OnlyOfKind(objects, "ClusterRole");
  EXPECT_EQ(role.at("rules"), (Json::array({{{"nonResourceURLs", {endpoint.at("path")}}, {"verbs", {"get"}}}})));
  EXPECT_EQ(OnlyOfKind(objects, "ClusterRoleBinding").at("roleRef").at("name"), role.at("metadata").at("name"));
}

TEST(Monitoring, TheDashboardsPanelsDoNotOverlap) {
  const Json dashboard = Dashboard();
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  for (const Json& panel : dashboard.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << panel.at("title");
    const Json& pos = panel.at("gridPos");
    EXPECT_LE(pos.at("x").get<int>() + pos.at("w").get<int>(), 24) << panel.at("title");
    for (int x = 0; x < pos.at("w").get<int>(); ++x) {
      for (int y = 0; y < pos.at("h").get<int>(); ++y) {
        EXPECT_TRUE(taken.insert({pos.at("x").get<int>() + x, pos.at("y").get<int>() + y}).second) << panel.at("title");
      }
    }
  }
}

TEST(Monitoring, Renders) {
  if (!HaveKubectl()) GTEST_SKIP() << "NOT TESTED: no kubectl in PATH that could render manifests/monitoring";
  const std::vector<Json> objects = Kustomize("monitoring");
  EXPECT_EQ(objects.size(), Resources("monitoring").size() + 1);
  const Json config = OnlyOfKind(objects, "ConfigMap");
  EXPECT_EQ(config.at("metadata").at("labels").at("grafana_dashboard"), "1");
  EXPECT_EQ(Json::parse(config.at("data").at("dashboard.json").get<std::string>()), Dashboard());
}

TEST(PromQl, Reads) {
  const PromExpression e = ReadPromQl(
      "histogram_quantile(0.99, sum by (le, pod) (rate(a_bucket{job=\"x\",code=~\"5..|}\"}[5m]))) > 2 * b "
      "and on (pod) max(c:d) or sum(f) without (g)");
  EXPECT_EQ(e.error, "");
  ASSERT_EQ(e.selectors.size(), 4U);
  EXPECT_EQ(e.selectors[0].name, "a_bucket");
  EXPECT_EQ(e.selectors[0].matchers, (std::map<std::string, std::string>{{"job", "x"}, {"code", "5..|}"}}));
  EXPECT_EQ(e.selectors[1].name, "b");
  EXPECT_EQ(e.selectors[2].name, "c:d");
  EXPECT_EQ(e.selectors[3].name, "f");
  EXPECT_EQ(e.functions, (std::set<std::string>{"histogram_quantile", "sum", "rate", "max"}));
  EXPECT_EQ(e.grouping, (std::set<std::string>{"le", "pod", "g"}));
  for (const char* bad : {"sum(a", "a)", "a{b}", "a{b=\"c", "a[5m", "a ; b"}) {
    EXPECT_NE(ReadPromQl(bad).error, "") << bad;
  }
}

TEST(PromQl, ReadsExpositions) {
  const auto series = SeriesOf("# TYPE a counter\na{x=\"1\",y=\"} 2\"} 3\nb 4\n");
  EXPECT_EQ(series, (std::map<std::string, std::set<std::string>>{{"a", {"x", "y"}}, {"b", {}}}));
}

}  // namespace
}  // namespace epslice::manifests

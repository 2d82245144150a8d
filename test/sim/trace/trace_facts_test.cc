// What of a trace's JSON is kept beside the structs.
#include "sim/trace/trace_facts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "apis/concat.h"
#include "apis/json.h"

namespace epslice::sim {
namespace {

std::string FactsPodText(const std::string& spec, const std::string& owners = "") {
  return Concat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop","uid":"u",)",
                R"("ownerReferences":[)", owners, R"(]},"spec":{)", spec, R"(},"status":{}})");
}

AnyObject PodOf(const std::string& text) {
  const absl::StatusOr<AnyObject> object = DecodeObjectJson(Kind::kPod, text, true);
  EXPECT_TRUE(object.ok()) << object.status();
  return object.value_or(AnyObject());
}

std::string Container(const std::string& resources, const std::string& more = "") {
  return Concat(R"({"name":"c","image":"x",)", more, R"("resources":{)", resources, "}}");
}

TEST(TraceFactsTest, CpuAsTheSchedulerCountsIt) {
  const std::string half = R"("requests":{"cpu":"500m"})", one = R"("requests":{"cpu":"1"})";
  const std::string sidecar = Container(half, R"("restartPolicy":"Always",)");
  const struct {
    std::string spec;
    std::int64_t cpu;
  } cases[] = {
      {R"("containers":[)" + Container("") + "]", 0},
      {R"("containers":[)" + Container(half) + "," + Container(one) + "]", 1500},
      {R"("containers":[)" + Container(R"("requests":{"cpu":2})") + "]", 2000},
      {R"("containers":[)" + Container(R"("limits":{"cpu":"1"})") + "]", 1000},
      {R"("containers":[)" + Container(half) + R"(],"overhead":{"cpu":"250m"})", 750},
      // What it starts with, where that is more.
      {R"("initContainers":[)" + Container(one) + R"(],"containers":[)" + Container(half) + "]", 1000},
      {R"("initContainers":[)" + sidecar + "," + Container(one) + R"(],"containers":[)" + Container(half) + "]", 1500},
      {R"("initContainers":[)" + Container(one) + "," + sidecar + R"(],"containers":[)" + Container(one) + "]", 1500},
      {R"("resources":{"requests":{"cpu":"3"}},"containers":[)" + Container(one) + "]", 3000},
      {R"("containers":[)" + Container(R"("requests":{"cpu":"much"})") + "]", 0},
  };
  for (const auto& c : cases) {
    TraceFacts facts;
    const AnyObject pod = PodOf(FactsPodText(c.spec));
    facts.Note(pod);
    const PodFacts* found = facts.Find(*pod.As<Pod>());
    ASSERT_NE(found, nullptr) << c.spec;
    EXPECT_EQ(found->cpu_milli, c.cpu) << c.spec;
    facts.Forget(*pod.As<Pod>());
    EXPECT_EQ(facts.Find(*pod.As<Pod>()), nullptr);
  }
}

TEST(TraceFactsTest, PodsWithoutUidAreForgottenToo) {
  TraceFacts facts;
  std::string text = FactsPodText(R"("containers":[)" + Container("") + "]");
  text.erase(text.find(R"("uid":"u",)"), 10);
  const AnyObject told = PodOf(text);
  facts.Note(told);
  // A server gives it a uid.
  Pod pod = *told.As<Pod>();
  pod.metadata.uid = Text("u-1");
  EXPECT_NE(facts.Find(pod), nullptr);
  facts.Forget(pod);
  EXPECT_EQ(facts.Find(pod), nullptr);
}

// Dumps that somebody wrote by hand, or cleaned, have no images.
TEST(TraceFactsTest, PodsWithoutImages) {
  const std::string owner = R"({"kind":"DaemonSet","name":"o","controller":true})";
  const struct {
    const char* what;
    std::string spec, owners;
    bool known;
  } cases[] = {{"requests", R"("containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}])", "", true},
               {"an owner", R"("containers":[{"name":"c"}])", owner, true},
               {"nothing", R"("containers":[{"name":"c"}])", "", false}};
  for (const auto& c : cases) {
    TraceFacts facts;
    std::string text = FactsPodText(c.spec, c.owners);
    if (c.owners.empty()) text.erase(text.find(R"(,"ownerReferences":[])"), 21);
    const AnyObject pod = PodOf(text);
    facts.Note(pod);
    EXPECT_EQ(facts.Find(*pod.As<Pod>()) != nullptr, c.known) << c.what;
    EXPECT_EQ(facts.has_daemons(), !c.owners.empty()) << c.what;
  }
}

TEST(TraceFactsTest, NoSumOverflows) {
  std::string containers;
  for (int i = 0; i < 1000; ++i) containers += Concat(i == 0 ? "" : ",", Container(R"("requests":{"cpu":"9e15"})"));
  TraceFacts facts;
  const AnyObject pod = PodOf(FactsPodText(R"("containers":[)" + containers + "]"));
  facts.Note(pod);
  ASSERT_NE(facts.Find(*pod.As<Pod>()), nullptr);
  // A million of them on a node.
  EXPECT_LT(facts.Find(*pod.As<Pod>())->cpu_milli, std::numeric_limits<std::int64_t>::max() / 1'000'000);
}

TEST(TraceFactsTest, OwnersAndWhatIsNotKnown) {
  const std::string spec = R"("containers":[)" + Container("") + "]";
  const auto owner = [](const std::string& kind, bool controller) {
    return Concat(R"({"kind":")", kind, R"(","name":"o","controller":)", controller ? "true" : "false", "}");
  };
  const struct {
    std::string owners;
    PodOwner expected;
  } cases[] = {{"", PodOwner::kNone},
               {owner("ReplicaSet", true), PodOwner::kOther},
               {owner("DaemonSet", false), PodOwner::kNone},
               {owner("X", false) + "," + owner("DaemonSet", true), PodOwner::kDaemonSet},
               {owner("StatefulSet", true), PodOwner::kStatefulSet},
               {owner("Node", true), PodOwner::kNode}};
  for (const auto& c : cases) {
    TraceFacts facts;
    const AnyObject pod = PodOf(FactsPodText(spec, c.owners));
    facts.Note(pod);
    ASSERT_NE(facts.Find(*pod.As<Pod>()), nullptr) << c.owners;
    EXPECT_EQ(facts.Find(*pod.As<Pod>())->owner, c.expected) << c.owners;
    EXPECT_EQ(facts.has_daemons(), c.expected == PodOwner::kDaemonSet);
  }
  // Made from a struct: containers without images.
  TraceFacts facts;
  const AnyObject pod = PodOf(FactsPodText(R"("containers":[{"name":"c"}])"));
  facts.Note(pod);
  EXPECT_EQ(facts.Find(*pod.As<Pod>()), nullptr);
}

TEST(TraceFactsTest, AReaderNotesThemAndDropsTheJson) {
  const std::string pod = FactsPodText(R"("containers":[)" + Container(R"("requests":{"cpu":"1"})") + "]");
  const std::string node =
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"status":{"allocatable":{"cpu":"4","pods":"250"}}})";
  const std::string watch = R"({"type":"ADDED","object":)";
  for (const std::string& text : {pod + node, watch + pod + "}\n" + watch + node + "}\n"}) {
    for (const bool keep : {false, true}) {
      TraceFacts facts;
      TraceOptions options;
      options.facts = &facts;
      options.keep_json = keep;
      auto reader = OpenTraceText("t", text, options);
      ASSERT_TRUE(reader.ok()) << reader.status();
      TraceEvent event;
      int objects = 0;
      while ((*reader)->Next(&event).value_or(false)) {
        ++objects;
        EXPECT_EQ(event.object.json() != nullptr, keep);
      }
      EXPECT_EQ(objects, 2);
      EXPECT_EQ(facts.PlacesOf(Text("n")), 250);
      ASSERT_NE(facts.Find(*PodOf(pod).As<Pod>()), nullptr);
      EXPECT_EQ(facts.Find(*PodOf(pod).As<Pod>())->cpu_milli, 1000);
    }
  }
}

}  // namespace
}  // namespace epslice::sim

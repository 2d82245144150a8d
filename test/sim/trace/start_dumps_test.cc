#include "sim/trace/start_dumps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/concat.h"
#include "apis/json.h"
#include "apis/time_format.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Shown {
  Kind kind;
  std::string namespace_, name, uid;
  int version;
};

std::vector<AnyObject> Objects(const std::vector<Shown>& all) {
  std::vector<AnyObject> objects;
  for (const Shown& shown : all) {
    const std::string meta = Concat(R"("name":")", shown.name, R"(","namespace":")", shown.namespace_, R"(","uid":")",
                                    shown.uid, R"(","resourceVersion":")", shown.version, "\"");
    const absl::StatusOr<AnyObject> object =
        DecodeObjectJson(shown.kind,
                         Concat(R"({"apiVersion":")", InfoOf(shown.kind).apiVersion, R"(","kind":")",
                                InfoOf(shown.kind).name, R"(","metadata":{)", meta, "}}"),
                         /*keep_json=*/false);
    EXPECT_TRUE(object.ok()) << object.status();
    if (object.ok()) objects.push_back(*object);
  }
  return objects;
}

struct Chosen {
  std::vector<std::string> objects;  // "pods shop/a 7"
  std::int64_t later = 0, twice = 0;
  std::vector<std::string> notes;
};

Chosen Choose(const std::vector<std::vector<Shown>>& files) {
  std::vector<DumpFile> dumps;
  for (const auto& file : files) dumps.push_back({Concat("file", dumps.size()), Objects(file), nullptr});
  TraceSummary summary;
  Chosen chosen;
  for (const AnyObject& object : ChooseStartState(std::move(dumps), {}, nullptr, &summary).objects) {
    chosen.objects.push_back(Concat(InfoOf(object.kind()).resource, " ", KeyOf(object.meta()).ToString(), " ",
                                    object.meta().resourceVersion.view()));
  }
  for (const auto& [why, count] : summary.skipped) {
    (why == "objects of later dumps" ? chosen.later : chosen.twice) += count;
  }
  chosen.notes = summary.notes;
  return chosen;
}

constexpr Kind kPod = Kind::kPod, kNode = Kind::kNode, kService = Kind::kService;

TEST(StartDumpsTest, FilesThatCompleteEachOtherAreOneState) {
  const Chosen kinds = Choose({{{kPod, "shop", "a", "u1", 7}}, {{kNode, "", "n1", "u2", 900}}});
  EXPECT_THAT(kinds.objects, ElementsAre("nodes n1 900", "pods shop/a 7"));
  EXPECT_THAT(kinds.notes, IsEmpty());
  // One namespace after another, the nodes with each.
  const Chosen namespaces = Choose({{{kPod, "shop", "a", "u1", 7}, {kNode, "", "n1", "u2", 5}},
                                    {{kPod, "bank", "b", "u3", 8}, {kNode, "", "n1", "u2", 9}}});
  EXPECT_THAT(namespaces.objects, ElementsAre("nodes n1 5", "pods bank/b 8", "pods shop/a 7"));
  EXPECT_EQ(namespaces.later, 1);
  // Parts by label: who cannot know is told.
  const Chosen labels = Choose({{{kPod, "shop", "a", "u1", 7}}, {{kPod, "shop", "b", "u2", 8}}});
  EXPECT_THAT(labels.objects, ElementsAre("pods shop/a 7", "pods shop/b 8"));
  EXPECT_THAT(labels.notes, ElementsAre(HasSubstr("file1 has no object in common with another file")));
}

TEST(StartDumpsTest, ALaterStateIsPassedOver) {
  const std::vector<Shown> early = {{kPod, "shop", "a", "u1", 7}, {kService, "shop", "web", "u2", 5}};
  const std::vector<Shown> late = {
      {kPod, "shop", "a", "u1", 9}, {kPod, "new", "c", "u3", 10}, {kService, "shop", "web", "u2", 5}};
  for (const auto& files : {std::vector{early, late}, std::vector{late, early}}) {
    const Chosen chosen = Choose(files);
    EXPECT_THAT(chosen.objects, ElementsAre("pods shop/a 7", "services shop/web 5"));
    EXPECT_EQ(chosen.later, 3);
  }
  // Made anew under its name.
  EXPECT_THAT(Choose({early, {{kPod, "shop", "a", "u8", 9}}}).objects,
              ElementsAre("pods shop/a 7", "services shop/web 5"));
}

TEST(StartDumpsTest, AllPodsOfALaterStateMayBeOthers) {
  const Chosen chosen = Choose({{{kPod, "shop", "b", "u9", 30}},
                                {{kNode, "", "n1", "u2", 40}},
                                {{kPod, "shop", "a", "u1", 7}},
                                {{kNode, "", "n1", "u2", 8}}});
  EXPECT_THAT(chosen.objects, ElementsAre("nodes n1 8", "pods shop/a 7"));
  EXPECT_EQ(chosen.later, 2);
  EXPECT_THAT(chosen.notes, IsEmpty());
}

TEST(StartDumpsTest, OfManifestsTheFirstOfANameCounts) {
  const Chosen chosen =
      Choose({{{kPod, "shop", "a", "", 0}}, {{kPod, "shop", "a", "", 0}, {kPod, "shop", "b", "", 0}}});
  EXPECT_THAT(chosen.objects, ElementsAre("pods shop/a 0", "pods shop/b 0"));
  EXPECT_EQ(chosen.twice, 1);
  EXPECT_THAT(chosen.notes, IsEmpty());
}

AnyObject CreatedAt(Kind kind, const std::string& name, int version, const std::string& created) {
  const absl::StatusOr<AnyObject> object =
      DecodeObjectJson(kind,
                       Concat(R"({"apiVersion":"v1","kind":")", InfoOf(kind).name, R"(","metadata":{"name":")", name,
                              R"(","namespace":"shop","uid":"u-)", name, R"(","resourceVersion":")", version,
                              R"(","creationTimestamp":")", created, "\"}}"),
                       /*keep_json=*/false);
  EXPECT_TRUE(object.ok()) << object.status();
  return object.value_or(AnyObject());
}

// A log that begins at 10:00 and says nothing of nodes, with a dump made when it
// was over.
TEST(StartDumpsTest, WhatOnlyTheDumpTellsMayComeLater) {
  const Timestamp begin = *ParseRfc3339("2026-01-01T10:00:00Z");
  TraceSummary summary;
  StartState state = ChooseStartState(
      {{"all",
        {CreatedAt(kNode, "n2", 70, "2026-01-01T10:05:00Z"), CreatedAt(kPod, "p", 80, "2026-01-01T10:06:00Z"),
         CreatedAt(kService, "web", 60, "2026-01-01T10:04:00Z")},
        nullptr}},
      begin, nullptr, &summary);
  EXPECT_TRUE(state.objects.empty());
  ASSERT_EQ(state.later.size(), 2u);
  EXPECT_EQ(state.later[0].meta().name, "n2");
  EXPECT_EQ(state.later[1].meta().name, "web");
  EXPECT_EQ(state.version, 0u);
  EXPECT_EQ(summary.skipped[std::string(kToldByEvents)], 1);

  // Nodes are older than the log, but what changed of them since says nothing of the
  // log's pods and Services.
  state = ChooseStartState({{"nodes", {CreatedAt(kNode, "n1", 900, "2025-01-01T10:00:00Z")}, nullptr}}, begin, nullptr,
                           &summary);
  EXPECT_EQ(state.objects.size(), 1u);
  EXPECT_EQ(state.version, 0u);
  state = ChooseStartState({{"nodes", {CreatedAt(kNode, "n1", 900, "2025-01-01T10:00:00Z")}, nullptr},
                            {"pods", {CreatedAt(kPod, "p", 80, "2025-01-01T10:06:00Z")}, nullptr}},
                           begin, nullptr, &summary);
  EXPECT_EQ(state.objects.size(), 2u);
  EXPECT_EQ(state.version, 80u);
}

}  // namespace
}  // namespace epslice::sim

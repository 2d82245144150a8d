// kwok recordings: a snapshot and patches, in the order of their times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "apis/concat.h"
#include "test/sim/trace/trace_testing.h"

namespace epslice::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(KwokTest, SnapshotAndPatches) {
  const ReadTrace read = ReadText(R"yaml(apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, creationTimestamp: "$(time-offset-nanosecond -5000000000)"}
spec: {}
---
kind: ResourcePatch
resource: {version: v1, resource: pods}
target: {name: a, namespace: shop}
durationNanosecond: 1500000000
method: patch
template: {spec: {nodeName: n1}}
---
kind: ResourcePatch
resource: {version: v1, resource: pods}
target: {name: a, namespace: shop}
durationNanosecond: 2000000000
method: delete
)yaml");
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a 00:00:00Z", "MODIFIED Pod shop/a node n1 00:00:01.5Z",
                                       "DELETED Pod shop/a node n1 00:00:02Z"));
}

std::string KwokPatch(const std::string& nanos, const std::string& method, const std::string& more = "") {
  return Concat("---\nkind: ResourcePatch\nresource: {version: v1, resource: pods}\n",
                "target: {name: a, namespace: shop}\ndurationNanosecond: ", nanos, "\nmethod: ", method, "\n", more);
}
constexpr char kKwokPod[] =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, creationTimestamp: "
    "\"$(time-offset-nanosecond -5)\"}\nspec: {}\n";

TEST(KwokTest, ChangesAreAppliedInTheOrderOfTheirTimes) {
  const ReadTrace read = ReadText(
      Concat(kKwokPod, KwokPatch("3", "patch", "template: {spec: {nodeName: n1}}\n"), KwokPatch("2", "delete")));
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre(HasSubstr("start ADDED Pod shop/a"), HasSubstr("DELETED Pod shop/a")));
  EXPECT_EQ(read.summary.skipped.at("patches of objects that were not shown before"), 1);
}

TEST(KwokTest, ErrorsNameTheLineOfTheKey) {
  const struct {
    std::string text, error;
  } kCases[] = {
      {KwokPatch("soon", "delete"), "t: line 9: durationNanosecond: is no number"},
      {KwokPatch("1", "rename"), "t: line 10: method: \"rename\""},
      {KwokPatch("1", "patch", "template:\n  metadata: {}\n  spec:\n    nodeName: [1]\n"), "t: line 14: "},
      {"---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: shop}\nspec:\n  nodeName: [1]\n",
       "t: line 10: "},
  };
  for (const auto& c : kCases)
    EXPECT_THAT(ReadText(Concat(kKwokPod, c.text, KwokPatch("2", "delete"))).error, HasSubstr(c.error));
}

TEST(KwokTest, JsonDocumentsBetweenMarks) {
  const ReadTrace read = ReadText(R"yaml({
  "kind": "Pod", "apiVersion": "v1",
  "metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "$(time-offset-nanosecond -5)"}
}
---
{
  "kind": "ResourcePatch",
  "resource": {"version": "v1", "resource": "pods"},
  "method": "delete",
  "target": {"name": "a", "namespace": "shop"},
  "durationNanosecond": 2000000000
}
---
)yaml");
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.events, ElementsAre("start ADDED Pod shop/a 00:00:00Z", "DELETED Pod shop/a 00:00:02Z"));
  EXPECT_TRUE(read.summary.skipped.empty());
}

}  // namespace
}  // namespace epslice::sim

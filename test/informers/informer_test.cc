#include "informers/informer.h"

#include <gtest/gtest.h>

#include <string>

#include "apis/core.h"

namespace epslice {
namespace {

AnyObject MakeANode(std::string_view name, std::string_view version, std::string_view uid = "u") {
  Node node;
  node.metadata.name = name;
  node.metadata.resourceVersion = version;
  node.metadata.uid = uid;
  return AnyObject::Of(std::move(node));
}

AnyObject MakeAPod() {
  Pod pod;
  pod.metadata.name = "p";
  pod.metadata.resourceVersion = "1";
  return AnyObject::Of(std::move(pod));
}

std::string Describe(const std::vector<Change<Node>>& changes) {
  std::string out;
  for (const auto& c : changes) {
    out += c.any().metadata.name.str() + ":" + (c.before ? c.before->metadata.resourceVersion.str() : "-") + ">" +
           (c.after ? c.after->metadata.resourceVersion.str() : "-") + " ";
  }
  return out;
}

TEST(Informer, AppliesUpdatesInOrder) {
  Informer<Node> informer;
  EXPECT_FALSE(informer.synced());
  EXPECT_EQ(
      Describe(informer.Apply({.replace = true, .applied = {MakeANode("b", "1"), MakeANode("a", "2")}, .deleted = {}})),
      "a:->2 b:->1 ");
  EXPECT_TRUE(informer.synced());
  const struct {
    const char* name;
    WatchUpdate update;
    const char* want;
  } kSteps[] = {
      {"nothing", {}, ""},
      {"new and newer",
       {false, {MakeANode("c", "3"), MakeANode("a", "4"), MakeANode("a", "5")}, {}},
       "c:->3 a:2>4 a:4>5 "},
      {"the same again", {false, {MakeANode("a", "5")}, {}}, ""},
      {"the same version of another object", {false, {MakeANode("a", "5", "u2")}, {}}, "a:5>5 "},
      {"gone and back", {false, {MakeANode("c", "7")}, {MakeANode("c", "6")}}, "c:3>- c:->7 "},
      {"the end of what was not there", {false, {}, {MakeANode("x", "8")}}, ""},
      {"another kind", {false, {MakeAPod()}, {MakeAPod()}}, ""},
      {"a relist", {true, {MakeANode("b", "1"), MakeANode("d", "9")}, {}}, "a:5>- c:7>- d:->9 "},
  };
  for (const auto& s : kSteps) EXPECT_EQ(Describe(informer.Apply(s.update)), s.want) << s.name;
  EXPECT_EQ(informer.store().size(), 2u);
}

TEST(Informer, AsksForItsOwnKind) {
  Informer<Node> informer({.namespace_ = "", .label_selector = "a=b", .field_selector = ""}, 7);
  const Watcher::Action action = informer.watcher().Next(Instant(0));
  EXPECT_EQ(action.kind, Watcher::Action::Kind::kList);
  EXPECT_EQ(action.request.kind, Kind::kNode);
  EXPECT_EQ(action.request.list.labelSelector, "a=b");
}

}  // namespace
}  // namespace epslice

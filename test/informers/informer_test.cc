#include "informers/informer.h"

#include <gtest/gtest.h>

#include <string>

#include "apis/core.h"

namespace epslice {
namespace {

AnyObject MakeNode(std::string_view name, std::string_view version, std::string_view uid = "u") {
  Node node;
  node.metadata.name = name;
  node.metadata.resourceVersion = version;
  node.metadata.uid = uid;
  return AnyObject::Of(std::move(node));
}

AnyObject MakePodObject() {
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
      Describe(informer.Apply({.replace = true, .applied = {MakeNode("b", "1"), MakeNode("a", "2")}, .deleted = {}})),
      "a:->2 b:->1 ");
  EXPECT_TRUE(informer.synced());
  const struct {
    const char* name;
    WatchUpdate update;
    const char* want;
  } kSteps[] = {
      {"nothing", {}, ""},
      {"new and newer",
       {false, {MakeNode("c", "3"), MakeNode("a", "4"), MakeNode("a", "5")}, {}},
       "c:->3 a:2>4 a:4>5 "},
      {"the same again", {false, {MakeNode("a", "5")}, {}}, ""},
      {"the same version of another object", {false, {MakeNode("a", "5", "u2")}, {}}, "a:5>5 "},
      {"gone and back", {false, {MakeNode("c", "7")}, {MakeNode("c", "6")}}, "c:3>- c:->7 "},
      {"the end of what was not there", {false, {}, {MakeNode("x", "8")}}, ""},
      {"another kind", {false, {MakePodObject()}, {MakePodObject()}}, ""},
      {"a relist", {true, {MakeNode("b", "1"), MakeNode("d", "9")}, {}}, "a:5>- c:7>- d:->9 "},
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

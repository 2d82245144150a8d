#include "apis/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(MatchesLabelsTest, NeedsEveryPair) {
  const StringMap labels({{"app", "web"}, {"tier", "front"}, {"zone", ""}});
  const struct {
    StringMap match;
    bool matches;
  } cases[] = {
      {StringMap(), true},
      {StringMap({{"app", "web"}}), true},
      {StringMap({{"zone", ""}}), true},
      {StringMap({{"app", "web"}, {"zone", ""}}), true},
      {labels, true},
      {StringMap({{"app", "db"}}), false},
      {StringMap({{"app", ""}}), false},
      {StringMap({{"other", ""}}), false},
      {StringMap({{"aaa", "web"}}), false},
      {StringMap({{"zzz", "web"}}), false},
      {StringMap({{"app", "web"}, {"tier", "back"}}), false},
      {labels.With("more", "x"), false},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(MatchesLabels(cases[i].match, labels), cases[i].matches) << i;
  }
  EXPECT_TRUE(MatchesLabels(StringMap(), StringMap()));
  EXPECT_FALSE(MatchesLabels(labels, StringMap()));
}

TEST(LabelSelectorTest, Matches) {
  const StringMap labels({{"a", "1"}, {"b", ""}, {"in", "notin"}, {"n", "10"}, {"example.com/x", "y"}});
  const struct {
    const char* selector;
    bool matches;
  } cases[] = {
      {"", true},
      {"  ", true},
      {"a", true},
      {"z", false},
      {"!a", false},
      {"!z", true},
      {"! z", true},
      {"a=1", true},
      {"a==1", true},
      {" a  = 1 ", true},
      {"a=2", false},
      {"a!=1", false},
      {"a!=2", true},
      {"z!=1", true},
      {"b=", true},
      {"b", true},
      {"a=", false},
      {"b!=", false},
      {"a=1,b=", true},
      {"b=,a=1", true},
      {"a=1,z", false},
      {"a in (1,2)", true},
      {"a in(2 , 1)", true},
      {"a in (2,3)", false},
      {"a notin (2,3)", true},
      {"a notin (1)", false},
      {"z notin (1)", true},
      {"z in (1)", false},
      {"b in (,x)", true},
      {"b in (x,)", true},
      {"b in (x,,y)", true},
      {"b in (,)", true},
      {"b in (x)", false},
      {"in in (notin)", true},
      {"in=notin", true},
      {"in", true},
      {"n>9", true},
      {"n>10", false},
      {"n<11", true},
      {"in>3", false},
      {"z>3", false},
      {"example.com/x=y,a in (1),!q,n>1", true},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<LabelSelector> selector = LabelSelector::Parse(c.selector);
    ASSERT_TRUE(selector.ok()) << selector.status();
    EXPECT_EQ(selector->Matches(labels), c.matches) << c.selector;
  }
  EXPECT_TRUE(LabelSelector().Matches(labels));
}

TEST(LabelSelectorTest, KeepsRequirementsInOrder) {
  const absl::StatusOr<LabelSelector> selector = LabelSelector::Parse("x in (c,a,b,a),!w");
  ASSERT_TRUE(selector.ok());
  ASSERT_EQ(selector->requirements().size(), 2u);
  EXPECT_EQ(selector->requirements()[0].key, "x");
  EXPECT_THAT(selector->requirements()[0].values, ElementsAre("a", "b", "c"));
  EXPECT_EQ(selector->requirements()[1].op, LabelRequirement::Op::kDoesNotExist);
}

TEST(LabelSelectorTest, RefusesWithTheReason) {
  const struct {
    std::string selector;
    const char* why;
  } cases[] = {
      {",", "a label key"},
      {"a,", "a label key"},
      {",a", "a label key"},
      {"a=1,,b", "a label key"},
      {"=1", "a label key"},
      {"!", "after '!'"},
      {"!!a", "after '!'"},
      {"!a=1", "',' or the end"},
      {"a b", "one of ="},
      {"a=1 2", "',' or the end"},
      {"a===1", "a label value"},
      {"a in", "'('"},
      {"a in 1", "'('"},
      {"a in (", "',' or ')'"},
      {"a in ()", "must not be empty"},
      {"a in (1", "',' or ')'"},
      {"a in (1 2)", "',' or ')'"},
      {"a in (1))", "',' or the end"},
      {"a in ((1))", "',' or ')'"},
      {"a>", "no integer"},
      {"a>b", "no integer"},
      {"a>1.5", "no integer"},
      {"a>99999999999999999999", "no integer"},
      {"a=b/c", "no label value"},
      {"a>-3", "no label value"},
      {"-a", "no label key"},
      {"a/b/c=1", "no label key"},
      {std::string(70'000, 'a'), "longer than"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<LabelSelector> selector = LabelSelector::Parse(c.selector);
    ASSERT_FALSE(selector.ok()) << c.selector;
    EXPECT_EQ(selector.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(selector.status().ToString(), HasSubstr(c.why)) << c.selector;
    EXPECT_LT(selector.status().message().size(), 700u);
  }
}

std::string Print(const std::vector<FieldRequirement>& requirements) {
  std::string out;
  for (const FieldRequirement& r : requirements) out += r.field + (r.negated ? "!=" : "=") + "[" + r.value + "]";
  return out;
}

TEST(FieldSelectorTest, Parses) {
  const struct {
    const char* selector;
    const char* want;
  } cases[] = {
      {"", ""},
      {"metadata.name=x", "metadata.name=[x]"},
      {"metadata.name==x", "metadata.name=[x]"},
      {"spec.nodeName!=y", "spec.nodeName!=[y]"},
      {"spec.nodeName=", "spec.nodeName=[]"},
      {"a=1,b!=2,,c=3,", "a=[1]b!=[2]c=[3]"},
      {"a=x\\,y\\=z\\\\", "a=[x,y=z\\]"},
      {"a=x!", "a=[x!]"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(c.selector);
    ASSERT_TRUE(fields.ok()) << fields.status();
    EXPECT_EQ(Print(*fields), c.want) << c.selector;
  }
}

TEST(FieldSelectorTest, Refuses) {
  for (const std::string& selector :
       {std::string("a"), std::string("=x"), std::string("!=x"), std::string("a===x"), std::string("a=b=c"),
        std::string("a=\\n"), std::string("a=\\"), std::string("a=1,b"), std::string(70'000, 'a')}) {
    const absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(selector);
    ASSERT_FALSE(fields.ok()) << selector;
    EXPECT_EQ(fields.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace epslice

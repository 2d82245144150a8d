#include "controllers/topologyhints/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/controllers/builders.h"

namespace epslice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testkit::ServiceBuilder;

TEST(ParseShareTest, Cases) {
  struct Case {
    std::string text;
    Millionths value;  // -1: refused
  };
  for (const Case& c : std::vector<Case>{{"0", 0},
                                         {"0.2", 200'000},
                                         {".5", 500'000},
                                         {"1", kOne},
                                         {"1.", kOne},
                                         {"20%", 200'000},
                                         {"33.3334%", 333'334},
                                         {"100%", kOne},
                                         {"0.000001", 1},
                                         {"0001", kOne},
                                         {"1.000001", -1},
                                         {"101%", -1},
                                         {"0.0000001", -1},
                                         {"0.00001%", -1},
                                         {"", -1},
                                         {"%", -1},
                                         {".", -1},
                                         {"-0.1", -1},
                                         {"+1", -1},
                                         {"1e1", -1},
                                         {"0.1.2", -1},
                                         {" 1", -1},
                                         {"NaN", -1},
                                         {"99999999999999999999999999999", -1},
                                         {"0.2%%", -1}}) {
    const absl::StatusOr<Millionths> value = ParseShare(c.text, kOne);
    EXPECT_EQ(value.ok() ? *value : -1, c.value) << c.text;
    if (!value.ok()) {
      EXPECT_THAT(std::string(value.status().message()), HasSubstr("such as 0.2 or 20%"));
    }
  }
  EXPECT_EQ(*ParseShare("100", kMaxThreshold), kMaxThreshold);
  EXPECT_FALSE(ParseShare("100.1", kMaxThreshold).ok());
}

TEST(ParseShareTest, FormatsAsItReads) {
  for (const std::string text : {"0%", "20%", "33.3334%", "0.01%", "100%", "12.5%"}) {
    EXPECT_EQ(FormatShare(*ParseShare(text, kOne)), text);
  }
}

TEST(HintsOptionsTest, AnnotationsGoBeforeFlags) {
  HintsOptions defaults;
  defaults.unknown_nodes = 1;
  const Service plain = ServiceBuilder().service;
  EXPECT_EQ(HintsOptionsOf(plain, defaults).options, defaults);

  const Service both = ServiceBuilder()
                           .Annotation("epslice.dev/hints-policy", "resilient")
                           .Annotation("epslice.dev/hints-overload-threshold", "0.35")
                           .service;
  const ServiceHintsOptions of_both = HintsOptionsOf(both, defaults);
  EXPECT_EQ(of_both.options.policy, HintsPolicy::kResilient);
  EXPECT_EQ(of_both.options.overload_threshold, 350'000);
  EXPECT_EQ(of_both.options.unknown_nodes, 1);
  EXPECT_TRUE(of_both.policy_from_annotation && of_both.threshold_from_annotation);
  EXPECT_THAT(of_both.ignored, IsEmpty());

  const Service bad = ServiceBuilder()
                          .Annotation("epslice.dev/hints-policy", "Resilient")
                          .Annotation("epslice.dev/hints-overload-threshold", "lots")
                          .service;
  const ServiceHintsOptions of_bad = HintsOptionsOf(bad, defaults);
  EXPECT_EQ(of_bad.options, defaults);
  EXPECT_THAT(of_bad.ignored,
              ElementsAre(HasSubstr("epslice.dev/hints-policy: \"Resilient\" is not one of reference, resilient"),
                          HasSubstr("epslice.dev/hints-overload-threshold: \"lots\" is not a number from 0 to 100")));
}

}  // namespace
}  // namespace epslice

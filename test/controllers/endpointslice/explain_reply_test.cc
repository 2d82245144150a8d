#include "controllers/endpointslice/explain_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/topologyhints/explain_report.h"
#include "test/controllers/endpointslice/controller_fixture.h"

namespace epslice {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using testkit::PodBuilder;
using testkit::ServiceBuilder;

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(MakeExplainQueryTest, Queries) {
  struct Case {
    Parameters parameters;
    std::string service;
    bool json;
  };
  for (const Case& c : std::vector<Case>{{{}, "", false},
                                         {{{"service", "shop/web"}}, "shop/web", false},
                                         {{{"service", "shop/web"}, {"output", "json"}}, "shop/web", true},
                                         {{{"output", "text"}, {"service", "web"}}, "web", false}}) {
    const absl::StatusOr<ExplainQuery> query = MakeExplainQuery(c.parameters);
    ASSERT_TRUE(query.ok()) << query.status();
    EXPECT_EQ(query->service, c.service);
    EXPECT_EQ(query->json, c.json);
  }
  for (const Parameters& bad : std::vector<Parameters>{{{"output", "xml"}},
                                                       {{"service", "a"}, {"service", "b"}},
                                                       {{"name", "a"}},
                                                       {{std::string(2000, 'a'), ""}}}) {
    const absl::Status status = MakeExplainQuery(bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("accepted are service=[NAMESPACE/]NAME"));
    EXPECT_LT(status.message().size(), 300U);
  }
}

class ExplainReplyTest : public testkit::ServiceControllerTest {
 protected:
  ExplainReplyTest() {
    PutNode("a1", "zone-a");
    PutNode("b1", "zone-b");
    PutNode("c1", "zone-c");
    PutService(ServiceBuilder().Annotation(std::string(kAnnotationTopologyMode), "Auto"));
    PutPod(PodBuilder("web-0", "10.0.0.1").Node("a1"));
    PutPod(PodBuilder("other", "10.0.0.2").Node("a1").Labels({{Text("app"), Text("db")}}));
    ServiceBuilder external("external");
    external.service.spec.type = Text("ExternalName");
    PutService(external);
    controller_.Start(now_);
  }

  ExplainAnswer Ask(const std::string& service, bool json = false) {
    return ExplainReply({service, json}, TakeExplainSnapshot(controller_, service));
  }
};

TEST_F(ExplainReplyTest, OneService) {
  WorkAll();
  const ExplainAnswer text = Ask("shop/web");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_THAT(text.body,
              HasSubstr("shop/web, IPv4: hints are OFF although they are asked for (InsufficientEndpoints)"));
  const ExplainAnswer json = Ask("web", true);
  EXPECT_EQ(json.content_type, "application/json");
  const Json explanation = Json::parse(json.body);
  EXPECT_EQ(explanation["apiVersion"], "epslice.dev/v1");
  EXPECT_EQ(explanation["kind"], "Explanation");
  EXPECT_EQ(explanation["inVain"], true);
  EXPECT_EQ(explanation["addressTypes"][0]["pods"].size(), 1U) << "the pods of its selector only";
  EXPECT_EQ(explanation["addressTypes"][0]["blockers"][0]["code"], "InsufficientEndpoints");
  const Json unmanaged = Json::parse(Ask("external", true).body);
  EXPECT_EQ(unmanaged["managed"], false);
  EXPECT_EQ(unmanaged["unmanaged"], "ExternalName");
}

TEST_F(ExplainReplyTest, AllServices) {
  const Json list = Json::parse(Ask("", true).body);
  EXPECT_EQ(list["kind"], "ExplanationList");
  EXPECT_EQ(list["skippedServices"], 1);
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(list["items"][0]["fix"], "+2 endpoints");
  EXPECT_THAT(Ask("").body, HasSubstr("1 of 1 Service asks for hints in vain"));
}

TEST_F(ExplainReplyTest, ErrorsAreSaidInTheSameForm) {
  const ExplainAnswer text = Ask("webb");
  EXPECT_EQ(text.status, 404);
  EXPECT_EQ(text.body, "there is no Service \"webb\"; did you mean shop/web?\n");
  const ExplainAnswer json = Ask("webb", true);
  EXPECT_EQ(json.status, 404);
  EXPECT_THAT(std::string(Json::parse(json.body)["error"]), HasSubstr("did you mean"));
  ServiceBuilder twin;
  twin.service.metadata.namespace_ = Text("zoo");
  PutService(twin);
  EXPECT_EQ(Ask("web").status, 400);
}

// A snapshot stays what it was while the stores move on.
TEST_F(ExplainReplyTest, SnapshotsStay) {
  const ExplainQuery query{"web", true};
  const ExplainSnapshot snapshot = TakeExplainSnapshot(controller_, query.service);
  const std::string before = ExplainReply(query, snapshot).body;
  PutNode("d1", "zone-d");
  PutPod(PodBuilder("web-1", "10.0.0.3").Node("b1"));
  WorkAll();
  EXPECT_EQ(ExplainReply(query, snapshot).body, before);
  EXPECT_NE(Ask("web", true).body, before);
}

}  // namespace
}  // namespace epslice

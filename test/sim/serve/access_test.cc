// Who may do what: from HTTP requests to answers, without sockets.
#include "sim/serve/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "sim/serve/api_handler.h"
#include "sim/serve/request_attributes.h"

namespace epslice::sim {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

// As one line: "list apps/v1 pods/status x in ns", or "get /path".
std::string Line(const AccessAttributes& a) {
  if (!a.is_resource) return a.verb + " " + a.path;
  std::string line = a.verb + " " + (a.group.empty() ? "" : a.group + "/") + a.version + " " + a.resource;
  if (!a.subresource.empty()) line += "/" + a.subresource;
  if (!a.name.empty()) line += " " + a.name;
  return a.namespace_.empty() ? line : line + " in " + a.namespace_;
}

TEST(RequestAttributesTest, OfMethodAndTarget) {
  struct Case {
    const char* method;
    const char* target;
    const char* line;
  };
  const std::vector<Case> cases = {
      {"GET", "/api/v1/pods", "list v1 pods"},
      {"GET", "/api/v1/pods?watch=1", "watch v1 pods"},
      {"GET", "/api/v1/pods?watch=false", "list v1 pods"},
      {"GET", "/api/v1/namespaces/shop/pods/p", "get v1 pods p in shop"},
      {"HEAD", "/api/v1/namespaces/shop/pods/p?watch=1", "get v1 pods p in shop"},
      {"PUT", "/api/v1/namespaces/shop/pods/p/status", "update v1 pods/status p in shop"},
      {"POST", "/api/v1/namespaces/shop/pods/p/eviction", "create v1 pods/eviction p in shop"},
      {"DELETE", "/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Dp", "deletecollection v1 pods in shop"},
      {"GET", "/api/v1/namespaces", "list v1 namespaces"},
      {"GET", "/api/v1/namespaces/shop", "get v1 namespaces shop in shop"},
      {"PATCH", "/api/v1/namespaces/shop/status", "patch v1 namespaces/status shop in shop"},
      {"GET", "/apis/coordination.k8s.io/v1/namespaces/a/leases?fieldSelector=metadata.name%3Dl&watch=true",
       "watch coordination.k8s.io/v1 leases l in a"},
      {"GET", "/apis/x.io/v1/things?fieldSelector=metadata.name%21%3Dl", "list x.io/v1 things"},
      {"GET", "/apis/x.io/v1/things?fieldSelector=metadata.name%3D%2E%2E", "list x.io/v1 things"},
      {"GET", "/apis/x.io/v1/things/a%2541", "get x.io/v1 things a%41"},
      {"GET", "/api", "get /api"},
      {"GET", "/api/v1", "get /api/v1"},
      {"GET", "/apis/x.io/v1", "get /apis/x.io/v1"},
      {"POST", "/", "post /"},
      {"GET", "/version/?x=y", "get /version/"},
      {"GET", "/a%2Fb", "get /a/b"},
      {"GET", "/a%zz", "get /a%zz"},
      {"GET", "", "get "},
  };
  for (const Case& c : cases) EXPECT_EQ(Line(AttributesOf(c.method, c.target)), c.line) << c.target;
}

class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    TokenAuth tokens;
    tokens.Add("t-alice", UserInfo{"alice", "7", {"devs"}});
    tokens.Add("t-ctl", UserInfo{"system:serviceaccount:kube-system:ctl", "", {}});
    tokens.Add("t-root", UserInfo{"root", "", {"system:masters"}});
    access_ = std::make_unique<AccessControl>(AuthorizationMode::kRbac,
                                              std::make_shared<const TokenAuth>(std::move(tokens)), &documents_);
    handler_ = std::make_unique<ApiHandler>(&clock_, &memory_, &documents_, access_.get());
    documents_.LoadBootstrapPolicy();
    Root("POST", "/api/v1/namespaces", R"({"metadata":{"name":"shop"}})", 201);
  }
  HttpAnswer Ask(const std::string& token, const std::string& method, const std::string& target,
                 const std::string& body = "") {
    const std::optional<UserInfo> user = access_->Authenticate("Bearer " + token);
    EXPECT_TRUE(user.has_value());
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.content_type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
    request.body = body;
    if (user) request.user = *user;
    return handler_->Handle(request);
  }
  Json Root(const std::string& method, const std::string& target, const std::string& body, int code) {
    const HttpAnswer answer = Ask("t-root", method, target, body);
    EXPECT_EQ(answer.code, code) << answer.body;
    return Json::parse(answer.body, nullptr, false);
  }
  // Asks, and compares the whole Status.
  void ExpectForbidden(const std::string& method, const std::string& target, const std::string& message,
                       const Json& details) {
    const HttpAnswer answer = Ask("t-alice", method, target);
    EXPECT_EQ(answer.code, 403);
    Json status = {{"kind", "Status"},   {"apiVersion", "v1"},    {"metadata", Json::object()}, {"status", "Failure"},
                   {"message", message}, {"reason", "Forbidden"}, {"details", details},         {"code", 403}};
    if (details.empty()) status.erase("details");
    EXPECT_EQ(Json::parse(answer.body), status);
  }

  const RealClock clock_;
  MemoryApiServer memory_{&clock_};
  DocumentStore documents_{&clock_, 1};
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<ApiHandler> handler_;
};

// As error-403.body of a real server has it.
TEST_F(AccessTest, Refusals) {
  ExpectForbidden("GET", "/api/v1/services",
                  "services is forbidden: User \"alice\" cannot list resource \"services\" in API group \"\" at the "
                  "cluster scope",
                  {{"kind", "services"}});
  ExpectForbidden("DELETE", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/s",
                  R"(endpointslices.discovery.k8s.io "s" is forbidden: User "alice" cannot delete resource )"
                  R"("endpointslices" in API group "discovery.k8s.io" in the namespace "shop")",
                  {{"name", "s"}, {"group", "discovery.k8s.io"}, {"kind", "endpointslices"}});
  // What there is not is not told to those who may not ask for it.
  ExpectForbidden("GET", "/api/v1/secrets",
                  "secrets is forbidden: User \"alice\" cannot list resource \"secrets\" in API group \"\" at the "
                  "cluster scope",
                  {{"kind", "secrets"}});
  ExpectForbidden("GET", "/metrics", R"(forbidden: User "alice" cannot get path "/metrics")", Json::object());
  EXPECT_EQ(Ask("t-root", "GET", "/api/v1/secrets").code, 404);
  EXPECT_EQ(Ask("t-alice", "GET", "/api/v1").code, 200);
  EXPECT_EQ(access_->Authenticate("Bearer other"), std::nullopt);
  EXPECT_EQ(access_->Authenticate(""), std::nullopt);
}

TEST_F(AccessTest, RolesOverHttp) {
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1";
  const std::string role = R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["coordination.k8s.io"],)"
                           R"("resources":["leases"],"resourceNames":["l"],"verbs":["get","list","watch","update"]}]})";
  Root("POST", rbac + "/namespaces/shop/roles", role, 201);
  Root("POST", rbac + "/namespaces/none/roles", role, 404);
  Root("POST", rbac + "/namespaces/shop/rolebindings",
       R"({"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"alice"}]})",
       201);
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
  struct Case {
    std::string method;
    std::string target;
    int code;
  };
  const std::vector<Case> cases = {
      {"GET", leases + "/l", 404},
      {"GET", leases + "/m", 403},
      {"GET", leases, 403},
      {"GET", leases + "?fieldSelector=metadata.name%3Dl", 200},
      {"GET", leases + "?fieldSelector=metadata.name%3Dl&watch=1", 200},
      {"POST", leases, 403},
      {"GET", rbac + "/namespaces/shop/roles", 403},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Ask("t-alice", c.method, c.target, c.method == "POST" ? R"({"metadata":{"name":"l"}})" : "").code, c.code)
        << c.target;
  }
  // Beside the one that a new cluster has.
  EXPECT_EQ(Root("GET", rbac + "/roles", "", 200)["items"].size(), 2U);
  EXPECT_EQ(Root("GET", rbac + "/namespaces/shop/roles", "", 200)["items"].size(), 1U);
  Root("PATCH", rbac + "/namespaces/shop/roles/r", R"({"rules":null})", 200);
  EXPECT_EQ(Ask("t-alice", "GET", leases + "/l").code, 403);
  // Dry runs are answered, and nothing comes of them.
  const std::string r = rbac + "/namespaces/shop/roles/r";
  const Json before = Root("GET", r, "", 200);
  const Json wide = {{"rules", {{{"apiGroups", {"*"}}, {"resources", {"*"}}, {"verbs", {"*"}}}}}};
  EXPECT_EQ(Root("PATCH", r + "?dryRun=All", wide.dump(), 200)["rules"], wide["rules"]);
  Root("DELETE", r + "?dryRun=All", "", 200);
  Json other = before;
  other["metadata"] = {{"name", "r2"}};
  const Json made = Root("POST", rbac + "/namespaces/shop/roles?dryRun=All", other.dump(), 201);
  EXPECT_TRUE(made["metadata"].contains("uid"));
  EXPECT_FALSE(made["metadata"].contains("resourceVersion"));
  EXPECT_EQ(Root("GET", r, "", 200), before);
  EXPECT_EQ(Root("GET", rbac + "/namespaces/shop/roles", "", 200)["items"].size(), 1U);
  EXPECT_EQ(Ask("t-alice", "GET", leases + "/l").code, 403);
  // What these kinds do not have.
  Root("POST", rbac + "/roles", role, 405);
  Root("POST", rbac + "/namespaces/shop/roles?dryRun=Some", role, 400);
  Root("GET", rbac + "/namespaces/shop/clusterroles", "", 404);
  Root("GET", rbac + "/roles/r", "", 404);
  Root("GET", rbac + "/namespaces/shop/roles/r/status", "", 404);
  Root("DELETE", rbac + "/namespaces/shop/roles/r", R"({"preconditions":{"uid":"other"}})", 409);
  EXPECT_EQ(Root("DELETE", rbac + "/namespaces/shop/roles/r", "", 200)["status"], "Success");
}

TEST_F(AccessTest, TokenReviews) {
  const std::string path = "/apis/authentication.k8s.io/v1/tokenreviews";
  EXPECT_EQ(Ask("t-alice", "POST", path, R"({"spec":{"token":"t-ctl"}})").code, 403);
  EXPECT_EQ(Root("POST", path, R"({"spec":{"token":"t-ctl","audiences":["a"]}})", 201)["status"],
            Json::parse(R"({"authenticated":true,"audiences":["a"],
                            "user":{"username":"system:serviceaccount:kube-system:ctl",
                                    "groups":["system:serviceaccounts","system:serviceaccounts:kube-system",
                                              "system:authenticated"]}})"));
  EXPECT_EQ(Root("POST", path, R"({"kind":"TokenReview","spec":{"token":"other"}})", 201)["status"],
            Json::parse(R"({"error":"invalid bearer token","user":{}})"));
  Root("POST", path, "{}", 400);
  Root("POST", path, R"({"kind":"Role","spec":{"token":"x"}})", 400);
  Root("GET", path, "", 405);
  const HttpAnswer self = Ask("t-alice", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(Json::parse(self.body)["status"],
            Json::parse(R"({"userInfo":{"username":"alice","uid":"7","groups":["devs","system:authenticated"]}})"));
}

TEST_F(AccessTest, AccessReviews) {
  const std::string base = "/apis/authorization.k8s.io/v1";
  const std::string list_pods = R"("resourceAttributes":{"verb":"list","resource":"pods","namespace":"shop"})";
  const std::string bob = R"({"spec":{"user":"bob",)" + list_pods + "}}";
  const Json allowed = Root("POST", base + "/subjectaccessreviews",
                            R"({"spec":{"user":"x","groups":["system:authenticated"],)"
                            R"("nonResourceAttributes":{"verb":"get","path":"/version"}}})",
                            201)["status"];
  EXPECT_EQ(allowed["allowed"], true);
  EXPECT_THAT(allowed["reason"].get<std::string>(), HasSubstr("RBAC: allowed by ClusterRoleBinding \"system:"));
  EXPECT_EQ(Root("POST", base + "/subjectaccessreviews", bob, 201)["status"], Json::parse(R"({"allowed":false})"));
  // Of oneself, which everybody may ask.
  const auto self = [&](const std::string& token) {
    const HttpAnswer answer = Ask(token, "POST", base + "/selfsubjectaccessreviews", R"({"spec":{)" + list_pods + "}}");
    EXPECT_EQ(answer.code, 201) << answer.body;
    return Json::parse(answer.body)["status"]["allowed"];
  };
  EXPECT_EQ(self("t-alice"), false);
  EXPECT_EQ(self("t-root"), true);
  Root("POST", base + "/namespaces/shop/localsubjectaccessreviews", bob, 201);
  Root("POST", base + "/namespaces/kube-system/localsubjectaccessreviews", bob, 400);
  Root("POST", base + "/subjectaccessreviews", R"({"spec":{)" + list_pods + "}}", 422);
  const Json neither = Root("POST", base + "/subjectaccessreviews", R"({"spec":{"user":"x"}})", 422);
  EXPECT_THAT(neither["message"].get<std::string>(), HasSubstr("exactly one of"));
}

TEST_F(AccessTest, Impersonation) {
  Root("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
       R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["users","groups"],"verbs":["impersonate"],)"
       R"("resourceNames":["bob","devs"]}]})",
       201);
  Root("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
       R"({"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},)"
       R"("subjects":[{"kind":"User","name":"alice"}]})",
       201);
  struct Case {
    std::string user;
    std::vector<std::string> groups;
    int code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"", {}, 200, ""},
      {"bob", {}, 200, ""},
      {"bob", {"devs"}, 200, ""},
      {"", {"devs"}, 400, "groups cannot be impersonated without a user"},
      {"eve",
       {},
       403,
       R"(users "eve" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster )"
       "scope"},
      {"bob",
       {"system:masters"},
       403,
       R"(groups "system:masters" is forbidden: User "alice" cannot impersonate resource "groups" in API group "" at )"
       "the cluster scope"},
      {"system:serviceaccount:a:b",
       {},
       403,
       R"(serviceaccounts "b" is forbidden: User "alice" cannot impersonate resource "serviceaccounts" in API group "" )"
       R"(in the namespace "a")"},
  };
  for (const Case& c : cases) {
    UserInfo user{"alice", "", {}};
    const Status status = access_->Impersonate(c.user, c.groups, &user);
    EXPECT_EQ(status.code, c.code) << c.user;
    EXPECT_EQ(status.message, c.message);
    EXPECT_EQ(user.name, c.code == 200 && !c.user.empty() ? c.user : "alice");
  }
}

TEST_F(AccessTest, AlwaysAllow) {
  const AccessControl access(AuthorizationMode::kAlwaysAllow, nullptr, &documents_);
  EXPECT_EQ(access.Authenticate("")->name, "system:anonymous");
  EXPECT_TRUE(access.Decide({}, AttributesOf("DELETE", "/api/v1/nodes/n")).allowed);
  EXPECT_EQ(access.UserOfToken("t-root"), std::nullopt);
}

}  // namespace
}  // namespace epslice::sim

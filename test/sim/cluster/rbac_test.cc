// Role-based access control: rules, bindings, and roles and bindings as objects.
#include "sim/cluster/rbac.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/document_store.h"

namespace epslice::sim {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;
using Strings = std::vector<std::string>;

AccessAttributes Resource(std::string verb, std::string group, std::string resource, std::string subresource = "",
                          std::string name = "", std::string namespace_ = "") {
  AccessAttributes a;
  a.verb = std::move(verb);
  a.group = std::move(group);
  a.version = "v1";
  a.resource = std::move(resource);
  a.subresource = std::move(subresource);
  a.name = std::move(name);
  a.namespace_ = std::move(namespace_);
  return a;
}

AccessAttributes Path(std::string verb, std::string path) {
  AccessAttributes a;
  a.is_resource = false;
  a.verb = std::move(verb);
  a.path = std::move(path);
  return a;
}

TEST(RbacTest, Rules) {
  const PolicyRule pods{{"get", "list"}, {""}, {"pods", "pods/log"}, {}, {}};
  const PolicyRule named{{"update"}, {"coordination.k8s.io"}, {"leases"}, {"a", "b"}, {}};
  const PolicyRule all{{"*"}, {"*"}, {"*"}, {}, {}};
  const PolicyRule any_status{{"patch"}, {""}, {"*/status"}, {}, {}};
  const PolicyRule core_only{{"get"}, {""}, {"*"}, {}, {}};
  const PolicyRule paths{{"get"}, {}, {}, {}, {"/healthz", "/debug/*"}};
  struct Case {
    const PolicyRule* rule;
    AccessAttributes attributes;
    bool allowed;
  };
  const std::vector<Case> cases = {
      {&pods, Resource("get", "", "pods"), true},
      {&pods, Resource("list", "", "pods", "", "", "shop"), true},
      {&pods, Resource("watch", "", "pods"), false},
      {&pods, Resource("get", "apps", "pods"), false},
      {&pods, Resource("get", "", "services"), false},
      {&pods, Resource("get", "", "pods", "log"), true},
      {&pods, Resource("get", "", "pods", "status"), false},
      {&named, Resource("update", "coordination.k8s.io", "leases", "", "a"), true},
      {&named, Resource("update", "coordination.k8s.io", "leases", "", "c"), false},
      {&named, Resource("update", "coordination.k8s.io", "leases"), false},
      {&all, Resource("deletecollection", "apps", "deployments", "scale", "x", "y"), true},
      {&all, Path("get", "/metrics"), false},
      {&any_status, Resource("patch", "", "pods", "status"), true},
      {&any_status, Resource("patch", "", "pods"), false},
      {&core_only, Resource("get", "", "pods", "log"), true},
      {&core_only, Resource("get", "apps", "deployments"), false},
      {&paths, Path("get", "/healthz"), true},
      {&paths, Path("get", "/healthz/"), false},
      {&paths, Path("head", "/healthz"), false},
      {&paths, Path("get", "/debug/"), true},
      {&paths, Path("get", "/debug/pprof/heap"), true},
      {&paths, Path("get", "/debug"), false},
      {&paths, Resource("get", "", "pods"), false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(RuleAllows(*c.rule, c.attributes), c.allowed)
        << c.attributes.verb << " " << c.attributes.resource << "/" << c.attributes.subresource << c.attributes.path;
  }
}

TEST(RbacTest, Bindings) {
  using Subject = RbacSubject::Kind;
  RbacPolicy policy;
  policy.PutRole("", "reader", {{{"get"}, {""}, {"pods"}, {}, {}}, {{"get"}, {}, {}, {}, {"/metrics"}}});
  policy.PutRole("shop", "writer", {{{"update"}, {""}, {"pods"}, {}, {}}});
  policy.PutBinding("", "everywhere", {true, "reader", {{Subject::kGroup, "devs", ""}}});
  policy.PutBinding("shop", "here", {true, "reader", {{Subject::kUser, "bob", ""}}});
  policy.PutBinding("shop", "write", {false, "writer", {{Subject::kServiceAccount, "ctl", ""}}});
  policy.PutBinding("", "account", {true, "reader", {{Subject::kServiceAccount, "ctl", "kube-system"}}});
  policy.PutBinding("", "homeless", {true, "reader", {{Subject::kServiceAccount, "lost", ""}}});
  policy.PutBinding("", "dangling", {true, "gone", {{Subject::kUser, "eve", ""}}});
  policy.PutBinding("shop", "dangling", {false, "gone", {{Subject::kUser, "eve", ""}}});
  const UserInfo alice{"alice", "", {"devs"}};
  const UserInfo bob{"bob", "", {}};
  const UserInfo eve{"eve", "", {}};
  const UserInfo local{"system:serviceaccount:shop:ctl", "", {}};
  const UserInfo wide{"system:serviceaccount:kube-system:ctl", "", {}};
  const auto get = [](const std::string& namespace_) { return Resource("get", "", "pods", "", "", namespace_); };
  const AccessAttributes update = Resource("update", "", "pods", "", "p", "shop");
  const std::string by_group =
      R"(RBAC: allowed by ClusterRoleBinding "everywhere" of ClusterRole "reader" to Group "devs")";
  struct Case {
    UserInfo user;
    AccessAttributes attributes;
    bool allowed;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {alice, get("shop"), true, by_group},
      {alice, get(""), true, by_group},
      {alice, Path("get", "/metrics"), true, by_group},
      {bob, get("shop"), true, R"(RBAC: allowed by RoleBinding "here/shop" of ClusterRole "reader" to User "bob")"},
      {bob, get(""), false, ""},
      {bob, get("other"), false, ""},
      {bob, Path("get", "/metrics"), false, ""},
      {local, update, true,
       R"(RBAC: allowed by RoleBinding "write/shop" of Role "writer" to ServiceAccount "ctl/shop")"},
      {wide, get("x"), true,
       R"(RBAC: allowed by ClusterRoleBinding "account" of ClusterRole "reader" to ServiceAccount "ctl/kube-system")"},
      {wide, update, false, ""},
      {{"system:serviceaccount::lost", "", {}}, get(""), false, ""},
      {{"ctl", "", {}}, get("x"), false, ""},
      {eve, get(""), false, R"(RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found)"},
      {eve, get("shop"), false,
       "RBAC: [clusterrole.rbac.authorization.k8s.io \"gone\" not found, "
       "role.rbac.authorization.k8s.io \"gone\" not found]"},
      {{"root", "", {"system:masters"}}, Path("delete", "/anything"), true, ""},
  };
  for (const Case& c : cases) {
    const AccessDecision decision = policy.Decide(c.user, c.attributes);
    EXPECT_EQ(decision.allowed, c.allowed) << c.user.name << " " << c.attributes.namespace_;
    EXPECT_EQ(decision.reason, c.reason);
  }
  policy.EraseBinding("", "everywhere");
  EXPECT_FALSE(policy.Decide(alice, get("shop")).allowed);
  policy.EraseRole("", "reader");
  EXPECT_EQ(policy.Decide(bob, get("shop")).reason,
            R"(RBAC: clusterrole.rbac.authorization.k8s.io "reader" not found)");
}

TEST(RbacTest, ImpliedGroups) {
  const std::vector<std::pair<UserInfo, Strings>> cases = {
      {{"alice", "", {"devs"}}, {"devs", "system:authenticated"}},
      {{"system:serviceaccount:ns:name", "", {}},
       {"system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"}},
      {{"system:serviceaccount:ns", "", {}}, {"system:authenticated"}},
      {{"system:serviceaccount:a:b:c", "", {}}, {"system:authenticated"}},
  };
  for (const auto& [user, groups] : cases) EXPECT_EQ(WithImpliedGroups(user).groups, groups) << user.name;
}

TEST(RbacTest, Refusals) {
  const UserInfo user{R"(a"b)", "", {}};
  EXPECT_EQ(DescribeRefusal(user, Resource("list", "", "services")),
            R"(User "a\"b" cannot list resource "services" in API group "" at the cluster scope)");
  EXPECT_EQ(DescribeRefusal(user, Resource("patch", "x.io", "pods", "status", "p", "shop")),
            R"(User "a\"b" cannot patch resource "pods/status" in API group "x.io" in the namespace "shop")");
  EXPECT_EQ(DescribeRefusal(user, Path("get", "/metrics")), R"(User "a\"b" cannot get path "/metrics")");
}

class DocumentStoreTest : public testing::Test {
 protected:
  DocumentAnswer Do(Verb verb, std::string_view kind, const std::string& namespace_, const std::string& name,
                    const std::string& body = "", PatchType type = PatchType::kMerge) {
    DocumentRequest request;
    request.verb = verb;
    request.kind = FindDocumentKind(kind == "ServiceAccount" ? "v1" : "rbac.authorization.k8s.io/v1", kind);
    request.namespace_ = namespace_;
    request.name = name;
    request.body = body;
    request.patch_type = type;
    return store_.Handle(request);
  }
  bool Alice(const std::string& verb) const {
    return store_.Decide({"alice", "", {}}, Resource(verb, "", "pods", "", "", "shop")).allowed;
  }

  const RealClock clock_{};
  DocumentStore store_{&clock_, 7};
};

const std::string kRole = R"({"metadata":{"name":"r","namespace":"shop","labels":{"a":"b"}},)"
                          R"("rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]})";
const std::string kRoleBinding =
    R"({"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"alice"}]})";

TEST_F(DocumentStoreTest, WritesTakeEffectAtOnce) {
  const DocumentAnswer made = Do(Verb::kCreate, "Role", "shop", "", kRole);
  ASSERT_EQ(made.status.code, 201) << made.status.ToString();
  const Json role = Json::parse(made.json);
  EXPECT_EQ(role["kind"], "Role");
  EXPECT_EQ(role["metadata"]["namespace"], "shop");
  EXPECT_EQ(role["metadata"]["uid"].get<std::string>().size(), 36U);
  EXPECT_FALSE(Alice("get"));
  const Json binding = Json::parse(Do(Verb::kCreate, "RoleBinding", "shop", "", kRoleBinding).json);
  EXPECT_EQ(binding["roleRef"]["apiGroup"], "rbac.authorization.k8s.io");
  EXPECT_EQ(binding["subjects"][0]["apiGroup"], "rbac.authorization.k8s.io");
  EXPECT_TRUE(Alice("get"));

  // A patch, and one that changes nothing.
  const std::string patch = R"({"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]})";
  const Json patched = Json::parse(Do(Verb::kPatch, "Role", "shop", "r", patch, PatchType::kStrategicMerge).json);
  EXPECT_NE(patched["metadata"]["resourceVersion"], role["metadata"]["resourceVersion"]);
  EXPECT_EQ(patched["metadata"]["uid"], role["metadata"]["uid"]);
  EXPECT_FALSE(Alice("get"));
  EXPECT_TRUE(Alice("list"));
  EXPECT_EQ(Json::parse(Do(Verb::kPatch, "Role", "shop", "r", patch).json), patched);

  // An update of an old version; one that names none.
  EXPECT_EQ(Do(Verb::kUpdate, "Role", "shop", "r", made.json).status.code, 409);
  EXPECT_EQ(Do(Verb::kUpdate, "Role", "shop", "r", kRole).status.code, 200);
  EXPECT_TRUE(Alice("get"));

  EXPECT_EQ(Json::parse(Do(Verb::kList, "Role", "", "").json)["items"].size(), 1U);
  EXPECT_EQ(Json::parse(Do(Verb::kList, "Role", "other", "").json)["items"].size(), 0U);
  EXPECT_EQ(Do(Verb::kDelete, "RoleBinding", "shop", "b").status.code, 200);
  EXPECT_FALSE(Alice("get"));
  EXPECT_EQ(Do(Verb::kGet, "RoleBinding", "shop", "b").status.message,
            R"(rolebindings.rbac.authorization.k8s.io "b" not found)");
}

TEST_F(DocumentStoreTest, Selectors) {
  ASSERT_EQ(Do(Verb::kCreate, "Role", "shop", "", kRole).status.code, 201);
  ASSERT_EQ(Do(Verb::kCreate, "Role", "shop", "", R"({"metadata":{"generateName":"g-"}})").status.code, 201);
  struct Case {
    std::string labels;
    std::string fields;
    std::size_t count;
  };
  const std::vector<Case> cases = {
      {"", "", 2}, {"a=b", "", 1}, {"a!=b", "", 1}, {"", "metadata.name=r", 1}, {"", "metadata.name!=r", 1}};
  for (const Case& c : cases) {
    DocumentRequest list;
    list.verb = Verb::kList;
    list.kind = FindDocumentKind("rbac.authorization.k8s.io/v1", "Role");
    list.list.labelSelector = c.labels;
    list.list.fieldSelector = c.fields;
    EXPECT_EQ(Json::parse(store_.Handle(list).json)["items"].size(), c.count) << c.labels << c.fields;
    list.list.fieldSelector = "spec.x=y";
    EXPECT_EQ(store_.Handle(list).status.code, 400);
  }
}

TEST_F(DocumentStoreTest, RefusesWhatTheApiServerRefuses) {
  ASSERT_EQ(Do(Verb::kCreate, "RoleBinding", "shop", "", kRoleBinding).status.code, 201);
  struct Case {
    Verb verb;
    std::string kind;
    std::string namespace_;
    std::string name;
    std::string body;
    int code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {Verb::kCreate, "Role", "shop", "", R"({"metadata":{"name":"x"},"rules":[{"verbs":["get"]}]})", 422,
       "Role.rbac.authorization.k8s.io \"x\" is invalid: [rules[0].apiGroups: Required value: resource rules must "
       "supply at least one api group, rules[0].resources: Required value: resource rules must supply at least one "
       "resource]"},
      {Verb::kCreate, "Role", "shop", "",
       R"({"metadata":{"name":"x"},"rules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]})", 422,
       "namespaced rules cannot apply to non-resource URLs"},
      {Verb::kCreate, "ClusterRole", "", "", R"({"metadata":{"name":"x"},"rules":[{"nonResourceURLs":["/a"]}]})", 422,
       "rules[0].verbs: Required value: verbs must contain at least one value"},
      {Verb::kCreate, "ClusterRole", "", "", R"({"metadata":{"name":"x"},"rules":[{"verbs":"get"}]})", 422,
       "rules[0].verbs: Invalid value: \"get\": must be a list of strings"},
      {Verb::kCreate, "ClusterRoleBinding", "", "", R"({"metadata":{"name":"x"},"roleRef":{"kind":"Role","name":"r"}})",
       422, "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\""},
      {Verb::kCreate, "ClusterRoleBinding", "", "",
       R"({"metadata":{"name":"x"},"roleRef":{"kind":"ClusterRole","name":"r"},)"
       R"("subjects":[{"kind":"ServiceAccount","name":"s"}]})",
       422, "subjects[0].namespace: Required value"},
      {Verb::kUpdate, "RoleBinding", "shop", "b",
       R"({"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"other"}})", 422, "cannot change roleRef"},
      {Verb::kCreate, "RoleBinding", "shop", "", kRoleBinding, 409,
       "rolebindings.rbac.authorization.k8s.io \"b\" already exists"},
      {Verb::kCreate, "Role", "shop", "", R"({"metadata":{"name":"a/b"}})", 422, "is no name"},
      {Verb::kCreate, "ServiceAccount", "shop", "", R"({"metadata":{"name":"a:b"}})", 422, "is no name"},
      {Verb::kCreate, "Role", "shop", "", R"({})", 422, "name or generateName is required"},
      {Verb::kCreate, "Role", "shop", "", R"({"metadata":{"name":"x","namespace":"y"}})", 400,
       "does not match the namespace sent on the request"},
      {Verb::kCreate, "Role", "shop", "", R"({"kind":"ClusterRole","metadata":{"name":"x"}})", 400,
       "cannot be handled as a Role"},
      {Verb::kCreate, "Role", "shop", "", "[", 400, "parse error"},
      {Verb::kUpdate, "Role", "shop", "none", R"({"metadata":{"name":"none"}})", 404, "not found"},
      {Verb::kPatch, "RoleBinding", "shop", "b", R"({"metadata":{"name":"c"}})", 400, "does not match the name"},
      {Verb::kDelete, "Role", "shop", "none", "", 404, "not found"},
  };
  for (const Case& c : cases) {
    const DocumentAnswer answer = Do(c.verb, c.kind, c.namespace_, c.name, c.body);
    EXPECT_EQ(answer.status.code, c.code) << c.body;
    EXPECT_THAT(answer.status.message, HasSubstr(c.message)) << c.body;
  }
}

TEST_F(DocumentStoreTest, BootstrapPolicy) {
  const UserInfo known = WithImpliedGroups({"alice", "", {}});
  const AccessAttributes review = Resource("create", "authorization.k8s.io", "selfsubjectaccessreviews");
  EXPECT_FALSE(store_.Decide(known, review).allowed);
  store_.LoadBootstrapPolicy();
  EXPECT_TRUE(store_.Decide(known, review).allowed);
  EXPECT_TRUE(store_.Decide(known, Path("get", "/apis/discovery.k8s.io/v1")).allowed);
  EXPECT_FALSE(store_.Decide(known, Path("get", "/metrics")).allowed);
  EXPECT_FALSE(store_.Decide(known, Resource("create", "authentication.k8s.io", "tokenreviews")).allowed);
}

}  // namespace
}  // namespace epslice::sim

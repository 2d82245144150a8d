// The API server itself: what the other tests do to it, it bears. With stand-ins
// for etcd and kube-apiserver (test/e2e/launcher) a test of how those are started.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/e2e/fixture.h"

namespace epslice::e2e {
namespace {

TEST(Launcher, TheServerKeepsWhatItHasAndForgetsWhatWas) {
  Suite& suite = Suite::Get();
  if (!suite.server().owned()) {
    GTEST_SKIP() << "NOT TESTED: the API server of an existing cluster is not ours to stop or compact";
  }
  ApiClient& admin = suite.admin();
  const std::string path = "/api/v1/namespaces/" + suite.system_namespace() + "/services";
  const auto version = [&] { return admin.Get(path).body.at("metadata").at("resourceVersion").get<std::string>(); };
  const std::string before = version();
  const Answer made = admin.PostPatiently(path, {{"apiVersion", "v1"},
                                                 {"kind", "Service"},
                                                 {"metadata", {{"name", "kept"}}},
                                                 {"spec", {{"ports", Json::array({{{"port", 80}}})}}}});
  ASSERT_TRUE(made.ok()) << made.ToString();
  ASSERT_TRUE(suite.server().Stop().ok());
  EXPECT_EQ(admin.Get(path).code, 0);
  absl::Status status = suite.server().Start();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(admin.Get(path + "/kept").body, made.body);

  EXPECT_TRUE(Patiently([&] { return admin.Delete(path + "/kept"); }).ok());
  status = suite.server().Compact();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(admin.Get(path + "/kept").code, 404);
  EXPECT_GT(std::stoull(version()), std::stoull(before) + 1);
  // As an HTTP status, or as an ERROR event inside of 200.
  const std::unique_ptr<HttpConnection> connection = admin.NewConnection();
  int expired = 0;
  const int code = admin.Stream(path + "?watch=true&timeoutSeconds=5&resourceVersion=" + before, connection.get(),
                                [&](const Json& event) { expired = event.at("object").value("code", 0); });
  EXPECT_EQ(code == 200 ? expired : code, 410);
}

}  // namespace
}  // namespace epslice::e2e

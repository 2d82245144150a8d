#include "sim/cli/serve_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "informers/clock.h"
#include "test/informers/http/pki.h"
#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

using testing::HasSubstr;

Response Send(MemoryApiServer* server, Verb verb, Kind kind, const std::string& name, const std::string& json = "") {
  Request request;
  request.verb = verb;
  request.kind = kind;
  request.namespace_ = "default";
  request.name = name;
  if (!json.empty()) {
    const auto object = DecodeObjectJson(kind, json, /*keep_json=*/true);
    EXPECT_TRUE(object.ok()) << object.status();
    if (object.ok()) request.object = *object;
  }
  return server->Handle(request);
}

std::string Whole(MemoryApiServer* server, Kind kind, const std::string& name) {
  std::string text;
  const Response response = Send(server, Verb::kGet, kind, name);
  EXPECT_TRUE(response.status.ok()) << response.status.ToString();
  if (response.object.has_value()) AppendJson(response.object, &text);
  return text;
}

TEST(ServeStateTest, ComesBackAsItWas) {
  const TempDir dir;
  const RealClock clock;
  MemoryApiServer server(&clock);
  Send(&server, Verb::kCreate, Kind::kService, "", R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web",
      "namespace":"default"},"spec":{"selector":{"app":"web"},"sessionAffinity":"ClientIP","ports":[{"port":80}]}})");
  Send(&server, Verb::kCreate, Kind::kLease, "", R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":
      {"name":"l","namespace":"default"},"spec":{"holderIdentity":"h"}})");
  const std::string service = Whole(&server, Kind::kService, "web");
  // The latest version is that of an object which is gone.
  Send(&server, Verb::kDelete, Kind::kLease, "l");
  const std::string path = dir.path() + "/state";
  DocumentStore documents(&clock, 1);
  const DocumentKind& role = *FindDocumentKind("rbac.authorization.k8s.io/v1", "Role");
  ASSERT_TRUE(documents.Load(role, R"({"metadata":{"name":"r","namespace":"default"}})").ok());
  ASSERT_TRUE(WriteServeState(path, &server, documents).ok());

  const absl::StatusOr<ServeState> state = ReadServeState(path);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->resource_version, server.resource_version());
  MemoryApiServer again(&clock);
  for (const AnyObject& object : state->objects) ASSERT_TRUE(again.Load(object).ok());
  again.LoadVersion(state->resource_version);
  EXPECT_EQ(again.resource_version(), server.resource_version());
  EXPECT_EQ(Whole(&again, Kind::kService, "web"), service);
  DocumentStore documents_again(&clock, 2);
  for (const DumpDocument& document : state->documents) {
    ASSERT_TRUE(documents_again.Load(*FindDocumentKind(document.apiVersion, document.kind), document.json).ok());
  }
  EXPECT_EQ(documents_again.All(), documents.All());
  EXPECT_EQ(documents.All().size(), 1U);
  EXPECT_EQ(Send(&again, Verb::kGet, Kind::kLease, "l").status.code, 404);

  // Watches go on from the present, and from no time before it.
  Request watch;
  watch.verb = Verb::kWatch;
  watch.kind = Kind::kService;
  Status status;
  watch.list.resourceVersion = std::to_string(state->resource_version);
  EXPECT_NE(again.Watch(
                watch, [](const WatchEvent&) {}, &status),
            nullptr);
  watch.list.resourceVersion = std::to_string(state->resource_version - 1);
  EXPECT_EQ(again.Watch(
                watch, [](const WatchEvent&) {}, &status),
            nullptr);
  EXPECT_EQ(status.code, 410);
}

TEST(ServeStateTest, NoFileIsAnEmptyState) {
  const absl::StatusOr<ServeState> state = ReadServeState(TempDir().path() + "/none");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->resource_version, 0U);
}

TEST(ServeStateTest, OtherFilesAreRefused) {
  const TempDir dir;
  for (const std::string& text :
       {std::string(), std::string("{}\n"), std::string("\xff\n"), std::string(R"({"kind":"ServeState"})"),
        std::string(R"({"apiVersion":"epslice.dev/v1","kind":"ServeState","resourceVersion":7})"),
        std::string(R"({"apiVersion":"epslice.dev/v1","kind":"ServeState","resourceVersion":"7x"})")}) {
    const std::string path = dir.Write("state", text);
    const CliResult result = RunCliTest({"serve", "--listen=127.0.0.1:0", "--state=" + path});
    EXPECT_EQ(result.exit_code, kExitBadInput);
    EXPECT_EQ(result.err,
              "endpointslice-sim: serve: --state " + path + ": it does not begin as a file that serve --state wrote\n");
  }
  const std::string half =
      dir.Write("half", R"({"apiVersion":"epslice.dev/v1","kind":"ServeState","resourceVersion":"7"}
{"apiVersion":"v1","kind":"Serv)");
  EXPECT_THAT(ReadServeState(half).status().ToString(), HasSubstr("--state " + half + ": "));
  const RealClock clock;
  EXPECT_FALSE(WriteServeState(dir.path() + "/no/folder", nullptr, DocumentStore(&clock, 1)).ok());
}

}  // namespace
}  // namespace epslice::sim

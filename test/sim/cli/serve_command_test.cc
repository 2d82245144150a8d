#include "sim/cli/serve_command.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "sim/cli/serve_cluster.h"
#include "sim/serve/http_server.h"

namespace epslice::sim {
namespace {

struct ServeResult {
  int code;
  std::string err;
};

ServeResult RunServe(const std::vector<std::string>& args) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunCli(args, {in, out, err});
  EXPECT_EQ(out.str(), "");
  return {code, err.str()};
}

TEST(ListenAddressTest, ReadsHostAndPort) {
  const std::vector<std::tuple<const char*, const char*, int, bool, const char*>> cases = {
      {"127.0.0.1:8001", "127.0.0.1", 8001, true, "http://127.0.0.1:8001"},
      {"127.1.2.3:0", "127.1.2.3", 0, true, "http://127.1.2.3:0"},
      {"localhost:80", "localhost", 80, true, "http://localhost:80"},
      {"[::1]:8001", "::1", 8001, true, "http://[::1]:8001"},
      {"0.0.0.0:65535", "0.0.0.0", 65535, false, "http://0.0.0.0:65535"},
      {"[::]:1", "::", 1, false, "http://[::]:1"},
  };
  for (const auto& [text, host, port, loopback, url] : cases) {
    const auto address = ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
    EXPECT_EQ(address->IsLoopback(), loopback) << text;
    EXPECT_EQ(address->Url(), url);
  }
}

TEST(ListenAddressTest, Refuses) {
  for (const char* text : {"", "8001", ":8001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:8001", "[]:1", "[::1:1", "127.0.0.1: 80"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
}

TEST(ServeCommandTest, BadUsageIsOneLine) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{"serve", "--listen", "here"}, "is not HOST:PORT"},
      {{"serve", "--without", "pots"}, "there is no kind \"pots\"; there are: namespaces, nodes, pods"},
      {{"serve", "-f", "/no/such/file"}, "no such file"},
      {{"serve", "--listen", "192.0.2.1:0"}, "cannot listen on 192.0.2.1"},
      {{"serve", "--speed", "2"}, "serve: --speed: nothing happens without a scenario or a trace"},
      {{"serve", "-f", EPSLICE_SOURCE_DIR "/test/testdata/shop/pods.json", "--speed", "2"}, "nothing happens in it"},
      {{"serve", "--scenario", "nothing-such"}, "zone-outage"},
      {{"serve", "--scenario", "scale-out", "-f", "/no/such/file"}, "no such file"},
      {{"serve", "--audit-log-path", "/no/such/folder/a"}, "--audit-log-path: /no/such/folder/a: No such file"},
      {{"serve", "--audit-log-maxsize=5"}, "--audit-log-maxage need a file: --audit-log-path FILE"},
      {{"serve", "--audit-log-path=-", "--audit-log-maxage=5"}, "need a file: --audit-log-path FILE"},
      {{"serve", "--audit-log-path", "x", "--audit-log-maxage=-1"},
       "--audit-log-maxage=-1: accepted is 0 (no bound) to 36500"},
      {{"serve", "--audit-policy-file", "p.yaml"}, "--audit-policy-file needs --audit-log-path"},
      {{"serve", "--audit-log-path", "-", "--audit-policy-file", "/no/such/file"},
       "--audit-policy-file /no/such/file: "},
  };
  for (const auto& [args, want] : cases) {
    const ServeResult result = RunServe(args);
    EXPECT_EQ(result.code, kExitBadInput) << result.err;
    EXPECT_NE(result.err.find(want), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST(ServeCommandTest, ASpeedIsGreaterThanNothing) {
  for (const char* speed : {"0", "-1", "-0.5", "nan", "inf", "1e7", "fast", "2x", " 2", "0x10"}) {
    const ServeResult result = RunServe({"serve", "--scenario", "scale-out", std::string("--speed=") + speed});
    EXPECT_EQ(result.code, kExitBadInput) << speed;
    EXPECT_NE(result.err.find("is no speed; accepted is a number greater than 0"), std::string::npos) << result.err;
  }
  EXPECT_EQ(ParseSpeed("0.25").value_or(0), 0.25);
  EXPECT_EQ(ParseSpeed("1000000").value_or(0), 1e6);
}

TEST(ServeCommandTest, AScenarioDoesNotGoOnFromAState) {
  const std::string file = testing::TempDir() + "serve_command_test_state.jsonl";
  std::ofstream(file) << R"({"apiVersion":"epslice.dev/v1","kind":"ServeState","resourceVersion":"7"})"
                      << "\n";
  const ServeResult result = RunServe({"serve", "--scenario", "scale-out", "--state", file});
  EXPECT_EQ(result.code, kExitBadInput);
  EXPECT_NE(result.err.find("begins anew"), std::string::npos) << result.err;
  std::remove(file.c_str());
}

TEST(ServeCommandTest, PortInUse) {
  const RealClock clock;
  MemoryApiServer memory(&clock);
  HttpServer http(&clock, &memory);
  ASSERT_TRUE(http.Start().ok());
  const ServeResult result = RunServe({"serve", "--listen", "127.0.0.1:" + std::to_string(http.port())});
  EXPECT_EQ(result.code, kExitBadInput);
  EXPECT_NE(result.err.find("in use"), std::string::npos) << result.err;
}

// The program itself, from start to signal.
class Program {
 public:
  explicit Program(const std::vector<std::string>& args) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[0]);
      std::vector<char*> argv;
      std::vector<std::string> copy = args;
      for (std::string& arg : copy) argv.push_back(arg.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    err_ = ::fdopen(ends[0], "r");
  }
  ~Program() {
    if (pid_ > 0) Stop(SIGKILL);
    ::fclose(err_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  std::string Line() {
    char line[512] = "";
    return ::fgets(line, sizeof line, err_) == nullptr ? std::string() : std::string(line);
  }
  // The exit code, or -1 for an end by the signal itself.
  int Stop(int signal) {
    int status = 0;
    ::kill(pid_, signal);
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  FILE* err_ = nullptr;
};

TEST(ServeCommandTest, ServesADumpUntilToldToStop) {
  const std::string shop = EPSLICE_SOURCE_DIR "/test/testdata/shop/";
  for (const int signal : {SIGTERM, SIGINT}) {
    Program program({EPSLICE_BIN_DIR "/endpointslice-sim", "serve", "-f", shop + "services.json", "-f",
                     shop + "pods.json", "-f", shop + "nodes.json", "--listen", "127.0.0.1:0", "--without", "nodes"});
    const std::string line = program.Line();
    ASSERT_EQ(line.rfind("serving http://127.0.0.1:", 0), 0U) << line;
    EXPECT_NE(line.find("services"), std::string::npos);
    EXPECT_EQ(line.find("node"), std::string::npos);
    const int port = std::stoi(line.substr(line.rfind(':') + 1));
    httplib::Client client("127.0.0.1", port);
    const auto pods = client.Get("/api/v1/pods");
    ASSERT_TRUE(pods);
    EXPECT_FALSE(nlohmann::json::parse(pods->body)["items"].empty());
    const auto nodes = client.Get("/api/v1/nodes");
    ASSERT_TRUE(nodes);
    EXPECT_TRUE(nlohmann::json::parse(nodes->body)["items"].empty());
    EXPECT_EQ(program.Stop(signal), 0);
  }
}

TEST(ServeCommandTest, ServesAScenarioAsItHappens) {
  Program program({EPSLICE_BIN_DIR "/endpointslice-sim", "serve", "--scenario", "rolling-update", "--speed", "1000",
                   "--listen", "127.0.0.1:0"});
  const std::string line = program.Line();
  ASSERT_EQ(line.rfind("serving http://127.0.0.1:", 0), 0U) << line;
  EXPECT_NE(line.find("6 nodes, 13 pods, 2 services, 2 endpointslices"), std::string::npos) << line;
  httplib::Client client("127.0.0.1", std::stoi(line.substr(line.rfind(':') + 1)));
  EXPECT_EQ(program.Line(), "00:00:30 rollout shop/single\n");
  EXPECT_EQ(program.Line(), "00:01:00 rollout shop/web\n");
  EXPECT_EQ(program.Line(), "00:03:00 the scenario is over after 180 s\n");
  EXPECT_EQ(program.Line(), "00:03:00 the server goes on, until it is told to stop\n");
  const auto pods =
      client.Get("/api/v1/namespaces/shop/pods", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}});
  ASSERT_TRUE(pods);
  const auto rows = nlohmann::json::parse(pods->body)["rows"];
  EXPECT_EQ(rows.size(), 13U);
  for (const auto& row : rows) {
    EXPECT_EQ(row["cells"][1], "1/1");
    EXPECT_EQ(row["cells"][2], "Running");
  }
  EXPECT_EQ(program.Stop(SIGTERM), 0);
}

TEST(ServeCommandTest, AnswersInProtobufUnlessToldNotTo) {
  const std::string pods = EPSLICE_SOURCE_DIR "/test/testdata/shop/pods.json";
  for (const bool json_only : {false, true}) {
    std::vector<std::string> args = {
        EPSLICE_BIN_DIR "/endpointslice-sim", "serve", "-f", pods, "--listen", "127.0.0.1:0"};
    if (json_only) args.emplace_back("--json-only");
    Program program(args);
    const std::string line = program.Line();
    ASSERT_EQ(line.rfind("serving http://127.0.0.1:", 0), 0U) << line;
    httplib::Client client("127.0.0.1", std::stoi(line.substr(line.rfind(':') + 1)));
    const auto answer =
        client.Get("/api/v1/pods", {{"Accept", "application/vnd.kubernetes.protobuf,application/json"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->get_header_value("Content-Type"),
              json_only ? "application/json" : "application/vnd.kubernetes.protobuf");
    EXPECT_EQ(program.Stop(SIGTERM), 0);
  }
}

}  // namespace
}  // namespace epslice::sim

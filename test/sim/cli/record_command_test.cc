// record against the HTTP server in process: what it wrote reads back as what
// the server holds.
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <streambuf>
#include <string>
#include <thread>

#include "informers/clock.h"
#include "sim/trace/trace.h"
#include "test/sim/cli/cli_testing.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {

// Keeps what is written, for who waits for it in another thread.
class SharedText : public std::streambuf {
 public:
  // False where `text` does not come within 20 s.
  bool WaitFor(const std::string& text) {
    std::unique_lock<std::mutex> lock(mu_);
    return wake_.wait_for(lock, std::chrono::seconds(20), [&] { return text_.find(text) != std::string::npos; });
  }
  std::string text() {
    const std::lock_guard<std::mutex> lock(mu_);
    return text_;
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    const std::lock_guard<std::mutex> lock(mu_);
    text_.append(data, static_cast<std::size_t>(size));
    wake_.notify_all();
    return size;
  }
  int_type overflow(int_type c) override {
    const char data = static_cast<char>(c);
    return xsputn(&data, 1) == 1 ? c : traits_type::eof();
  }

 private:
  std::mutex mu_;
  std::condition_variable wake_;
  std::string text_;
};

class RecordCommandTest : public HttpServerTest {
 protected:
  // The versions of the objects at the end of the trace in `file`, by name.
  static std::map<std::string, std::string> EndState(const std::string& file) {
    std::map<std::string, std::string> versions;
    const absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace({file});
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return versions;
    TraceEvent event;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next(&event);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      const std::string name =
          std::string(InfoOf(event.object.kind()).resource) + "/" + KeyOf(event.object.meta()).ToString();
      versions.erase(name);
      if (event.type != WatchEventType::kDeleted) versions[name] = event.object.meta().resourceVersion.view();
    }
    EXPECT_TRUE((*reader)->summary().skipped.empty());
    return versions;
  }
  std::map<std::string, std::string> ServerState() {
    std::map<std::string, std::string> versions;
    for (const Kind kind : {Kind::kNamespace, Kind::kNode, Kind::kPod, Kind::kService, Kind::kEndpointSlice}) {
      Request request;
      request.verb = Verb::kList;
      request.kind = kind;
      for (const AnyObject& object : memory_->Handle(request).list.items) {
        versions[std::string(InfoOf(kind).resource) + "/" + KeyOf(object.meta()).ToString()] =
            object.meta().resourceVersion.view();
      }
    }
    return versions;
  }
};

TEST_F(RecordCommandTest, WhatItWroteEndsAsTheServerDoes) {
  Start();
  CreatePod("web-1");
  CreatePod("web-2");
  SharedText out_text;
  SharedText err_text;
  int exit_code = -1;
  std::thread recording([&] {
    std::istringstream in;
    std::ostream out(&out_text);
    std::ostream err(&err_text);
    const std::string url = "http://127.0.0.1:" + std::to_string(http_->port());
    exit_code = RunCli({"record", "--master", url}, Streams{in, out, err});
  });
  EXPECT_TRUE(out_text.WaitFor("\"name\":\"web-2\"")) << out_text.text();
  CreatePod("web-3");
  Body(client_->Patch(std::string(kPods) + "/web-2", R"({"metadata":{"labels":{"app":"other"}}})",
                      "application/merge-patch+json"),
       200);
  Body(client_->Post(kSlices, SliceJson("web-x"), kJson), 201);
  EXPECT_TRUE(out_text.WaitFor("\"name\":\"web-3\"")) << out_text.text();
  EXPECT_TRUE(out_text.WaitFor("\"app\":\"other\"")) << out_text.text();
  EXPECT_TRUE(out_text.WaitFor("\"name\":\"web-x\"")) << out_text.text();
  Body(client_->Delete(std::string(kPods) + "/web-1?gracePeriodSeconds=0"), 200);
  EXPECT_TRUE(out_text.WaitFor("\"DELETED\"")) << out_text.text();
  pthread_kill(recording.native_handle(), SIGTERM);
  recording.join();
  EXPECT_EQ(exit_code, kExitOk) << err_text.text();
  EXPECT_NE(err_text.text().find("8 objects, 4 events, "), std::string::npos) << err_text.text();

  const std::string file = testing::TempDir() + "/recorded.jsonl";
  std::ofstream(file, std::ios::binary) << out_text.text();
  const std::map<std::string, std::string> want = ServerState();
  EXPECT_EQ(want.size(), 8u);
  EXPECT_EQ(EndState(file), want);
}

TEST_F(RecordCommandTest, TheNameOfTheFileSaysHowItIsCompressed) {
  Start();
  CreatePod("web-1");
  const std::string url = "http://127.0.0.1:" + std::to_string(http_->port());
  const std::string file = testing::TempDir() + "recorded.jsonl.gz";
  SharedText err_text;
  int exit_code = -1;
  std::thread recording([&] {
    std::istringstream in;
    std::ostringstream out;
    std::ostream err(&err_text);
    exit_code = RunCli({"record", "--master", url, "--out", file}, Streams{in, out, err});
  });
  // Each kind is watched once it was listed.
  const RealClock clock;
  const Instant until = clock.Now() + std::chrono::seconds(20);
  while (http_->watches() < 5 && clock.Now() < until) std::this_thread::yield();
  pthread_kill(recording.native_handle(), SIGTERM);
  recording.join();
  EXPECT_EQ(exit_code, kExitOk) << err_text.text();
  EXPECT_EQ(EndState(file), ServerState());
  std::ifstream bytes(file, std::ios::binary);
  EXPECT_EQ(bytes.get(), 0x1f);
}

TEST_F(RecordCommandTest, AnUnreachableServerIsToldOnce) {
  Start();
  const std::string url = "http://127.0.0.1:" + std::to_string(http_->port());
  http_->Stop();
  const CliResult result = RunCliTest({"record", "--master", url, "--duration", "300ms"});
  EXPECT_EQ(result.exit_code, kExitNotAllWell);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
  EXPECT_NE(result.err.find("trying again"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("not listed: namespaces, nodes, pods"), std::string::npos) << result.err;
}

TEST(RecordUsageTest, BadInputIsOneLine) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{"--kubeconfig", "/no/such/file"}, "/no/such/file"},
      {{"--kubeconfig", SourcePath("README.md")}, "README.md"},
      {{"--master", "nonsense"}, "nonsense"},
      {{"--master", "http://127.0.0.1:1", "--out", "/no/such/folder/x"}, "cannot be written"},
      {{"--master", "http://127.0.0.1:1", "--out", "/dev/null/x.zst"}, "cannot be written"},
      {{"--duration", "soon"}, "is no duration"},
  };
  for (const auto& [flags, want] : cases) {
    std::vector<std::string> args = {"record"};
    args.insert(args.end(), flags.begin(), flags.end());
    const CliResult result = RunCliTest(args);
    EXPECT_EQ(result.exit_code, kExitBadInput) << result.err;
    EXPECT_NE(result.err.find(want), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace epslice::sim

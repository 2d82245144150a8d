#include "informers/http/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "apis/time_format.h"
#include "informers/http/exec_credential.h"
#include "informers/http/process.h"
#include "no_threads.h"
#include "pki.h"

namespace epslice {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr char kV1[] = "client.authentication.k8s.io/v1";

std::string TextOf(const absl::Status& s) { return std::string(s.message()); }

std::string Authorization(Credentials* credentials) {
  const auto value = credentials->Get(nullptr);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? value->authorization : "";
}

class CredentialsTest : public testing::Test {
 protected:
  std::shared_ptr<Credentials> New(const CredentialSource& source) {
    auto credentials = NewCredentials(source, &clock_);
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    return credentials.ok() ? *credentials : nullptr;
  }
  // A plugin that prints what the file "answer" says, and notes each run.
  std::shared_ptr<Credentials> NewPlugin(ExecPluginConfig config = {}) {
    config.api_version = kV1;
    config.command = dir_.WriteScript("plugin", "cd '" + dir_.path() +
                                                    "'; echo run >>runs; echo \"$KUBERNETES_EXEC_INFO\" >info; "
                                                    "echo \"$0 $* $EXTRA\" >args; cat answer; exit $(cat code)");
    dir_.Write("code", "0");
    CredentialSource source;
    source.exec = config;
    return New(source);
  }
  void Answer(const std::string& status) {
    dir_.Write("answer",
               "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" + std::string(kV1) + "\",\"status\":" + status + "}");
  }
  void AnswerToken(const std::string& token, Duration lives = Duration(0)) {
    const std::string until = FormatRfc3339(Timestamp{clock_.WallNow().nanos + lives.count()});
    Answer("{\"token\":\"" + token + "\"" +
           (lives > Duration(0) ? ",\"expirationTimestamp\":\"" + until + "\"" : std::string()) + "}");
  }
  int Runs() const { return static_cast<int>(dir_.Read("runs").size() / 4); }

  TempDir dir_;
  FakeClock clock_;
};

TEST_F(CredentialsTest, NoneAreNull) { EXPECT_EQ(New({}), nullptr); }

TEST_F(CredentialsTest, ATokenInPlaceStays) {
  CredentialSource source;
  source.token = "abc";
  const auto credentials = New(source);
  EXPECT_EQ(Authorization(credentials.get()), "Bearer abc");
  EXPECT_FALSE(credentials->Refresh(credentials->Get(nullptr)->generation, nullptr));
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainWithinAMinute) {
  CredentialSource source;
  source.token = "not this";
  source.token_file = dir_.Write("token", " one\n");
  const auto credentials = New(source);
  EXPECT_EQ(Authorization(credentials.get()), "Bearer one");
  dir_.Write("token", "two");
  clock_.Advance(seconds(49));
  EXPECT_EQ(Authorization(credentials.get()), "Bearer one");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Authorization(credentials.get()), "Bearer two");
  // While there is none, or nonsense, the last one stays, and is looked for
  // again sooner.
  dir_.Write("token", "");
  clock_.Advance(seconds(60));
  EXPECT_EQ(Authorization(credentials.get()), "Bearer two");
  dir_.Write("token", "three");
  EXPECT_EQ(Authorization(credentials.get()), "Bearer two");
  clock_.Advance(seconds(10));
  EXPECT_EQ(Authorization(credentials.get()), "Bearer three");
}

TEST_F(CredentialsTest, AFileThatWentBadIsToldOnce) {
  const Identity one = Issue("one", {});
  CredentialSource source;
  source.token_file = dir_.Write("token", "one");
  source.certificate_file = dir_.Write("crt", one.certificate_pem);
  source.key_file = dir_.Write("key", one.key_pem);
  const auto credentials = New(source);
  std::vector<std::string> told;
  credentials->OnTrouble([&told](const absl::Status& status) { told.push_back(status.ok() ? "OK" : TextOf(status)); });
  const auto look = [&] {
    clock_.Advance(seconds(60));
    EXPECT_TRUE(credentials->Get(nullptr).ok());
    return std::exchange(told, {});
  };
  EXPECT_THAT(look(), testing::IsEmpty());
  dir_.Write("token", " ");
  EXPECT_THAT(look(), testing::ElementsAre(dir_.path() + "/token: is empty"));
  EXPECT_THAT(look(), testing::IsEmpty()) << "the same for as long as it lasts";
  dir_.Write("token", "s3cret and more");
  EXPECT_THAT(look(), testing::ElementsAre(dir_.path() + "/token: is no token"));
  dir_.Write("token", "two");
  EXPECT_THAT(look(), testing::ElementsAre("OK"));
  dir_.Write("key", Issue("two", {}).key_pem);
  const std::vector<std::string> mismatch = look();
  ASSERT_EQ(mismatch.size(), 1U);
  EXPECT_THAT(mismatch[0], testing::StartsWith(dir_.path() + "/crt: "));
  dir_.Write("key", one.key_pem);
  EXPECT_THAT(look(), testing::ElementsAre("OK"));
}

TEST_F(CredentialsTest, ARefusedTokenIsReadAgainAtOnce) {
  CredentialSource source;
  source.token_file = dir_.Write("token", "one");
  const auto credentials = New(source);
  const auto generation = credentials->Get(nullptr)->generation;
  EXPECT_FALSE(credentials->Refresh(generation, nullptr)) << "there is no other";
  dir_.Write("token", "two");
  EXPECT_TRUE(credentials->Refresh(generation, nullptr));
  EXPECT_TRUE(credentials->Refresh(generation, nullptr)) << "of another thread, refused at the same time";
  EXPECT_EQ(Authorization(credentials.get()), "Bearer two");
  EXPECT_FALSE(credentials->Refresh(credentials->Get(nullptr)->generation, nullptr));
}

TEST_F(CredentialsTest, CertificateFilesAreReadAgainTogether) {
  const Identity one = Issue("one", {});
  const Identity two = Issue("two", {});
  CredentialSource source;
  source.certificate_file = dir_.Write("crt", one.certificate_pem);
  source.key_file = dir_.Write("key", one.key_pem);
  const auto credentials = New(source);
  EXPECT_EQ(*credentials->Get(nullptr)->identity, one);
  EXPECT_EQ(credentials->Get(nullptr)->authorization, "");
  dir_.Write("crt", two.certificate_pem);
  clock_.Advance(seconds(60));
  EXPECT_EQ(*credentials->Get(nullptr)->identity, one) << "half of a rotation is none";
  EXPECT_EQ(credentials->certificate_pem(), one.certificate_pem);
  dir_.Write("key", two.key_pem);
  clock_.Advance(seconds(10));
  EXPECT_EQ(credentials->certificate_pem(), one.certificate_pem) << "reads nothing by itself";
  EXPECT_EQ(*credentials->Get(nullptr)->identity, two);
  EXPECT_EQ(credentials->certificate_pem(), two.certificate_pem);
  EXPECT_FALSE(credentials->from_plugin());
}

TEST_F(CredentialsTest, WhatIsNotThereAtTheStartIsAnError) {
  CredentialSource source;
  source.token_file = dir_.path() + "/token";
  EXPECT_EQ(TextOf(NewCredentials(source, &clock_).status()), source.token_file + ": no such file");
  dir_.Write("token", "s3cret and more");
  EXPECT_EQ(TextOf(NewCredentials(source, &clock_).status()), source.token_file + ": is no token");
  dir_.Write("token", " \n");
  EXPECT_EQ(TextOf(NewCredentials(source, &clock_).status()), source.token_file + ": is empty");
}

TEST_F(CredentialsTest, APluginIsToldWhatItNeeds) {
  ExecPluginConfig config;
  config.args = {"get", "$(touch x)", "a b"};
  config.env = {{"EXTRA", "extra"}};
  config.cluster_json = R"({"server":"https://h"})";
  const auto plugin = NewPlugin(config);
  EXPECT_EQ(Runs(), 0) << "not before it is asked";
  AnswerToken("abc");
  EXPECT_EQ(Authorization(plugin.get()), "Bearer abc");
  EXPECT_EQ(dir_.Read("args"), dir_.path() + "/plugin get $(touch x) a b extra\n");
  EXPECT_EQ(dir_.Read("info"),
            "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
            "\"spec\":{\"cluster\":{\"server\":\"https://h\"},\"interactive\":false}}\n");
}

TEST_F(CredentialsTest, APluginRunsWhenItsTokenHasExpired) {
  const auto plugin = NewPlugin();
  AnswerToken("one", seconds(100));
  EXPECT_EQ(Authorization(plugin.get()), "Bearer one");
  clock_.Advance(seconds(99));
  AnswerToken("two");
  EXPECT_EQ(Authorization(plugin.get()), "Bearer one");
  EXPECT_EQ(Runs(), 1);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Authorization(plugin.get()), "Bearer two");
  clock_.Advance(std::chrono::hours(1000));
  EXPECT_EQ(Authorization(plugin.get()), "Bearer two") << "without a time it is good for ever";
  EXPECT_EQ(Runs(), 2);
}

TEST_F(CredentialsTest, APluginRunsWhenItsTokenIsRefusedButNotWithoutEnd) {
  const auto plugin = NewPlugin();
  AnswerToken("one");
  const auto first = plugin->Get(nullptr)->generation;
  AnswerToken("two");
  EXPECT_TRUE(plugin->Refresh(first, nullptr));
  EXPECT_TRUE(plugin->Refresh(first, nullptr)) << "of another thread";
  EXPECT_EQ(Runs(), 2);
  const auto second = plugin->Get(nullptr)->generation;
  EXPECT_FALSE(plugin->Refresh(second, nullptr)) << "refused again";
  EXPECT_EQ(Runs(), 2);
  clock_.Advance(kExecPluginPause);
  EXPECT_TRUE(plugin->Refresh(second, nullptr));
  EXPECT_EQ(Runs(), 3);
}

TEST_F(CredentialsTest, APluginMayGiveACertificate) {
  const auto plugin = NewPlugin();
  const Identity me = Issue("me", {});
  const auto json = [](std::string s) {
    for (std::size_t i = 0; (i = s.find('\n', i)) != std::string::npos; i += 2) s.replace(i, 1, "\\n");
    return s;
  };
  const auto answer = [&](const Identity& identity) {
    Answer("{\"clientCertificateData\":\"" + json(identity.certificate_pem) + "\",\"clientKeyData\":\"" +
           json(identity.key_pem) + "\"}");
  };
  std::vector<std::string> rotated;
  plugin->OnRotation([&rotated](const std::string& pem) { rotated.push_back(pem); });
  EXPECT_TRUE(plugin->from_plugin());
  EXPECT_EQ(plugin->certificate_pem(), "") << "does not run it";
  answer(me);
  const auto value = plugin->Get(nullptr);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value->identity, me);
  EXPECT_EQ(value->authorization, "");
  EXPECT_EQ(plugin->certificate_pem(), me.certificate_pem);
  EXPECT_THAT(rotated, testing::IsEmpty());

  const Identity next = Issue("me", {});
  answer(next);
  EXPECT_TRUE(plugin->Refresh(value->generation, nullptr));
  EXPECT_EQ(plugin->certificate_pem(), next.certificate_pem);
  EXPECT_THAT(rotated, testing::ElementsAre(me.certificate_pem));
}

TEST_F(CredentialsTest, APluginThatFailsIsLeftAloneForAWhileAndTellsNoSecret) {
  const auto plugin = NewPlugin({.api_version = "",
                                 .command = "",
                                 .args = {"s3cret"},
                                 .env = {{"A", "s3cret"}},
                                 .install_hint = "",
                                 .cluster_json = ""});
  AnswerToken("s3cret");
  dir_.Write("code", "3");
  const std::string prefix = "exec plugin \"" + dir_.path() + "/plugin\": ";
  EXPECT_EQ(TextOf(plugin->Get(nullptr).status()), prefix + "ended with exit code 3");
  dir_.Write("code", "0");
  EXPECT_EQ(TextOf(plugin->Get(nullptr).status()), prefix + "ended with exit code 3");
  EXPECT_EQ(Runs(), 1);
  const std::pair<const char*, const char*> kBad[] = {
      {"s3cret", "its output is not an ExecCredential in JSON"},
      {"{\"kind\":\"s3cret\"}", "its output is not an ExecCredential in JSON"},
      {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}",
       "it was asked for apiVersion \"client.authentication.k8s.io/v1\" and gave "
       "\"client.authentication.k8s.io/v1beta1\""},
      {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":\"s3cret\"}",
       "its ExecCredential has no status"},
  };
  for (const auto& [answer, message] : kBad) {
    dir_.Write("answer", answer);
    clock_.Advance(kExecPluginPause);
    EXPECT_EQ(TextOf(plugin->Get(nullptr).status()), prefix + message);
  }
  const std::pair<const char*, const char*> kBadStatus[] = {
      {"{}", "its ExecCredential holds neither token nor client certificate"},
      {"{\"token\":5}", "status.token is not a string"},
      {"{\"token\":\"s3cret\\r\\nX: y\"}", "status.token holds blanks or control characters"},
      {"{\"clientKeyData\":\"s3cret\"}", "of status.clientCertificateData and status.clientKeyData there is only one"},
      {"{\"clientKeyData\":\"s3cret\",\"clientCertificateData\":\"s3cret\"}",
       "status.clientCertificateData: there is no PEM certificate in the certificate"},
      {"{\"token\":\"s3cret\",\"expirationTimestamp\":\"soon\"}", "status.expirationTimestamp is no RFC 3339 time"},
  };
  for (const auto& [status, message] : kBadStatus) {
    Answer(status);
    clock_.Advance(kExecPluginPause);
    EXPECT_EQ(TextOf(plugin->Get(nullptr).status()), prefix + message);
  }
}

// A failure of this one call, and no exception that ends the process.
TEST_F(CredentialsTest, APluginForWhichThereIsNoThreadFails) {
  const auto credentials = NewPlugin();
  AnswerToken("one");
  {
    const NoThreads none;
    for (int i = 0; i < 2; ++i) {
      const auto value = credentials->Get(nullptr);
      EXPECT_THAT(TextOf(value.status()), HasSubstr("/plugin\": cannot be run: no thread for it: "));
      EXPECT_FALSE(credentials->Refresh(0, nullptr));
    }
  }
  EXPECT_EQ(Runs(), 0);
  clock_.Advance(kExecPluginPause);
  EXPECT_EQ(Authorization(credentials.get()), "Bearer one");
  EXPECT_EQ(Runs(), 1);
}

TEST_F(CredentialsTest, APluginThatIsNotThereComesWithAHint) {
  CredentialSource source;
  source.exec = ExecPluginConfig{.api_version = kV1,
                                 .command = "epslice-no-such-plugin",
                                 .args = {},
                                 .env = {},
                                 .install_hint = "get it\nhere",
                                 .cluster_json = ""};
  EXPECT_EQ(TextOf(New(source)->Get(nullptr).status()),
            "exec plugin \"epslice-no-such-plugin\": there is no such program: \"get it?here\"");
}

TEST_F(CredentialsTest, ManyThreadsRunAPluginOnce) {
  const auto plugin = NewPlugin();
  AnswerToken("abc");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(Authorization(plugin.get()), "Bearer abc"); });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(Runs(), 1);
}

// Waits while there is a file "hang".
class SlowPluginTest : public CredentialsTest {
 protected:
  SlowPluginTest() {
    CredentialSource source;
    source.exec.emplace();
    source.exec->api_version = kV1;
    source.exec->command = dir_.WriteScript(
        "slow", "cd '" + dir_.path() + "'; echo run >>runs; while [ -e hang ]; do sleep 0.01; done; cat answer");
    dir_.Write("hang", "");
    AnswerToken("abc");
    plugin_ = New(source);
  }
  void LetItGo() { std::filesystem::remove(dir_.path() + "/hang"); }
  void WaitForRuns(int n) {
    while (!std::filesystem::exists(dir_.path() + "/runs") || Runs() < n) std::this_thread::yield();
  }
  std::future<absl::Status> Ask(CancelToken* cancel, Duration patience) {
    return std::async(std::launch::async, [=, this] { return plugin_->Get(cancel, patience).status(); });
  }

  std::shared_ptr<Credentials> plugin_;
};

TEST_F(SlowPluginTest, NobodyWaitsLongerThanHeWill) {
  std::future<absl::Status> lease = Ask(nullptr, seconds(5));
  WaitForRuns(1);
  std::future<absl::Status> other = Ask(nullptr, seconds(50));
  while (lease.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) clock_.Advance(seconds(1));
  EXPECT_EQ(TextOf(lease.get()), "exec plugin \"" + dir_.path() + "/slow\": takes longer than 5s");
  LetItGo();
  EXPECT_TRUE(other.get().ok()) << "what it says is heard all the same";
  EXPECT_EQ(Authorization(plugin_.get()), "Bearer abc");
  EXPECT_EQ(Runs(), 1);
}

TEST_F(SlowPluginTest, WhoIsCancelledWaitsNoMore) {
  CancelToken one, two;
  std::future<absl::Status> first = Ask(&one, seconds(60));
  WaitForRuns(1);
  std::future<absl::Status> second = Ask(&two, seconds(60));
  one.Cancel();
  EXPECT_TRUE(absl::IsCancelled(first.get()));
  two.Cancel();
  EXPECT_TRUE(absl::IsCancelled(second.get()));
  EXPECT_TRUE(absl::IsCancelled(plugin_->Get(&two).status()));
  EXPECT_EQ(Runs(), 1) << "not for who is cancelled";
  LetItGo();
  EXPECT_EQ(Authorization(plugin_.get()), "Bearer abc") << "no failure of the plugin's";
}

TEST_F(SlowPluginTest, IsKilledWithItsCredentials) {
  std::future<absl::Status> first = Ask(nullptr, seconds(0));
  EXPECT_FALSE(first.get().ok());
  WaitForRuns(1);
  plugin_.reset();
}

TEST(ProcessTest, OutputAndTimeAreBounded) {
  const TempDir dir;
  const RealClock real;
  ProcessOptions options;
  options.max_output_bytes = 10'000;
  options.argv = {dir.WriteScript("loud", "while :; do echo 0123456789; done")};
  EXPECT_EQ(TextOf(RunProcess(options, &real, nullptr).status()), "writes more than 10000 bytes");

  // Killed together with what it started, which holds its output open.
  FakeClock clock;
  options.argv = {dir.WriteScript("slow", "touch '" + dir.path() + "/started'; tail -f /dev/null & tail -f /dev/null")};
  options.timeout = seconds(5);
  auto slow = std::async(std::launch::async, [&] { return RunProcess(options, &clock, nullptr).status(); });
  while (!std::filesystem::exists(dir.path() + "/started")) std::this_thread::yield();
  EXPECT_EQ(slow.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  clock.Advance(seconds(5));
  EXPECT_EQ(TextOf(slow.get()), "takes longer than 5 s");

  // It closes its output and goes on.
  options.argv = {dir.WriteScript("mute", "exec >&-; exec sleep 1000")};
  CancelToken cancel;
  auto mute = std::async(std::launch::async, [&] { return RunProcess(options, &clock, &cancel).status(); });
  EXPECT_EQ(mute.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  cancel.Cancel();
  EXPECT_TRUE(absl::IsCancelled(mute.get()));

  options.argv = {dir.WriteScript("killed", "kill -9 $$")};
  EXPECT_EQ(TextOf(RunProcess(options, &clock, nullptr).status()), "was ended by signal 9");
  options.argv = {dir.Write("plain", "no program")};
  EXPECT_THAT(TextOf(RunProcess(options, &clock, nullptr).status()), HasSubstr("cannot be run: "));
  options.argv = {"cat"};
  EXPECT_EQ(*RunProcess(options, &clock, nullptr), "") << "there is nothing on its input";
}

}  // namespace
}  // namespace epslice

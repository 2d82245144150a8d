// endpointslice-sim serve as the suite's API server.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/e2e/pki_files.h"
#include "test/e2e/process.h"
#include "test/e2e/request_log.h"
#include "test/e2e/test_server.h"

namespace epslice::e2e {
namespace {

// serve reads them at its start. More than replicas are ever started: each takes one.
constexpr int kTokensPerAccount = 256;
// Above the 50 s for which a controller may not look at its token's file.
constexpr int kMinTokenSeconds = 60;
// Few enough that a watch which was away for a while finds its place gone, as
// with the caches of a kube-apiserver.
constexpr int kWatchHistory = 1000;

constexpr char kProgram[] = EPSLICE_BIN_DIR "/endpointslice-sim";

// Whether the program enforces roles.
bool KnowsRbac() {
  const std::unique_ptr<Child> help = Launch({kProgram, "serve", "--help"});
  help->Wait();
  return Says(*help, "--authorization-mode");
}

struct Token {
  std::string token;
  std::string account;
  bool taken = false;
};

class EmbeddedServer : public TestServer {
 public:
  EmbeddedServer(ControllerAccounts accounts, const std::string& scratch)
      : accounts_(std::move(accounts)),
        scratch_(scratch),
        port_(FreePort()),
        pki_(MakeServerPki(scratch)),
        admin_token_(RandomToken()),
        admin_(AdminConfig("endpointslice-sim serve", port_, pki_, admin_token_)) {
    for (const std::string& account : accounts_.names) {
      for (int i = 0; i < kTokensPerAccount; ++i) tokens_.push_back({RandomToken(), account, false});
    }
  }
  ~EmbeddedServer() override { EndChild(&child_, std::chrono::seconds(5)); }

  std::string Description() const override { return "endpointslice-sim serve, over TLS with tokens"; }
  const ClientConfig& admin() const override { return admin_; }
  bool collects_garbage() const override { return true; }

  std::string TakeToken(const std::string& account) override {
    for (Token& token : tokens_) {
      if (token.account == account && !std::exchange(token.taken, true)) return token.token;
    }
    ADD_FAILURE() << "all tokens of " << account << " are taken";
    return "none";
  }

  absl::Status Start() override {
    std::string csv = admin_token_ + ",admin,admin,\"system:masters\"\n";
    for (const Token& token : tokens_) {
      csv += token.token + "," + accounts_.UserOf(token.account) + "," + token.account + "\n";
    }
    WritePrivateFile(scratch_ + "/tokens.csv", csv);
    std::vector<std::string> args = {kProgram,
                                     "serve",
                                     "--listen=127.0.0.1:" + std::to_string(port_),
                                     "--tls-cert-file=" + pki_.cert_file,
                                     "--tls-private-key-file=" + pki_.key_file,
                                     "--token-auth-file=" + scratch_ + "/tokens.csv",
                                     "--state=" + scratch_ + "/state.jsonl",
                                     "--watch-history=" + std::to_string(kWatchHistory),
                                     "--min-token-seconds=" + std::to_string(kMinTokenSeconds),
                                     "-v=1"};
    if (rbac_) args.emplace_back("--authorization-mode=RBAC");
    child_ = Launch(std::move(args));
    if (Poll(std::chrono::seconds(30), [this] { return Says(*child_, "serving https://") || child_->Ended(); }) &&
        !child_->Ended()) {
      return absl::OkStatus();
    }
    return absl::InternalError("endpointslice-sim serve does not come up: " + child_->output());
  }
  absl::Status Stop() override {
    log_ += child_->output();
    const int code = EndChild(&child_, std::chrono::seconds(20));
    if (code == 0) return absl::OkStatus();
    return absl::InternalError("endpointslice-sim serve ended with " + std::to_string(code));
  }
  absl::Status Compact() override {
    // What a restart keeps is the present alone.
    if (absl::Status status = Stop(); !status.ok()) return status;
    return Start();
  }
  absl::Status RevokeToken(const std::string& token) override {
    std::erase_if(tokens_, [&token](const Token& other) { return other.token == token; });
    // The file is read at the start, as kube-apiserver does.
    if (absl::Status status = Stop(); !status.ok()) return status;
    return Start();
  }
  Duration shortest_token() const override { return std::chrono::seconds(kMinTokenSeconds); }
  std::vector<LoggedRequest> Log() const override {
    return ReadAccessLog(log_ + (child_ == nullptr ? std::string() : child_->output()));
  }
  std::string Output() const override { return child_ == nullptr ? "" : LastLines(child_->output(), 20); }

 private:
  const ControllerAccounts accounts_;
  const std::string scratch_;
  const bool rbac_ = KnowsRbac();
  const int port_;
  const ServerPki pki_;
  const std::string admin_token_;
  const ClientConfig admin_;
  std::vector<Token> tokens_;
  std::unique_ptr<Child> child_;
  std::string log_;  // of the processes before
};

}  // namespace

absl::StatusOr<std::unique_ptr<TestServer>> StartEmbeddedServer(const ControllerAccounts& accounts,
                                                                const std::string& scratch) {
  auto server = std::make_unique<EmbeddedServer>(accounts, scratch);
  if (absl::Status status = server->Start(); !status.ok()) return status;
  return server;
}

}  // namespace epslice::e2e

#include "informers/http/credentials.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "apis/cat.h"
#include "apis/status_text.h"
#include "informers/http/exec_credential.h"
#include "informers/http/process.h"

namespace epslice {
namespace {

std::string Bearer(const std::string& token) { return token.empty() ? std::string() : "Bearer " + token; }

std::shared_ptr<const Identity> Shared(const Identity& identity) {
  return identity == Identity() ? nullptr : std::make_shared<const Identity>(identity);
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFileBounded(path);
  if (!text.ok()) return absl::InvalidArgumentError(Cat({path, ": ", MessageOf(text.status())}));
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text->find_first_not_of(kBlank);
  if (begin == std::string::npos) return absl::InvalidArgumentError(Cat({path, ": is empty"}));
  std::string token = text->substr(begin, text->find_last_not_of(kBlank) + 1 - begin);
  if (!IsTokenText(token)) return absl::InvalidArgumentError(Cat({path, ": is no token"}));
  return token;
}

absl::StatusOr<Identity> ReadIdentity(const CredentialSource& source) {
  Identity identity;
  for (const auto& [path, pem] :
       {std::pair(source.certificate_file, &identity.certificate_pem), std::pair(source.key_file, &identity.key_pem)}) {
    absl::StatusOr<std::string> text = ReadFileBounded(path);
    if (!text.ok()) return absl::InvalidArgumentError(Cat({path, ": ", MessageOf(text.status())}));
    *pem = *std::move(text);
  }
  // In the middle of a rotation certificate and key are not each other's.
  if (absl::Status status = CheckIdentity(identity); !status.ok()) {
    return absl::InvalidArgumentError(Cat({source.certificate_file, ": ", MessageOf(status)}));
  }
  return identity;
}

// Tokens and certificates in place or in files.
class FileCredentials : public Credentials {
 public:
  FileCredentials(CredentialSource source, const Clock* clock) : source_(std::move(source)), clock_(clock) {
    value_.authorization = Bearer(source_.token);
    value_.identity = Shared(source_.identity);
    Show(value_.identity);
  }

  absl::Status Start() {
    std::lock_guard<std::mutex> lock(mu_);
    return Read();
  }
  absl::StatusOr<Value> Get(const CancelToken*, Duration) override {
    std::lock_guard<std::mutex> lock(mu_);
    if (HasFiles() && clock_->Now() - read_at_ >= kCredentialFileAge) Read().IgnoreError();
    return value_;
  }
  bool Refresh(std::uint64_t generation, const CancelToken*, Duration) override {
    std::lock_guard<std::mutex> lock(mu_);
    if (generation == value_.generation && HasFiles()) Read().IgnoreError();
    return generation != value_.generation;
  }

 private:
  bool HasFiles() const { return !source_.token_file.empty() || !source_.certificate_file.empty(); }

  // What cannot be read stays as it was.
  absl::Status Read() {
    constexpr Duration kRetry = std::chrono::seconds(10);
    absl::Status result, later;
    read_at_ = clock_->Now();
    if (!source_.token_file.empty()) {
      absl::StatusOr<std::string> token = ReadToken(source_.token_file);
      if (!token.ok()) {
        // The token in place is what there is until then.
        (source_.token.empty() ? result : later) = token.status();
      } else if (std::string header = Bearer(*token); header != value_.authorization) {
        value_.authorization = std::move(header);
        ++value_.generation;
      }
    }
    if (!source_.certificate_file.empty()) {
      absl::StatusOr<Identity> identity = ReadIdentity(source_);
      if (!identity.ok()) {
        result = identity.status();
      } else if (value_.identity == nullptr || *identity != *value_.identity) {
        value_.identity = Shared(*identity);
        Show(value_.identity);
        ++value_.generation;
      }
    }
    if (!result.ok() || !later.ok()) read_at_ -= kCredentialFileAge - kRetry;
    TellOfTrouble(result.ok() ? later : result);
    return result;
  }

  const CredentialSource source_;
  const Clock* const clock_;
  std::mutex mu_;
  // Below: guarded by mu_.
  Value value_;
  Instant read_at_{0};
};

class ExecCredentials : public Credentials {
 public:
  ExecCredentials(ExecPluginConfig config, const Clock* clock) : config_(std::move(config)), clock_(clock) {}

  ~ExecCredentials() override {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (run_ != nullptr) run_->cancel.Cancel();
    }
    if (thread_.joinable()) thread_.join();
  }

  absl::StatusOr<Value> Get(const CancelToken* cancel, Duration patience) override {
    std::unique_lock<std::mutex> lock(mu_);
    const bool expired = expiration_.is_set() && clock_->WallNow() >= expiration_;
    if (!have_ || expired) {
      if (absl::Status status = Renew(&lock, cancel, patience); !status.ok()) return status;
    }
    return value_;
  }

  bool from_plugin() const override { return true; }

  bool Refresh(std::uint64_t generation, const CancelToken* cancel, Duration patience) override {
    std::unique_lock<std::mutex> lock(mu_);
    if (generation != value_.generation) return have_;
    // Somebody whom the server refuses whatever he says.
    const Instant now = clock_->Now();
    if (refused_at_.has_value() && now - *refused_at_ < kExecPluginPause) return false;
    refused_at_ = now;
    have_ = false;
    return Renew(&lock, cancel, patience).ok();
  }

 private:
  // One run of the plugin, and those who wait for it. Guarded by mu_, but `cancel`.
  struct PluginRun {
    CancelToken cancel;
    int waiting = 0;
    bool done = false;
    absl::Status status;
  };

  // With what a run says that begins now, or is under way: whoever comes while the
  // plugin runs waits for the same answer.
  absl::Status Renew(std::unique_lock<std::mutex>* lock, const CancelToken* cancel, Duration patience) {
    const Instant deadline = clock_->Now() + patience;
    for (;;) {
      if (cancel != nullptr && cancel->cancelled()) return absl::CancelledError("cancelled");
      if (run_ == nullptr || run_->done) {
        if (!failure_.ok() && clock_->Now() - failed_at_ < kExecPluginPause) return failure_;
        if (absl::Status started = Start(); !started.ok()) return started;
      }
      const std::shared_ptr<PluginRun> run = run_;
      ++run->waiting;
      absl::Status status = Await(run.get(), lock, cancel, deadline, patience);
      --run->waiting;
      // Nobody wants it any more.
      if (absl::IsCancelled(status) && run->waiting == 0) run->cancel.Cancel();
      if (!status.ok()) return status;
      // One that was killed since others did not want it: another has to be begun.
      if (!absl::IsCancelled(run->status)) return run->status;
    }
  }

  // OK: it is done, whatever it came to.
  absl::Status Await(const PluginRun* run, std::unique_lock<std::mutex>* lock, const CancelToken* cancel,
                     Instant deadline, Duration patience) const {
    // How soon it is noticed that somebody is cancelled, or has waited long enough.
    constexpr std::chrono::milliseconds kLook(20);
    while (!run->done) {
      if (cancel != nullptr && cancel->cancelled()) return absl::CancelledError("cancelled");
      if (clock_->Now() >= deadline) {
        return Failure(Cat({"takes longer than ", absl::FormatDuration(absl::FromChrono(patience))}));
      }
      done_.wait_for(*lock, kLook);
    }
    return absl::OkStatus();
  }

  // Where there is no thread to be had (a limit on tasks, no memory for a stack),
  // that is a failure as the plugin's own are: it may pass.
  absl::Status Start() {
    if (thread_.joinable()) thread_.join();  // it has let go of mu_
    const auto run = std::make_shared<PluginRun>();
    try {
      thread_ = std::thread([this, run] {
        absl::StatusOr<ExecCredential> credential = Ask(&run->cancel);
        std::lock_guard<std::mutex> lock(mu_);
        run->status = Take(std::move(credential));
        run->done = true;
        done_.notify_all();
      });
    } catch (const std::system_error& e) {
      return Take(absl::UnavailableError(Cat({"cannot be run: no thread for it: ", e.code().message()})));
    }
    run_ = run;
    return absl::OkStatus();
  }

  absl::Status Failure(std::string_view why) const {
    return absl::FailedPreconditionError(Cat({"exec plugin ", QuoteForError(config_.command, 256), ": ", why}));
  }

  absl::Status Take(absl::StatusOr<ExecCredential> credential) {
    if (credential.ok()) {
      failure_ = absl::OkStatus();
      value_.authorization = Bearer(credential->token);
      if (value_.identity == nullptr || *value_.identity != credential->identity) {
        if (value_.identity != nullptr) TellOfRotation(*value_.identity);
        value_.identity = Shared(credential->identity);
        Show(value_.identity);
      }
      ++value_.generation;
      expiration_ = credential->expiration;
      have_ = true;
      return absl::OkStatus();
    }
    have_ = false;
    if (absl::IsCancelled(credential.status())) return credential.status();
    failed_at_ = clock_->Now();
    failure_ = Failure(MessageOf(credential.status()));
    return failure_;
  }

  absl::StatusOr<ExecCredential> Ask(const CancelToken* cancel) const {
    ProcessOptions process;
    process.argv.push_back(config_.command);
    process.argv.insert(process.argv.end(), config_.args.begin(), config_.args.end());
    process.env = config_.env;
    process.env.emplace_back("KUBERNETES_EXEC_INFO", ExecInfoJson(config_));
    process.timeout = kExecPluginTimeout;
    absl::StatusOr<std::string> output = RunProcess(process, clock_, cancel);
    if (absl::IsNotFound(output.status()) && !config_.install_hint.empty()) {
      return absl::NotFoundError(Cat({MessageOf(output.status()), ": ", QuoteForError(config_.install_hint, 400)}));
    }
    if (!output.ok()) return output.status();
    return ParseExecCredential(*output, config_.api_version);
  }

  const ExecPluginConfig config_;
  const Clock* const clock_;
  std::mutex mu_;
  // Below: guarded by mu_.
  Value value_;
  bool have_ = false;
  Timestamp expiration_;
  absl::Status failure_;  // of the last run
  Instant failed_at_{0};
  std::optional<Instant> refused_at_;
  std::shared_ptr<PluginRun> run_;  // the last one; null: none yet
  std::thread thread_;              // of it
  mutable std::condition_variable done_;
};

}  // namespace

std::string Credentials::certificate_pem() const {
  std::lock_guard<std::mutex> lock(shown_mu_);
  return shown_ == nullptr ? "" : shown_->certificate_pem;
}

void Credentials::Show(const std::shared_ptr<const Identity>& identity) {
  std::lock_guard<std::mutex> lock(shown_mu_);
  shown_ = identity;
}

absl::StatusOr<std::shared_ptr<Credentials>> NewCredentials(const CredentialSource& source, const Clock* clock) {
  if (source.exec.has_value()) {
    return std::shared_ptr<Credentials>(std::make_shared<ExecCredentials>(*source.exec, clock));
  }
  if (source.token.empty() && source.token_file.empty() && source.identity == Identity() &&
      source.certificate_file.empty()) {
    return std::shared_ptr<Credentials>();
  }
  auto files = std::make_shared<FileCredentials>(source, clock);
  if (absl::Status status = files->Start(); !status.ok()) return status;
  return std::shared_ptr<Credentials>(std::move(files));
}

}  // namespace epslice

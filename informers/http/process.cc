#include "informers/http/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "apis/cat.h"

namespace epslice {
namespace {

// How soon a time-out, or that nobody wants the output, is noticed.
constexpr int kSliceMs = 20;

absl::Status Failed(std::initializer_list<std::string_view> parts) { return absl::FailedPreconditionError(Cat(parts)); }

std::vector<std::string> Environment(const ProcessOptions& options) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : options.env) all[name] = value;
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& [name, value] : all) out.push_back(Cat({name, "=", value}));
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> out;
  out.reserve(strings->size() + 1);
  for (std::string& s : *strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

// What is set up for posix_spawn, and undone after it.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes_);
    // Our threads block signals and ignore SIGPIPE; the program should not.
    sigset_t none;
    sigset_t pipe;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

class Running {
 public:
  Running(pid_t pid, int output, const ProcessOptions& options, const Clock* clock, const CancelToken* cancel)
      : pid_(pid),
        output_(output),
        options_(options),
        clock_(clock),
        cancel_(cancel),
        deadline_(clock->Now() + options.timeout) {}
  ~Running() {
    close(output_);
    if (ended_) return;
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  absl::Status ReadAll(std::string* out) {
    std::array<char, 4096> buffer{};
    for (;;) {
      if (absl::Status status = StillWanted(); !status.ok()) return status;
      pollfd p{output_, POLLIN, 0};
      if (poll(&p, 1, kSliceMs) <= 0) continue;
      const ssize_t n = read(output_, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed({"its output cannot be read: ", std::strerror(errno)});
      if (n == 0) return absl::OkStatus();
      out->append(buffer.data(), static_cast<std::size_t>(n));
      if (out->size() > options_.max_output_bytes) {
        return Failed({"writes more than ", std::to_string(options_.max_output_bytes), " bytes"});
      }
    }
  }
  absl::Status AwaitEnd() {
    for (;;) {
      int status = 0;
      const pid_t done = waitpid(pid_, &status, WNOHANG);
      if (done == pid_) {
        ended_ = true;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
        if (WIFEXITED(status)) return Failed({"ended with exit code ", std::to_string(WEXITSTATUS(status))});
        return Failed({"was ended by signal ", std::to_string(WTERMSIG(status))});
      }
      if (done < 0 && errno != EINTR) {
        ended_ = true;  // somebody else reaps children
        return Failed({"its exit code was lost"});
      }
      if (absl::Status wanted = StillWanted(); !wanted.ok()) return wanted;
      poll(nullptr, 0, kSliceMs);
    }
  }

 private:
  absl::Status StillWanted() const {
    if (cancel_ != nullptr && cancel_->cancelled()) return absl::CancelledError("cancelled");
    if (clock_->Now() < deadline_) return absl::OkStatus();
    return Failed({"takes longer than ",
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.timeout).count()), " s"});
  }

  const pid_t pid_;
  const int output_;
  const ProcessOptions& options_;
  const Clock* const clock_;
  const CancelToken* const cancel_;
  const Instant deadline_;
  bool ended_ = false;
};

}  // namespace

absl::StatusOr<std::string> RunProcess(const ProcessOptions& options, const Clock* clock, const CancelToken* cancel) {
  if (options.argv.empty()) return absl::NotFoundError("no program is named");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Failed({"cannot be run: ", std::strerror(errno)});
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> env = Environment(options);
  pid_t pid = 0;
  int error = 0;
  {
    const SpawnSettings settings(ends[1]);
    error = posix_spawnp(&pid, argv[0].c_str(), settings.actions(), settings.attributes(), Pointers(&argv).data(),
                         Pointers(&env).data());
  }
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    if (error == ENOENT) return absl::NotFoundError("there is no such program");
    return Failed({"cannot be run: ", std::strerror(error)});
  }
  Running running(pid, ends[0], options, clock, cancel);
  std::string output;
  absl::Status status = running.ReadAll(&output);
  if (status.ok()) status = running.AwaitEnd();
  if (!status.ok()) return status;
  return output;
}

}  // namespace epslice

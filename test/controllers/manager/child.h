// Child: a program run beside the test, its output read through a pipe.
#ifndef EPSLICE_TEST_CONTROLLERS_MANAGER_CHILD_H_
#define EPSLICE_TEST_CONTROLLERS_MANAGER_CHILD_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace epslice {

class Child {
 public:
  // `on_output` is called from a thread after each piece of output.
  Child(std::vector<std::string> args, std::function<void()> on_output) {
    std::array<int, 2> fds{};
    if (pipe2(fds.data(), O_CLOEXEC) != 0) return;
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that dies leaves nothing behind
      dup2(fds[1], STDOUT_FILENO);
      dup2(fds[1], STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(fds[1]);
    reader_ = std::thread([this, fd = fds[0], on_output = std::move(on_output)] {
      std::array<char, 4096> buffer{};
      for (ssize_t n; (n = read(fd, buffer.data(), buffer.size())) > 0;) {
        {
          std::lock_guard<std::mutex> lock(mu_);
          output_.append(buffer.data(), static_cast<std::size_t>(n));
        }
        on_output();
      }
      close(fd);
    });
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Nothing once it was waited for: its number may be another's by then, and
  // that of none, -1, would mean everybody.
  void Signal(int signal) {
    if (pid_ > 0) kill(pid_, signal);
  }
  // SIGSTOP, and waits until none of its threads runs: before that, it may
  // still see and do what comes after this call.
  void Suspend() {
    if (pid_ <= 0) return;
    kill(pid_, SIGSTOP);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
  }
  // Whether it has ended; Wait() still has to be called.
  bool Ended() const {
    siginfo_t info{};
    return pid_ <= 0 ||
           (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_);
  }
  // Waits for its end. The exit code, or 1000 + the signal that ended it.
  int Wait() {
    if (pid_ <= 0) return -1;
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    reader_.join();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  std::string output() const {
    std::lock_guard<std::mutex> lock(mu_);
    return output_;
  }

 private:
  pid_t pid_ = -1;
  std::thread reader_;
  mutable std::mutex mu_;
  std::string output_;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_CONTROLLERS_MANAGER_CHILD_H_

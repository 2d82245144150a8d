#include "test/bench/live/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace epslice::bench {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void Pause(const Clock& clock, Duration how_long) {
  std::mutex mu;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mu);
  const Instant end = clock.Now() + how_long;
  for (Instant now = clock.Now(); now < end; now = clock.Now()) never.wait_for(lock, end - now);
}

bool Await(const Clock& clock, Duration most, const std::function<bool()>& until, Duration every) {
  for (const Instant end = clock.Now() + most; !until(); Pause(clock, every)) {
    if (clock.Now() >= end) return until();
  }
  return true;
}

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "epslice-live-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for temporary files: " + name);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(std::vector<std::string> args, std::string log) : log_(std::move(log)) {
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const int out = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ != 0) {
    if (out >= 0) close(out);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives the measurement
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

Process::~Process() {
  if (!Running()) return;
  Signal(SIGKILL);
  Wait();
}

bool Process::Running() {
  if (pid_ <= 0) return false;
  if (waitpid(pid_, &status_, WNOHANG) != pid_) return true;
  pid_ = -1;
  return false;
}

void Process::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int Process::Wait() {
  if (pid_ > 0) waitpid(pid_, &status_, 0);
  pid_ = -1;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 1000 + WTERMSIG(status_);
}

std::string Process::Output() const { return ReadAll(log_); }

Duration Process::Cpu() const {
  clockid_t clock = 0;
  timespec time{};
  if (pid_ <= 0 || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return Duration(0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Process::Sample Process::Look() const {
  Sample sample;
  const std::string proc = "/proc/" + std::to_string(pid_);
  std::istringstream status(ReadAll(proc + "/status"));
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    double value = 0;
    words >> key >> value;
    if (key == "VmHWM:") sample.peak_rss_mb = value / 1024;
    if (key == "VmRSS:") sample.rss_mb = value / 1024;
    if (key == "Threads:") sample.threads = static_cast<int>(value);
  }
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(proc + "/fd", ignored), end; it != end; it.increment(ignored)) {
    ++sample.descriptors;
  }
  return sample;
}

bool Process::ResetPeak() const {
  std::ofstream file("/proc/" + std::to_string(pid_) + "/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

}  // namespace epslice::bench

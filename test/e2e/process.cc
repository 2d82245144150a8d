#include "test/e2e/process.h"

#include <sys/stat.h>

#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <sstream>
#include <utility>

#include "test/informers/http/raw_client.h"

namespace epslice::e2e {

std::unique_ptr<Child> Launch(std::vector<std::string> args) {
  return std::make_unique<Child>(std::move(args), [] {});
}

int EndChild(std::unique_ptr<Child>* child, Duration patience) {
  if (*child == nullptr) return 0;
  (*child)->Signal(SIGTERM);
  if (!Poll(patience, [&] { return (*child)->Ended(); })) (*child)->Signal(SIGKILL);
  const int code = (*child)->Wait();
  child->reset();
  return code;
}

bool Says(const Child& child, const std::string& part) { return child.output().find(part) != std::string::npos; }

std::string LastLines(const std::string& text, int lines) {
  std::size_t begin = text.size();
  for (int i = 0; i <= lines && begin != std::string::npos && begin > 0; ++i) begin = text.rfind('\n', begin - 1);
  return text.substr(begin == std::string::npos ? 0 : begin);
}

bool Poll(Duration most, const std::function<bool()>& condition) {
  constexpr Duration kPause = std::chrono::milliseconds(30);
  const RealClock clock;
  const Instant end = clock.Now() + most;
  std::mutex mu;
  std::condition_variable nobody;
  while (!condition()) {
    if (clock.Now() >= end) return false;
    std::unique_lock<std::mutex> lock(mu);
    nobody.wait_for(lock, kPause);
  }
  return true;
}

int FreePort() { return TakenPort().number(); }

std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void WritePrivateFile(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    chmod(beside.c_str(), 0600);
    out << text;
  }
  std::rename(beside.c_str(), path.c_str());
}

}  // namespace epslice::e2e

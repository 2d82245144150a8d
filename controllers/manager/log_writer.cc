#include "controllers/manager/log_writer.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace epslice {
namespace {

// What can be written to without waiting.
enum class LogTarget : std::uint8_t { kPipe, kSocket, kOther };

LogTarget TargetOf(int fd) {
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return LogTarget::kOther;
  return S_ISFIFO(facts.st_mode) ? LogTarget::kPipe : S_ISSOCK(facts.st_mode) ? LogTarget::kSocket : LogTarget::kOther;
}

bool TakesSome(int fd, int timeout_ms) {
  pollfd p{fd, POLLOUT, 0};
  return poll(&p, 1, timeout_ms) > 0;
}

// One attempt that does not block: as write(2), EAGAIN where it would. A pipe with
// room takes PIPE_BUF bytes at least, and would wait for room for more.
ssize_t WriteSome(int fd, LogTarget target, std::string_view bytes) {
  if (target == LogTarget::kSocket) return send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!TakesSome(fd, 0)) {
    errno = EAGAIN;
    return -1;
  }
  return write(fd, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

struct LogWritten {
  std::size_t bytes = 0;
  bool failed = false;  // no use to try the rest
};

LogWritten WriteBytes(int fd, LogTarget target, bool may_block, std::string_view bytes) {
  LogWritten done;
  while (done.bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(done.bytes);
    const ssize_t n = may_block ? write(fd, rest.data(), rest.size()) : WriteSome(fd, target, rest);
    if (n > 0) {
      done.bytes += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!may_block) return done;
      TakesSome(fd, -1);  // others may have set O_NONBLOCK on what we share
    } else {
      done.failed = true;
      return done;
    }
  }
  return done;
}

}  // namespace

// Shared with the thread, which the writer may leave behind.
struct LogWriter::State {
  explicit State(LogWriterOptions o) : options(std::move(o)), target(TargetOf(options.fd)) {}

  // Lines in the order they go out.
  struct Text {
    std::string bytes;
    std::int64_t lines = 0;  // without those about lost ones
    std::int64_t told = 0;   // how many lost ones they are about
  };

  // All with `mu` held.
  void Add(std::string_view line);
  void AddLostLine();
  void Lose(const Text& text, std::size_t written);
  // Writes what is queued, without `mu`, until nothing is left or, unless it may
  // block, nothing more is taken.
  void Drain(std::unique_lock<std::mutex>* lock, bool may_block);
  void Run();

  const LogWriterOptions options;
  const LogTarget target;

  std::mutex mu;
  std::condition_variable work, idle;
  // Below: guarded by mu.
  Text queue;
  std::size_t under_way = 0;  // bytes that Drain() is writing
  bool draining = false;      // somebody is in Drain()
  bool stop = false;
  std::int64_t lost = 0;
  std::int64_t untold = 0;  // of these
};

void LogWriter::State::Add(std::string_view line) {
  if (queue.bytes.size() + under_way + line.size() > options.queue_bytes) {
    ++lost;
    ++untold;
    return;
  }
  if (untold > 0) AddLostLine();
  queue.bytes += line;
  ++queue.lines;
}

void LogWriter::State::AddLostLine() {
  if (options.lost_line == nullptr || stop) return;
  queue.bytes += options.lost_line(untold);
  queue.told += std::exchange(untold, 0);
}

void LogWriter::State::Lose(const Text& text, std::size_t written) {
  const auto whole = std::count(text.bytes.begin(), text.bytes.begin() + static_cast<std::ptrdiff_t>(written), '\n');
  const std::int64_t gone = std::max<std::int64_t>(0, text.lines - whole);
  lost += gone;
  untold += gone + (whole == 0 ? text.told : 0);
}

void LogWriter::State::Drain(std::unique_lock<std::mutex>* lock, bool may_block) {
  draining = true;
  bool full = false;
  while (!full && !queue.bytes.empty()) {
    Text text = std::exchange(queue, Text());
    under_way = text.bytes.size();
    lock->unlock();
    const LogWritten written = WriteBytes(options.fd, target, may_block, text.bytes);
    lock->lock();
    under_way = 0;
    if (written.failed) {
      Lose(text, written.bytes);
    } else if (written.bytes < text.bytes.size()) {
      full = true;
      text.bytes.erase(0, written.bytes);
      queue.bytes.insert(0, text.bytes);
      queue.lines += text.lines;
      queue.told += text.told;
    } else if (queue.bytes.empty() && untold > 0) {
      AddLostLine();
    }
  }
  draining = false;
  if (queue.bytes.empty()) idle.notify_all();
}

void LogWriter::State::Run() {
  std::unique_lock<std::mutex> lock(mu);
  for (;;) {
    work.wait(lock, [this] { return stop || (!draining && !queue.bytes.empty()); });
    if (queue.bytes.empty()) return;
    Drain(&lock, /*may_block=*/true);
  }
}

LogWriter::LogWriter(LogWriterOptions options)
    : farewell_(options.farewell), state_(std::make_shared<State>(std::move(options))) {
  thread_ = std::thread([state = state_] {
    // Where nobody reads any more: an error, and not the end of the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    state->Run();
  });
}

LogWriter::~LogWriter() {
  const bool flushed = Flush(farewell_);
  {
    std::lock_guard<std::mutex> lock(state_->mu);
    state_->stop = true;
    state_->work.notify_all();
  }
  if (flushed) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LogWriter::Write(std::string_view line) {
  std::unique_lock<std::mutex> lock(state_->mu);
  state_->Add(line);
  if (state_->draining) return;  // goes on until nothing is queued
  if (state_->target != LogTarget::kOther) state_->Drain(&lock, /*may_block=*/false);
  if (!state_->queue.bytes.empty()) state_->work.notify_one();
}

bool LogWriter::Flush(Duration bound) {
  std::unique_lock<std::mutex> lock(state_->mu);
  return state_->idle.wait_for(lock, bound, [this] { return !state_->draining && state_->queue.bytes.empty(); });
}

std::int64_t LogWriter::lost() const {
  std::lock_guard<std::mutex> lock(state_->mu);
  return state_->lost;
}

std::function<std::string(std::int64_t)> LostLine(const LoggerOptions& options, const Clock* clock) {
  return [options, clock](std::int64_t lost) {
    std::string out;
    Logger(options, clock, [&out](std::string_view line) {
      out = line;
    }).Warning("Lines of the log were lost: standard error did not take them", {{"lines", lost}});
    return out;
  };
}

}  // namespace epslice

// Structured log lines, as Kubernetes components write them (klog, and the
// JSON format of component-base).
//
//   I1123 00:14:05.123456   12345 live_runner.cc:88] "Synced" service="shop/cart" creates=1 duration="1.2ms"
//   {"ts":1763856845123.456,"level":"info","caller":"live_runner.cc:88","msg":"Synced","v":2,"service":"shop/cart"}
//
// Header: severity and month+day, time in UTC, process id, source line. One
// line is one call of the sink. Values come from the cluster and are not
// trusted: text is quoted, control characters, line separators, bidirectional
// overrides and bytes that are not UTF-8 are escaped, and a value longer than
// kMaxLogValue bytes is cut. So no name or message can forge a line.
// Thread-safety: a Logger may be used from any thread.
#ifndef EPSLICE_CONTROLLERS_MANAGER_LOG_H_
#define EPSLICE_CONTROLLERS_MANAGER_LOG_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "apis/meta.h"
#include "informers/clock.h"

namespace epslice {

enum class LogFormat : std::uint8_t { kText, kJson };
enum class Severity : std::uint8_t { kInfo, kWarning, kError };

inline constexpr std::size_t kMaxLogValue = 4096;

// As Go prints a time.Duration: "1.5s", "2m0s", "350µs", "0s".
std::string FormatDuration(Duration d);

// One key=value. The key is ours and is written as it is; the value is text,
// or a number or boolean, which needs no quotes.
class LogField {
 public:
  LogField(std::string_view key, std::string value) : key_(key), value_(std::move(value)) {}
  LogField(std::string_view key, std::string_view value) : LogField(key, std::string(value)) {}
  LogField(std::string_view key, const char* value) : LogField(key, std::string(value)) {}
  LogField(std::string_view key, const ObjectKey& value) : LogField(key, value.ToString()) {}
  LogField(std::string_view key, Duration value) : LogField(key, FormatDuration(value)) {}
  LogField(std::string_view key, bool value) : key_(key), value_(value ? "true" : "false"), plain_(true) {}
  template <std::integral T>
  LogField(std::string_view key, T value) : key_(key), value_(std::to_string(value)), plain_(true) {}

  std::string_view key() const { return key_; }
  const std::string& value() const { return value_; }
  bool plain() const { return plain_; }

 private:
  std::string_view key_;
  std::string value_;
  bool plain_ = false;
};

struct LoggerOptions {
  LogFormat format = LogFormat::kText;
  // Lines with a level above this are left out; warnings and errors never.
  int verbosity = 0;
  int pid = 0;
};

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;
  // Gets whole lines, with the line end, from the threads that log, several at a time:
  // a lock around it would hold up all where one of them has to wait.
  using Sink = std::function<void(std::string_view line)>;

  // `clock` must outlive the logger.
  Logger(LoggerOptions options, const Clock* clock, Sink sink);

  // Whether lines of this level are written: for fields that cost something.
  bool Enabled(int level) const { return level <= options_.verbosity; }

  // file and line name the caller by themselves.
  void Info(int level, std::string_view message, Fields fields = {}, const char* file = __builtin_FILE(),
            int line = __builtin_LINE());
  void Warning(std::string_view message, Fields fields = {}, const char* file = __builtin_FILE(),
               int line = __builtin_LINE());
  void Error(std::string_view message, Fields fields = {}, const char* file = __builtin_FILE(),
             int line = __builtin_LINE());

 private:
  struct Site {
    std::string_view file;
    int line;
  };
  void Write(Severity severity, int level, std::string_view message, Fields fields, Site site);
  std::string TextLine(Severity severity, std::string_view message, Fields fields, Site site) const;
  std::string JsonLine(Severity severity, int level, std::string_view message, Fields fields, Site site) const;

  const LoggerOptions options_;
  const Clock* const clock_;
  const Sink sink_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_LOG_H_

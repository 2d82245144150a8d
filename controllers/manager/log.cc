#include "controllers/manager/log.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace epslice {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t bytes;  // 0: not UTF-8
};

// The code point at the start of `s`, which is not empty.
CodePoint Decode(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < bytes) return {0, 0};
  char32_t value = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (at(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {0, 0};
  return {value, bytes};
}

// Characters that a terminal or a line splitter acts on.
bool IsUnsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

void AppendHex(const char* format, unsigned value, std::string* out) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  *out += buffer.data();
}

// JSON and Go agree on \n, \t, \r, \" and \\ and on \uXXXX; a byte that is not
// UTF-8 is \xXX in Go, and has no place in JSON.
void AppendQuoted(std::string_view value, LogFormat format, std::string* out) {
  const bool cut = value.size() > kMaxLogValue;
  value = value.substr(0, kMaxLogValue);
  *out += '"';
  while (!value.empty()) {
    const CodePoint c = Decode(value);
    if (c.bytes == 0) {
      if (format == LogFormat::kJson) {
        *out += "\xef\xbf\xbd";
      } else {
        AppendHex("\\x%02x", static_cast<unsigned char>(value[0]), out);
      }
      value.remove_prefix(1);
      continue;
    }
    if (c.value == '"' || c.value == '\\') {
      *out += '\\';
      *out += static_cast<char>(c.value);
    } else if (c.value == '\n') {
      *out += "\\n";
    } else if (c.value == '\t') {
      *out += "\\t";
    } else if (c.value == '\r') {
      *out += "\\r";
    } else if (IsUnsafe(c.value)) {
      AppendHex("\\u%04x", static_cast<unsigned>(c.value), out);
    } else {
      *out += value.substr(0, c.bytes);
    }
    value.remove_prefix(c.bytes);
  }
  *out += cut ? "...\"" : "\"";
}

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string FormatDuration(Duration d) {
  if (d == Duration::zero()) return "0s";
  std::string out = d < Duration::zero() ? "-" : "";
  const auto nanos =
      d < Duration::zero() ? 0 - static_cast<std::uint64_t>(d.count()) : static_cast<std::uint64_t>(d.count());
  // `unit` nanoseconds, with the fraction that is there.
  const auto append = [&](std::uint64_t n, std::uint64_t unit, const char* name) {
    out += std::to_string(n / unit);
    if (n % unit != 0) {
      std::string digits = std::to_string(unit + n % unit);
      digits.erase(digits.find_last_not_of('0') + 1);
      out += "." + digits.substr(1);
    }
    out += name;
  };
  if (nanos < 1'000) {
    append(nanos, 1, "ns");
  } else if (nanos < 1'000'000) {
    append(nanos, 1'000, "µs");
  } else if (nanos < 1'000'000'000) {
    append(nanos, 1'000'000, "ms");
  } else {
    constexpr std::uint64_t kMinute = 60'000'000'000;
    if (nanos >= 60 * kMinute) out += std::to_string(nanos / (60 * kMinute)) + "h";
    if (nanos >= kMinute) out += std::to_string(nanos / kMinute % 60) + "m";
    append(nanos % kMinute, 1'000'000'000, "s");
  }
  return out;
}

Logger::Logger(LoggerOptions options, const Clock* clock, Sink sink)
    : options_(options), clock_(clock), sink_(std::move(sink)) {}

void Logger::Info(int level, std::string_view message, Fields fields, const char* file, int line) {
  if (Enabled(level)) Write(Severity::kInfo, level, message, fields, {file, line});
}

void Logger::Warning(std::string_view message, Fields fields, const char* file, int line) {
  Write(Severity::kWarning, 0, message, fields, {file, line});
}

void Logger::Error(std::string_view message, Fields fields, const char* file, int line) {
  Write(Severity::kError, 0, message, fields, {file, line});
}

void Logger::Write(Severity severity, int level, std::string_view message, Fields fields, Site site) {
  sink_(options_.format == LogFormat::kText ? TextLine(severity, message, fields, site)
                                            : JsonLine(severity, level, message, fields, site));
}

std::string Logger::TextLine(Severity severity, std::string_view message, Fields fields, Site site) const {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> now{
      floor<std::chrono::microseconds>(std::chrono::nanoseconds(clock_->WallNow().nanos))};
  const auto day = floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  std::array<char, 64> header{};
  std::snprintf(header.data(), header.size(), "%c%02u%02u %02d:%02d:%02d.%06d %7d ", "IWE"[static_cast<int>(severity)],
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()), options_.pid);
  std::string out = header.data();
  out += BaseName(site.file);
  out += ":" + std::to_string(site.line) + "] ";
  AppendQuoted(message, LogFormat::kText, &out);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key();
    out += '=';
    if (field.plain()) {
      out += field.value();
    } else {
      AppendQuoted(field.value(), LogFormat::kText, &out);
    }
  }
  out += '\n';
  return out;
}

std::string Logger::JsonLine(Severity severity, int level, std::string_view message, Fields fields, Site site) const {
  constexpr std::array<std::string_view, 3> kNames = {"info", "warning", "error"};
  const std::int64_t micros = clock_->WallNow().nanos / 1000;
  std::array<char, 64> ts{};
  std::snprintf(ts.data(), ts.size(), "%lld.%03lld", static_cast<long long>(micros / 1000),
                static_cast<long long>(micros % 1000));
  std::string out = std::string("{\"ts\":") + ts.data() + ",\"level\":\"";
  out += kNames[static_cast<std::size_t>(severity)];
  out += "\",\"caller\":\"";
  out += BaseName(site.file);
  out += ":" + std::to_string(site.line) + "\",\"msg\":";
  AppendQuoted(message, LogFormat::kJson, &out);
  if (severity == Severity::kInfo) out += ",\"v\":" + std::to_string(level);
  for (const LogField& field : fields) {
    out += ",\"";
    out += field.key();
    out += "\":";
    if (field.plain()) {
      out += field.value();
    } else {
      AppendQuoted(field.value(), LogFormat::kJson, &out);
    }
  }
  out += "}\n";
  return out;
}

}  // namespace epslice

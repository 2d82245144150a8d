#include "apis/time_format.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "apis/cat.h"

namespace epslice {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::string_view kOutside = "is outside the years 1678 to 2261";

absl::Status NoTime(std::string_view s, std::string_view why) {
  return absl::InvalidArgumentError(
      Cat({"time ", QuoteForError(s), ": ", why, "; accepted is RFC 3339, such as 2026-01-02T03:04:05Z"}));
}

constexpr std::int64_t DaysSinceEpoch(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count();
}

constexpr std::int64_t StartOfYear(int year) {
  return DaysSinceEpoch(std::chrono::year(year) / 1 / 1) * kSecondsPerDay;
}

// Reads fixed-width fields from the front of a text.
class TimeFields {
 public:
  explicit TimeFields(std::string_view s) : rest_(s) {}

  // `width` digits, not above `max`.
  std::optional<int> Number(std::size_t width, int max) {
    if (rest_.size() < width) return std::nullopt;
    int value = 0;
    for (char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return value <= max ? std::optional<int>(value) : std::nullopt;
  }

  bool Literal(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Digits after the point; those beyond the ninth are dropped.
  std::optional<std::int64_t> Nanos() {
    std::int64_t nanos = 0;
    std::int64_t unit = kNanosPerSecond / 10;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      nanos += (rest_[digits] - '0') * unit;
      unit /= 10;
    }
    rest_.remove_prefix(digits);
    return digits == 0 ? std::nullopt : std::optional<std::int64_t>(nanos);
  }

  // Seconds east of UTC: "Z", "+hh:mm" or "-hh:mm".
  std::optional<std::int64_t> Offset() {
    if (Literal('Z')) return 0;
    const bool west = Literal('-');
    if (!west && !Literal('+')) return std::nullopt;
    const std::optional<int> hours = Number(2, 23);
    if (!hours || !Literal(':')) return std::nullopt;
    const std::optional<int> minutes = Number(2, 59);
    if (!minutes) return std::nullopt;
    const std::int64_t seconds = *hours * 3600 + *minutes * 60;
    return west ? -seconds : seconds;
  }

  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// "2026-01-02T03:04:05"
std::string DateAndTime(std::int64_t seconds) {
  std::int64_t day = seconds / kSecondsPerDay;
  std::int64_t in_day = seconds % kSecondsPerDay;
  if (in_day < 0) {
    in_day += kSecondsPerDay;
    --day;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  std::string out;
  out.reserve(32);
  const auto append = [&out](int value, int width, char after) {
    char digits[4];
    for (int i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
    out.append(digits, static_cast<std::size_t>(width));
    if (after != '\0') out.push_back(after);
  };
  append(static_cast<int>(date.year()), 4, '-');
  append(static_cast<int>(static_cast<unsigned>(date.month())), 2, '-');
  append(static_cast<int>(static_cast<unsigned>(date.day())), 2, 'T');
  append(static_cast<int>(in_day / 3600), 2, ':');
  append(static_cast<int>(in_day / 60 % 60), 2, ':');
  append(static_cast<int>(in_day % 60), 2, '\0');
  return out;
}

// ".000000123" cut to `digits` digits.
std::string Fraction(std::int64_t nanos, std::size_t digits) {
  std::string all = std::to_string(kNanosPerSecond + nanos);
  all[0] = '.';
  return all.substr(0, 1 + digits);
}

}  // namespace

absl::StatusOr<Timestamp> ParseRfc3339(std::string_view s) {
  TimeFields fields(s);
  const std::optional<int> year = fields.Number(4, 9999);
  if (!year || !fields.Literal('-')) return NoTime(s, "does not start with a year and '-'");
  const std::optional<int> month = fields.Number(2, 12);
  if (!month || !fields.Literal('-')) return NoTime(s, "has no month and '-' after the year");
  const std::optional<int> day = fields.Number(2, 31);
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(day.value_or(0))));
  if (!date.ok()) return NoTime(s, "names no day of the calendar");
  if (!fields.Literal('T')) return NoTime(s, "has no 'T' after the day");
  const std::optional<int> hour = fields.Number(2, 23);
  if (!hour || !fields.Literal(':')) return NoTime(s, "has no hour and ':' after the 'T'");
  const std::optional<int> minute = fields.Number(2, 59);
  if (!minute || !fields.Literal(':')) return NoTime(s, "has no minute and ':' after the hour");
  const std::optional<int> second = fields.Number(2, 59);
  if (!second) return NoTime(s, "has no second after the minute");
  std::optional<std::int64_t> nanos = 0;
  if (fields.Literal('.')) nanos = fields.Nanos();
  if (!nanos) return NoTime(s, "has no digits after the '.'");
  const std::optional<std::int64_t> offset = fields.Offset();
  if (!offset) return NoTime(s, "has neither 'Z' nor an offset such as +01:00 after the seconds");
  if (!fields.AtEnd()) return NoTime(s, "has more after the offset");

  const std::int64_t seconds = DaysSinceEpoch(date) * kSecondsPerDay + *hour * 3600 + *minute * 60 + *second - *offset;
  absl::StatusOr<Timestamp> time = TimestampFromUnix(seconds, *nanos);
  if (!time.ok()) return NoTime(s, kOutside);
  return time;
}

absl::StatusOr<Timestamp> TimestampFromUnix(std::int64_t seconds, std::int64_t nanos) {
  if (nanos < 0 || nanos >= kNanosPerSecond) {
    return absl::InvalidArgumentError("a time with nanoseconds outside 0 to 999999999");
  }
  if (seconds == StartOfYear(1) && nanos == 0) return Timestamp{};
  if (seconds < StartOfYear(1678) || seconds >= StartOfYear(2262)) {
    return absl::InvalidArgumentError(Cat({"a time that ", kOutside}));
  }
  return Timestamp{seconds * kNanosPerSecond + nanos};
}

UnixTime ToUnix(Timestamp t) {
  UnixTime s{t.nanos / kNanosPerSecond, t.nanos % kNanosPerSecond};
  if (s.nanos < 0) {
    s.nanos += kNanosPerSecond;
    --s.seconds;
  }
  return s;
}

std::string FormatRfc3339(Timestamp t) {
  if (!t.is_set()) return "";
  return DateAndTime(ToUnix(t).seconds) + "Z";
}

std::string FormatRfc3339Nano(Timestamp t) {
  if (!t.is_set()) return "";
  const UnixTime split = ToUnix(t);
  std::string fraction = Fraction(split.nanos, 9);
  fraction.resize(split.nanos == 0 ? 0 : fraction.find_last_not_of('0') + 1);
  return Cat({DateAndTime(split.seconds), fraction, "Z"});
}

std::string FormatRfc3339Micro(Timestamp t) {
  if (!t.is_set()) return "";
  const UnixTime split = ToUnix(t);
  return Cat({DateAndTime(split.seconds), Fraction(split.nanos, 6), "Z"});
}

}  // namespace epslice

#include "sim/engine/latency.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

namespace epslice::sim {
namespace {

// The upper half of the normal distribution's quantiles; the lower is its
// mirror image. Between the knots lines are drawn; no draw goes beyond the last.
struct Knot {
  double u, z;
};
constexpr std::array<Knot, 32> kKnots = {{{0.50, 0},
                                          {0.52, 0.05015358346473366},
                                          {0.54, 0.1004337205114699},
                                          {0.56, 0.1509692154967774},
                                          {0.58, 0.2018934791418508},
                                          {0.60, 0.2533471031357998},
                                          {0.62, 0.3054807880993974},
                                          {0.64, 0.3584587932511937},
                                          {0.66, 0.4124631294414048},
                                          {0.68, 0.4676987991145083},
                                          {0.70, 0.5244005127080407},
                                          {0.72, 0.5828415072712162},
                                          {0.74, 0.6433454053929168},
                                          {0.76, 0.7063025628400875},
                                          {0.78, 0.7721932141886849},
                                          {0.80, 0.8416212335729144},
                                          {0.82, 0.9153650878428139},
                                          {0.84, 0.9944578832097528},
                                          {0.86, 1.080319340814956},
                                          {0.88, 1.17498679206609},
                                          {0.90, 1.281551565544601},
                                          {0.92, 1.405071560309633},
                                          {0.94, 1.554773594596853},
                                          {0.96, 1.750686071252169},
                                          {0.98, 2.053748910631822},
                                          {0.985, 2.17009037758456},
                                          {0.99, 2.326347874040841},
                                          {0.9925, 2.432379058584449},
                                          {0.995, 2.5758293035489},
                                          {0.9965, 2.696844260878131},
                                          {0.998, 2.878161739095483},
                                          {0.999, 3.090232306167813}}};
constexpr double kZ99 = 2.326347874040841;
constexpr double kLn2 = 0.6931471805599453;
constexpr Duration kLongest = std::chrono::hours(24);

double NormalQuantile(double u) {
  const double upper = u < 0.5 ? 1 - u : u;
  if (upper >= kKnots.back().u) return u < 0.5 ? -kKnots.back().z : kKnots.back().z;
  const auto* above =
      std::upper_bound(kKnots.begin(), kKnots.end(), upper, [](double x, const Knot& knot) { return x < knot.u; });
  const Knot& high = *above;
  const Knot& low = *(above - 1);
  const double z = low.z + (high.z - low.z) * ((upper - low.u) / (high.u - low.u));
  return u < 0.5 ? -z : z;
}

// For x >= 1. By halves into [1, 2), then 2 artanh((m - 1) / (m + 1)) as a
// series; good to some 1e-14.
double Log(double x) {
  int halves = 0;
  for (; x >= 2; x /= 2) ++halves;
  const double t = (x - 1) / (x + 1);
  const double square = t * t;
  double power = t;
  double sum = 0;
  for (int n = 1; n < 32; n += 2, power *= square) sum += power / n;
  return 2 * sum + halves * kLn2;
}

// By whole powers of two and a series for the rest.
double Exp(double y) {
  double scale = 1;
  for (; y > kLn2; y -= kLn2) scale *= 2;
  for (; y < 0; y += kLn2) scale /= 2;
  double term = 1;
  double sum = 1;
  for (int n = 1; n < 18; ++n) {
    term = term * y / n;
    sum += term;
  }
  return scale * sum;
}

Duration Rounded(double nanos) { return Duration(std::llround(nanos)); }

std::string_view Trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front())) != 0) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back())) != 0) s.remove_suffix(1);
  return s;
}

// The nanoseconds of a unit at the start of *s, which loses it; 0: none.
std::int64_t TakeUnit(std::string_view* s) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"ns", 1},
                                                                         {"us", 1'000},
                                                                         {"ms", 1'000'000},
                                                                         {"\xC2\xB5s", 1'000},
                                                                         {"s", 1'000'000'000},
                                                                         {"m", 60'000'000'000},
                                                                         {"h", 3'600'000'000'000}};
  for (const auto& [name, nanos] : kUnits) {
    if (s->substr(0, name.size()) != name) continue;
    s->remove_prefix(name.size());
    return nanos;
  }
  return 0;
}

// A sum of numbers with units; nullopt: it is none, or none up to a day.
std::optional<Duration> ParseDuration(std::string_view s) {
  if (s == "0") return Duration{0};
  if (s.empty()) return std::nullopt;
  double total = 0;
  while (!s.empty()) {
    double number = 0, step = 1;
    std::size_t digits = 0, i = 0;
    bool point = false;
    for (; i < s.size() && (s[i] == '.' || std::isdigit(static_cast<unsigned char>(s[i])) != 0); ++i) {
      if (s[i] == '.') {
        if (std::exchange(point, true)) return std::nullopt;
        continue;
      }
      ++digits;
      number = number * 10 + (s[i] - '0');
      if (point) step *= 10;
    }
    if (digits == 0 || digits > 15) return std::nullopt;
    s.remove_prefix(i);
    const std::int64_t unit = TakeUnit(&s);
    if (unit == 0) return std::nullopt;
    total += number * static_cast<double>(unit) / step;
    if (total > static_cast<double>(kLongest.count())) return std::nullopt;
  }
  return Rounded(total);
}

std::string FormatDuration(Duration d) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}};
  if (d.count() == 0) return "0";
  for (const auto& [name, nanos] : kUnits) {
    if (d.count() % nanos == 0) return std::to_string(d.count() / nanos) + std::string(name);
  }
  return std::to_string(d.count()) + "ns";
}

absl::Status BadLatency(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError("latency \"" + std::string(text) + "\": " + std::string(why) +
                                    "; accepted are a duration from 0 to 24h (\"5ms\"), \"uniform(LOW, HIGH)\" and "
                                    "\"lognormal(MEDIAN, P99)\"");
}

}  // namespace

Latency Latency::Constant(Duration value) {
  Latency latency;
  latency.a_ = std::max(value, Duration{0});
  return latency;
}

Latency Latency::Uniform(Duration low, Duration high) {
  Latency latency;
  latency.kind_ = Kind::kUniform;
  latency.a_ = std::max(low, Duration{0});
  latency.b_ = std::max(high, latency.a_);
  return latency;
}

Latency Latency::LogNormal(Duration median, Duration p99) {
  Latency latency;
  latency.kind_ = Kind::kLogNormal;
  latency.a_ = std::max(median, Duration{0});
  latency.b_ = std::max(p99, latency.a_);
  if (latency.a_.count() > 0) {
    latency.log_ratio_ = Log(static_cast<double>(latency.b_.count()) / static_cast<double>(latency.a_.count()));
  }
  return latency;
}

absl::StatusOr<Latency> Latency::Parse(std::string_view text) {
  const std::string_view all = Trim(text);
  const std::size_t open = all.find('(');
  if (open == std::string_view::npos) {
    const std::optional<Duration> value = ParseDuration(all);
    if (!value) return BadLatency(text, "it is no duration");
    return Constant(*value);
  }
  const std::string_view name = Trim(all.substr(0, open));
  if (name != "uniform" && name != "lognormal") return BadLatency(text, "there is no such distribution");
  const std::size_t comma = all.find(',', open);
  if (comma == std::string_view::npos || all.back() != ')') return BadLatency(text, "it takes two durations");
  const std::optional<Duration> a = ParseDuration(Trim(all.substr(open + 1, comma - open - 1)));
  const std::optional<Duration> b = ParseDuration(Trim(all.substr(comma + 1, all.size() - comma - 2)));
  if (!a || !b) return BadLatency(text, "what is in the brackets is not two durations");
  if (*b < *a) return BadLatency(text, "the second duration is shorter than the first");
  if (name == "uniform") return Uniform(*a, *b);
  if (a->count() == 0 && b->count() > 0) return BadLatency(text, "a median of 0 has no other percentile than 0");
  return LogNormal(*a, *b);
}

std::string Latency::ToString() const {
  if (kind_ == Kind::kConstant) return FormatDuration(a_);
  return (kind_ == Kind::kUniform ? "uniform(" : "lognormal(") + FormatDuration(a_) + ", " + FormatDuration(b_) + ")";
}

Duration Latency::Draw(Random* random) const {
  switch (kind_) {
    case Kind::kUniform: return Duration(random->Between(a_.count(), b_.count()));
    case Kind::kLogNormal:
      return Rounded(static_cast<double>(a_.count()) * Exp(NormalQuantile(random->Unit()) / kZ99 * log_ratio_));
    case Kind::kConstant: break;
  }
  random->Next();
  return a_;
}

Latency Latency::Times(double factor) const {
  const auto stretched = [factor](Duration d) {
    constexpr double kMost = 1e18;
    return Rounded(std::min(static_cast<double>(d.count()) * std::max(factor, 0.0), kMost));
  };
  Latency latency = *this;
  latency.a_ = stretched(a_);
  latency.b_ = stretched(b_);
  return latency;
}

}  // namespace epslice::sim

#include "sim/scenario/expectation.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "apis/cat.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

using Op = Expectation::Op;

// Two characters before one: "<=" begins with "<".
constexpr std::array<std::pair<std::string_view, Op>, 6> kOps = {{{"<=", Op::kLessOrEqual},
                                                                  {">=", Op::kGreaterOrEqual},
                                                                  {"==", Op::kEqual},
                                                                  {"!=", Op::kNotEqual},
                                                                  {"<", Op::kLess},
                                                                  {">", Op::kGreater}}};

std::string_view Trim(std::string_view s) {
  while (!s.empty() && absl::ascii_isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && absl::ascii_isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

std::optional<double> PlainNumber(std::string_view s) {
  double value = 0;
  const auto [rest, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || rest != s.data() + s.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> ValueOf(std::string_view s) {
  if (const auto plain = PlainNumber(s)) return plain;
  if (!s.empty() && s.back() == '%') {
    const auto percent = PlainNumber(s.substr(0, s.size() - 1));
    return percent ? std::optional<double>(*percent / 100) : std::nullopt;
  }
  absl::Duration span;
  if (!absl::ParseDuration(std::string(s), &span) || span == absl::InfiniteDuration() ||
      span == -absl::InfiniteDuration()) {
    return std::nullopt;
  }
  return absl::ToDoubleSeconds(span);
}

bool IsMetric(std::string_view s) {
  if (s.empty()) return false;
  for (const char c : s) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("._-/*").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool Holds(Op op, double actual, double value) {
  switch (op) {
    case Op::kLess: return actual < value;
    case Op::kLessOrEqual: return actual <= value;
    case Op::kGreater: return actual > value;
    case Op::kGreaterOrEqual: return actual >= value;
    case Op::kEqual: return actual == value;
    case Op::kNotEqual: break;
  }
  return actual != value;
}

}  // namespace

std::string Expectation::ToString() const {
  for (const auto& [text, code] : kOps) {
    if (code == op) return Concat(metric, ' ', text, ' ', ShortestNumber(value));
  }
  return metric;
}

absl::StatusOr<Expectation> ParseExpectation(std::string_view text) {
  const std::size_t at = text.find_first_of("<>=!");
  const auto bad = [&text](std::string_view why) {
    return absl::InvalidArgumentError(
        Concat('"', text.substr(0, 80), "\": ", why,
               "; accepted is METRIC OPERATOR NUMBER with <, <=, >, >=, ==, !=, like \"crossZoneShare < 0.2\""));
  };
  if (at == std::string_view::npos) return bad("has no operator");
  for (const auto& [op_text, op] : kOps) {
    if (text.substr(at, op_text.size()) != op_text) continue;
    const std::string_view metric = Trim(text.substr(0, at));
    if (!IsMetric(metric)) return bad("does not begin with the name of a metric");
    const std::optional<double> value = ValueOf(Trim(text.substr(at + op_text.size())));
    if (!value) return bad("does not end with a number, a percentage or a duration");
    return Expectation{std::string(metric), op, *value, 0};
  }
  return bad("has no operator");
}

std::string ExpectationResult::ToString() const {
  if (!actual) return Concat(expectation.ToString(), ": not kept, the run has no number of that name");
  return Concat(expectation.ToString(), kept ? ": kept, it is " : ": not kept, it is ", ShortestNumber(*actual));
}

std::vector<ExpectationResult> Evaluate(const std::vector<Expectation>& expectations,
                                        const std::function<std::optional<double>(std::string_view)>& lookup) {
  std::vector<ExpectationResult> results;
  results.reserve(expectations.size());
  for (const Expectation& expectation : expectations) {
    ExpectationResult result{expectation, lookup(expectation.metric), false};
    result.kept = result.actual && Holds(expectation.op, *result.actual, expectation.value);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace epslice::sim

#include "controllers/topologyhints/explain_words.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace epslice::internal {
namespace {

// To so many digits after the point, without trailing zeros.
std::string Rounded(double value, int digits) {
  std::int64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  const auto scale = static_cast<double>(unit);
  constexpr double kMost = 1e18;  // more is no number to read, and none to round
  auto scaled = static_cast<std::int64_t>(std::llround(std::clamp(value * scale, -kMost, kMost)));
  std::string text = scaled < 0 ? "-" : "";
  scaled = std::abs(scaled);
  text += std::to_string(scaled / unit);
  std::string decimals = std::to_string(scaled % unit + unit).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return decimals.empty() ? text : text + "." + decimals;
}

// As for a terminal: no control characters, no C1 ones, and no bytes that
// begin no UTF-8 sequence. What follows a lead byte is left to the terminal.
std::string Plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
    out.push_back(c < 0x20 || c == 0x7f || c1 ? '?' : text[i]);
    i += c1 ? 1 : 0;
  }
  return out;
}

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

}  // namespace

std::string Percent(double share) {
  constexpr double kSmall = 0.1;
  return Rounded(share * 100, share < kSmall && share > 0 ? 1 : 0) + "%";
}

std::string Overload(double overload) {
  const std::string text = Rounded(overload * 100, 0);
  return text == "0" || text == "-0" ? "even" : (overload > 0 ? "+" : "") + text + "%";
}

std::string Load(double load) { return Rounded(load, 2); }

std::string Cpu(std::int64_t milli) { return Rounded(static_cast<double>(milli) / 1000, 3); }

std::string StateWord(HintState::Kind state, const TrafficEstimate& traffic) {
  if (state == HintState::Kind::kOff) return "not asked for";
  if (state == HintState::Kind::kDisabled) return "OFF";
  if (!traffic.any || traffic.terminating) return "on, no ready endpoint";
  switch (traffic.effect) {
    case HintEffect::kEverywhere: return "on";
    case HintEffect::kSomewhere: return "on, partly heeded";
    case HintEffect::kNowhere: return "on, NOT HEEDED";
  }
  return "";
}

void Page::Line(std::string_view line) {
  text_ += Plain(line);
  text_.push_back('\n');
}

void Page::Table(const std::vector<std::vector<std::string>>& rows, std::size_t indent) {
  constexpr std::size_t kGap = 3;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 1);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(Plain(row[i])));
  }
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = row[i].empty() ? "-" : Plain(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] + kGap - Width(cell), ' ');
    }
    Line(line);
  }
}

}  // namespace epslice::internal

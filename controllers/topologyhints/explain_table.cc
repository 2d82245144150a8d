// All Services in a table, worst first.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "controllers/topologyhints/explain_internal.h"
#include "controllers/topologyhints/explain_report.h"
#include "controllers/topologyhints/explain_words.h"

namespace epslice {
namespace {

// Asked for in vain, heeded in some places only, the rest; what is not asked
// for comes last.
int Badness(bool in_vain, HintState::Kind state, const TrafficEstimate& traffic) {
  if (in_vain) return 0;
  if (state == HintState::Kind::kOff) return 3;
  const bool partly = traffic.any && !traffic.terminating && traffic.effect == HintEffect::kSomewhere;
  return partly ? 1 : 2;
}

// What is closer than this counts as equal: it is rounding.
std::int64_t Coarse(double value) { return std::llround(value * 1e6); }

auto Order(bool in_vain, HintState::Kind state, const TrafficEstimate& traffic) {
  return std::make_tuple(Badness(in_vain, state, traffic), -Coarse(traffic.any ? traffic.max_overload : -1),
                         -Coarse(traffic.any ? 1 - traffic.in_zone : 0));
}

std::string BriefOf(const Fix& fix) {
  std::string text;
  for (const Fix::Part& part : fix.parts) text += (text.empty() ? "" : " and ") + part.brief;
  return text;
}

}  // namespace

std::optional<ExplainRow> RowOf(const Explanation& explanation) {
  if (!explanation.managed || explanation.address_types.empty()) return std::nullopt;
  const auto worst = std::min_element(
      explanation.address_types.begin(), explanation.address_types.end(), [](const auto& a, const auto& b) {
        return Order(a.asks_in_vain(), a.state, a.traffic) < Order(b.asks_in_vain(), b.state, b.traffic);
      });
  ExplainRow row;
  row.service = explanation.service;
  row.heuristic = explanation.heuristic;
  if (row.heuristic == Heuristic::kAuto) row.policy = std::string(NameOf(explanation.options.options.policy));
  row.in_vain = worst->asks_in_vain();
  row.address_type = worst->address_type;
  row.state = worst->state;
  row.reason = worst->reason;
  if (row.state == HintState::Kind::kEnabled && !worst->blockers.empty()) row.reason = worst->blockers[0].code;
  row.traffic = worst->traffic;
  for (const Fix& fix : worst->fixes) {
    if (fix.best && row.in_vain) row.fix = BriefOf(fix);
  }
  return row;
}

std::vector<ExplainRow> ExplainRows(const std::vector<ReconcileInput>& services,
                                    const std::shared_ptr<const NodeReport>& nodes, const ReconcileConfig& config) {
  const auto memo = std::make_shared<ExplainMemo>();
  std::vector<ExplainRow> rows;
  for (const ReconcileInput& service : services) {
    std::optional<ExplainRow> row = RowOf(ExplainService({service, nodes, memo}, config, {.brief = true}));
    if (row) rows.push_back(*std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ExplainRow& a, const ExplainRow& b) {
    const auto order_a = Order(a.in_vain, a.state, a.traffic);
    const auto order_b = Order(b.in_vain, b.state, b.traffic);
    return order_a != order_b ? order_a < order_b : a.service < b.service;
  });
  return rows;
}

std::string ExplanationListText(const std::vector<ExplainRow>& rows, std::int64_t skipped_services) {
  internal::Page page;
  std::vector<std::vector<std::string>> table = {
      {"SERVICE", "ASKS FOR", "HINTS", "REASON", "READY", "IN ZONE", "BUSIEST", "BEST FIX"}};
  std::int64_t in_vain = 0;
  for (const ExplainRow& row : rows) {
    in_vain += row.in_vain ? 1 : 0;
    const TrafficEstimate& t = row.traffic;
    const std::string overload = t.any ? internal::Overload(t.max_overload) : "";
    const bool with_zone = t.any && overload != "even" && !t.max_overload_zone.empty();
    table.push_back({row.service.ToString(),
                     std::string(NameOf(row.heuristic)) + (row.policy == "resilient" ? " (resilient)" : ""),
                     internal::StateWord(row.state, t), row.reason, std::to_string(t.ready),
                     t.any ? internal::Percent(t.in_zone) : "",
                     overload + (with_zone ? " (" + t.max_overload_zone.str() + ")" : ""),
                     row.fix.empty() && row.in_vain ? "none found" : row.fix});
  }
  if (!rows.empty()) {
    page.Table(table, 0);
    page.Blank();
  }
  page.Line(std::to_string(in_vain) + " of " + internal::Counted(static_cast<std::int64_t>(rows.size()), "Service") +
            (in_vain == 1 ? " asks" : " ask") + " for hints in vain (" + std::to_string(skipped_services) +
            " more without selector or ExternalName).");
  return page.Take();
}

}  // namespace epslice

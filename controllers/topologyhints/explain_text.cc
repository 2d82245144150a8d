#include <algorithm>

#include "controllers/topologyhints/explain_internal.h"
#include "controllers/topologyhints/explain_report.h"
#include "controllers/topologyhints/explain_words.h"

namespace epslice {
namespace {

using internal::Counted;
using internal::Cpu;
using internal::Listed;
using internal::Load;
using internal::Overload;
using internal::Page;
using internal::Percent;
using internal::StateWord;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kMostPods = 20;
constexpr std::size_t kMostLines = 10;  // of blockers, nodes left out, errors
constexpr std::size_t kMostFixes = 5;

void More(std::size_t shown, std::size_t all, std::string_view indent, Page* page) {
  if (shown < all) page->Line(std::string(indent) + "... " + std::to_string(all - shown) + " more; the JSON has all");
}

// A line of the head of a section: what it is about, and the text.
void Entry(std::string_view about, std::string_view text, Page* page) {
  constexpr std::size_t kColumn = 11;
  std::string line = "  " + std::string(about);
  line.append(kColumn + 2 > line.size() ? kColumn + 2 - line.size() : 1, ' ');
  page->Line(line + std::string(text));
}

std::string ZoneName(const Text& zone) { return zone.empty() ? "(no zone)" : zone.str(); }

// "+25% (zone-c)", "even"
std::string Busiest(const TrafficEstimate& traffic) {
  if (!traffic.any) return "";
  std::string text = Overload(traffic.max_overload);
  if (text == "even") return text;
  return text + " (" + (traffic.max_overload_zone.empty() ? "no zone" : traffic.max_overload_zone.str()) + ")";
}

std::string Headline(const Explanation& explanation, const AddressTypeExplanation& type) {
  std::string name = explanation.service.ToString() + ", " + type.address_type.str() + ": ";
  const std::string code = type.reason.empty() ? "" : " (" + type.reason + ")";
  switch (type.state) {
    case HintState::Kind::kOff: return name + "hints are not asked for" + code;
    case HintState::Kind::kDisabled: return name + "hints are OFF although they are asked for" + code;
    case HintState::Kind::kEnabled: break;
  }
  if (!type.traffic.any || type.traffic.terminating) return name + "hints are on, but no endpoint is ready" + code;
  switch (type.traffic.effect) {
    case HintEffect::kEverywhere: return name + "hints are on, and every proxy heeds them" + code;
    case HintEffect::kSomewhere: return name + "hints are on, and only SOME proxies heed them" + code;
    case HintEffect::kNowhere: return name + "hints are on, and NO proxy heeds them" + code;
  }
  return name;
}

// What follows the name of what it is about.
std::string Tail(const Blocker& blocker) {
  const std::size_t at = blocker.message.find(blocker.object);
  return blocker.object.empty() || at == std::string::npos ? "" : blocker.message.substr(at + blocker.object.size());
}

// What is the same of several is said once.
void WriteBlockers(const AddressTypeExplanation& type, Page* page) {
  std::size_t lines = 0;
  std::size_t i = 0;
  for (; i < type.blockers.size() && lines < kMostLines; ++lines) {
    const Blocker& first = type.blockers[i];
    const std::string tail = Tail(first);
    std::vector<std::string> others;
    for (++i; i < type.blockers.size() && !tail.empty() && Tail(type.blockers[i]) == tail; ++i) {
      others.push_back(type.blockers[i].object);
    }
    Entry(lines == 0 ? "why" : "", first.message + (others.empty() ? "" : "; so with " + Listed(others)), page);
  }
  More(i, type.blockers.size(), "             ", page);
}

std::string OutlookText(const Outlook& outlook, double now) {
  const std::string busiest = Busiest(outlook.traffic);
  std::string text = "then " + Percent(outlook.traffic.in_zone) + " of the traffic stays in its zone (now " +
                     Percent(now) + "), " + (busiest == "even" ? "even load" : "busiest endpoint " + busiest);
  if (outlook.traffic.effect == HintEffect::kSomewhere) text += ", some proxies heed hints";
  return text + ", " + Counted(outlook.writes, "write");
}

void WriteFixes(const AddressTypeExplanation& type, Page* page) {
  if (!type.fixes_looked_for) return;
  const std::string_view about = type.state == HintState::Kind::kOff ? "to ask" : "to fix";
  if (type.fixes.empty()) {
    Entry(about, "no change was found that brings hints back, alone or with others", page);
    return;
  }
  for (std::size_t i = 0; i < type.fixes.size() && i < kMostFixes; ++i) {
    const Fix& fix = type.fixes[i];
    for (std::size_t p = 0; p < fix.parts.size(); ++p) {
      const std::string mark = fix.best && type.fixes.size() > 1 ? "BEST: " : "";
      Entry(p > 0 ? "" : i == 0 ? about : "or", (p > 0 ? "and " : mark) + fix.parts[p].text, page);
    }
    Entry("", "  " + OutlookText(fix.outlook, type.traffic.in_zone), page);
  }
  More(kMostFixes, type.fixes.size(), "             ", page);
}

std::string Writes(const AddressTypeExplanation& type) {
  std::vector<std::string> parts;
  if (type.creates > 0) parts.push_back(Counted(type.creates, "create"));
  if (type.updates > 0) parts.push_back(Counted(type.updates, "update"));
  if (type.deletes > 0) parts.push_back(Counted(type.deletes, "delete"));
  return Listed(parts);
}

void WriteTraffic(const AddressTypeExplanation& type, Page* page) {
  const TrafficEstimate& t = type.traffic;
  if (t.any) {
    const std::string busiest = Overload(t.max_overload);
    std::string text = Percent(t.in_zone) + " stays in its zone; ";
    text += busiest == "even" ? "every endpoint gets an even share"
                              : "the busiest endpoint gets " + busiest.substr(1) + " more than an even share, from " +
                                    ZoneName(t.max_overload_zone);
    text += "; " + Counted(t.ready, "ready endpoint");
    if (t.terminating) text += ", so those that serve while they terminate take it";
    if (type.hinted_away > 0) text += ", " + std::to_string(type.hinted_away) + " hinted for another zone";
    Entry("traffic", text, page);
  } else {
    Entry("traffic", "nothing to estimate: " + Counted(t.ready, "ready endpoint") + ", or no Ready node", page);
  }
  const std::string writes = Writes(type);
  const std::string written = std::to_string(type.written_hinted) + " of " +
                              Counted(type.written_traffic.ready, "ready endpoint") + " hinted, heeded " +
                              std::string(NameOf(type.written_traffic.effect));
  Entry("slices", writes.empty() ? "as they should be" : "now: " + written + "; to be written: " + writes, page);
}

void WriteZones(const AddressTypeExplanation& type, Page* page) {
  const bool has_limits =
      std::any_of(type.zones.begin(), type.zones.end(), [](const auto& zone) { return zone.desired.has_value(); });
  Rows rows = {{"ZONE", "NODES", "CPU", "RATIO"}};
  if (has_limits) rows[0].insert(rows[0].end(), {"DESIRED", "MIN", "MAX"});
  rows[0].insert(rows[0].end(), {"OWN", "GIVEN", "RECEIVED", "PROXIES PICK", "LOAD", "OVERLOAD", "IN ZONE"});
  const auto number = [](const std::optional<std::int64_t>& n) { return n ? std::to_string(*n) : ""; };
  for (const ZoneExplanation& zone : type.zones) {
    std::vector<std::string> row = {ZoneName(zone.zone), std::to_string(zone.nodes), Cpu(zone.cpu_milli),
                                    Percent(zone.ratio)};
    if (has_limits) {
      row.push_back(zone.desired ? Load(*zone.desired) : "");
      row.insert(row.end(), {number(zone.minimum), number(zone.maximum)});
    }
    for (const std::int64_t n : {zone.own, zone.given, zone.received}) row.push_back(std::to_string(n));
    if (zone.traffic) {
      const ZoneTraffic& t = *zone.traffic;
      std::vector<std::string> picks;
      if (t.by_node > 0) picks.push_back(std::to_string(t.by_node) + " by node");
      if (t.by_zone > 0) picks.push_back(std::to_string(t.picked) + " by zone");
      if (t.from_all > 0) picks.push_back("all " + std::to_string(t.picked));
      row.insert(row.end(), {Listed(picks), Load(t.load), Overload(t.load - 1), Percent(t.in_zone)});
    } else {
      row.insert(row.end(), {"", "", "", ""});
    }
    rows.push_back(std::move(row));
  }
  page->Blank();
  page->Table(rows, 2);
}

void WriteAlternatives(const AddressTypeExplanation& type, Page* page) {
  Rows rows = {{"INSTEAD", "HINTS", "REASON", "IN ZONE", "BUSIEST", "HINTED AWAY", "WRITES"}};
  for (const Alternative& alternative : type.alternatives) {
    const Outlook& o = alternative.outlook;
    rows.push_back({alternative.name + (alternative.active ? " (now)" : ""), StateWord(o.state, o.traffic), o.reason,
                    o.traffic.any ? Percent(o.traffic.in_zone) : "", Busiest(o.traffic), std::to_string(o.hinted_away),
                    std::to_string(o.writes)});
  }
  page->Blank();
  page->Table(rows, 2);
}

std::string HintsOf(const EndpointHints& hints) {
  std::vector<std::string> names;
  for (const Text& zone : hints.forZones) names.push_back(zone.str());
  for (const Text& node : hints.forNodes) names.push_back("node " + node.str());
  return Listed(names);
}

std::string PodState(const PodExplanation& pod) {
  // Of a pod that is no endpoint, what the pod itself is.
  if (pod.ready || (!pod.left_out.empty() && pod.serving && !pod.terminating)) return "ready";
  if (pod.terminating) return pod.serving ? "terminating, serving" : "terminating";
  return "not ready";
}

void WritePods(const AddressTypeExplanation& type, Page* page) {
  if (type.pods.empty()) {
    page->Blank();
    page->Line("  The selector matches no pod.");
    return;
  }
  // What is unusual comes first, as far as there is room.
  std::vector<const PodExplanation*> pods;
  for (const PodExplanation& pod : type.pods) pods.push_back(&pod);
  const auto rank = [](const PodExplanation* pod) {
    return !pod->left_out.empty() ? 0 : !pod->ready ? 1 : pod->written_in != pod->planned_in ? 2 : 3;
  };
  std::stable_sort(pods.begin(), pods.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  const auto slices = [](const PodExplanation& pod) {
    std::string planned = Listed(pod.planned_in);
    const std::string written = Listed(pod.written_in);
    if (planned == written) return planned;
    return (written.empty() ? "none" : written) + " -> " + (planned.empty() ? "none" : planned);
  };
  Rows rows = {{"POD", "NODE", "ZONE", "STATE", "SLICE", "HINTED FOR", "LEFT OUT"}};
  for (std::size_t i = 0; i < pods.size() && i < kMostPods; ++i) {
    const PodExplanation& pod = *pods[i];
    rows.push_back({pod.pod.name.str(), pod.node.str(), pod.zone.str(), PodState(pod), slices(pod), HintsOf(pod.hints),
                    pod.left_out});
  }
  page->Blank();
  page->Table(rows, 2);
  More(kMostPods, pods.size(), "  ", page);
}

std::string LacksText(const NodeReport::LeftOut& node) {
  std::vector<std::string> texts;
  for (const NodeReport::Lack lack : node.lacks) {
    switch (lack) {
      case NodeReport::Lack::kNotReady: texts.emplace_back("not Ready"); break;
      case NodeReport::Lack::kControlPlane: texts.emplace_back("control plane"); break;
      case NodeReport::Lack::kNoZoneLabel: texts.emplace_back("no zone label"); break;
      case NodeReport::Lack::kNoAllocatableCpu: texts.emplace_back("no allocatable CPU"); break;
      case NodeReport::Lack::kCordoned: texts.emplace_back("cordoned"); break;
      case NodeReport::Lack::kNoExecuteTaint: texts.emplace_back("taint NoExecute"); break;
    }
  }
  std::string text = Listed(texts);
  if (node.resilient_only) text += " (left out by the resilient policy only)";
  if (node.unknown) text += " (stops all hints of the reference policy)";
  return text;
}

void WriteNodes(const NodeReport& report, Page* page) {
  page->Blank();
  page->Line("Nodes that count, by zone:");
  Rows rows;
  for (const NodeReport::Zone& zone : report.zones) {
    std::vector<std::string> names;
    for (const Text& node : zone.nodes) names.push_back(node.str());
    rows.push_back({zone.zone.str(), Cpu(zone.cpu_milli) + " CPU",
                    Counted(static_cast<std::int64_t>(names.size()), "node"), Listed(names, 10)});
  }
  if (rows.empty()) page->Line("  none");
  page->Table(rows, 2);
  if (report.left_out.empty()) return;
  page->Line("Nodes left out:");
  // What stops hints before what is merely not counted.
  std::vector<const NodeReport::LeftOut*> nodes;
  for (const NodeReport::LeftOut& node : report.left_out) nodes.push_back(&node);
  std::stable_sort(nodes.begin(), nodes.end(), [](const auto* a, const auto* b) { return a->unknown && !b->unknown; });
  rows.clear();
  std::size_t i = 0;
  while (i < nodes.size() && rows.size() < kMostLines) {
    const NodeReport::LeftOut& first = *nodes[i];
    std::vector<std::string> names;
    for (; i < nodes.size() && nodes[i]->zone == first.zone && nodes[i]->lacks == first.lacks; ++i) {
      names.push_back(nodes[i]->node.str());
    }
    rows.push_back({Listed(names, 10), first.zone.str(), LacksText(first)});
  }
  page->Table(rows, 2);
  More(i, nodes.size(), "  ", page);
}

void WriteAsked(const Explanation& explanation, Page* page) {
  const ServiceHintsOptions& options = explanation.options;
  if (!explanation.asked_key.empty()) {
    Entry("asked for",
          (explanation.asked_by_annotation ? "Auto, by annotation "
                                           : std::string(NameOf(explanation.heuristic)) + ", by ") +
              explanation.asked_key + "=" + explanation.asked_value,
          page);
  }
  if (explanation.heuristic == Heuristic::kAuto) {
    const auto from = [](bool annotation) { return annotation ? " (by annotation)" : " (by flag)"; };
    Entry("policy",
          std::string(NameOf(options.options.policy)) + from(options.policy_from_annotation) + ", overload threshold " +
              FormatShare(options.options.overload_threshold) + from(options.threshold_from_annotation),
          page);
  }
  for (const std::string& note : explanation.notes) Entry("note", note, page);
}

}  // namespace

std::string ExplanationText(const Explanation& explanation) {
  Page page;
  if (!explanation.managed) {
    page.Line(explanation.service.ToString() + ": the controller leaves its slices alone (" +
              (explanation.unmanaged == "NoSelector" ? "it has no selector" : "it is of type ExternalName") + ")");
    return page.Take();
  }
  bool first = true;
  for (const AddressTypeExplanation& type : explanation.address_types) {
    if (!first) page.Blank();
    page.Line(Headline(explanation, type));
    if (first) WriteAsked(explanation, &page);
    first = false;
    WriteBlockers(type, &page);
    WriteFixes(type, &page);
    WriteTraffic(type, &page);
    WriteZones(type, &page);
    WriteAlternatives(type, &page);
    WritePods(type, &page);
  }
  WriteNodes(*explanation.nodes, &page);
  for (std::size_t i = 0; i < explanation.errors.size() && i < kMostLines; ++i) {
    if (i == 0) page.Line("To be tried again because of:");
    page.Line("  " + explanation.errors[i]);
  }
  More(kMostLines, explanation.errors.size(), "  ", &page);
  return page.Take();
}

}  // namespace epslice

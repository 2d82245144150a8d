#include "sim/run/service_view.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "absl/types/span.h"
#include "apis/concat.h"

namespace epslice::sim {
namespace {

std::string Joined(absl::Span<const Text> names) {
  std::vector<Text> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const Text& name : sorted) out += Concat(out.empty() ? "" : ",", name.view());
  return out;
}

std::string HintsOf(const Endpoint& endpoint) {
  if (!endpoint.hints || endpoint.hints->empty()) return "none";
  std::string out = Concat("zones ", Joined(endpoint.hints->forZones));
  if (!endpoint.hints->forNodes.empty()) out += Concat(" nodes ", Joined(endpoint.hints->forNodes));
  return out;
}

std::string YesNo(const std::optional<bool>& value) { return !value ? "unset" : *value ? "true" : "false"; }

std::string PortsOf(const EndpointSlice& slice) {
  std::vector<EndpointPort> ports = slice.ports;
  std::sort(ports.begin(), ports.end());
  std::string out;
  for (const EndpointPort& port : ports) {
    out += Concat(out.empty() ? "" : " ", port.name.view(), ":", port.port ? std::to_string(*port.port) : "any", "/",
                  port.protocol.view(), port.appProtocol ? Concat("/", port.appProtocol->view()) : "");
  }
  return out;
}

struct Seen {
  std::string who;    // "Pod shop/a" or the addresses
  std::string state;  // all but hints
  std::string hints;
};

struct View {
  // By address type, ports and addresses.
  std::map<std::string, Seen> endpoints;
  // How many of which zone are hinted where: "IPv4 endpoints in a with hints:
  // zones b", and how many of any zone.
  std::map<std::string, std::int64_t> hint_counts, hint_totals;
  std::set<std::string> address_types;
};

View ViewOf(const std::vector<std::shared_ptr<const EndpointSlice>>& slices) {
  View view;
  for (const auto& slice : slices) {
    view.address_types.insert(slice->addressType.str());
    const std::string ports = PortsOf(*slice);
    for (const Endpoint& endpoint : slice->endpoints) {
      const std::string key = Concat(slice->addressType.view(), " ", Joined(endpoint.addresses), " ", ports, " ",
                                     endpoint.targetRef ? endpoint.targetRef->name.view() : std::string_view());
      Seen seen;
      seen.who = endpoint.targetRef
                     ? Concat(endpoint.targetRef->kind.view(), " ", endpoint.targetRef->namespace_.view(), "/",
                              endpoint.targetRef->name.view())
                     : Joined(endpoint.addresses);
      seen.state = Concat("ready ", YesNo(endpoint.conditions.ready), ", serving ", YesNo(endpoint.conditions.serving),
                          ", terminating ", YesNo(endpoint.conditions.terminating), ", node ", endpoint.nodeName.view(),
                          ", zone ", endpoint.zone.view(), ", hostname ", endpoint.hostname.view());
      seen.hints = HintsOf(endpoint);
      ++view.hint_counts[Concat(slice->addressType.view(), " endpoints in ", endpoint.zone.view(),
                                " with hints: ", seen.hints)];
      ++view.hint_totals[Concat(slice->addressType.view(), " endpoints with hints: ", seen.hints)];
      view.endpoints[key] = std::move(seen);
    }
  }
  return view;
}

}  // namespace

std::vector<std::string> CompareSlices(const std::vector<std::shared_ptr<const EndpointSlice>>& recorded,
                                       const std::vector<std::shared_ptr<const EndpointSlice>>& simulated,
                                       HintComparison hints, std::size_t most) {
  const View a = ViewOf(recorded), b = ViewOf(simulated);
  std::vector<std::string> lines;
  std::size_t all = 0;
  const auto add = [&](std::string line) {
    if (++all <= most) lines.push_back(std::move(line));
  };
  if (a.address_types != b.address_types) add("slices of other address types");
  for (const auto& [key, seen] : a.endpoints) {
    const auto other = b.endpoints.find(key);
    if (other == b.endpoints.end()) {
      add(Concat(seen.who, ": recorded only"));
    } else if (other->second.state != seen.state) {
      add(Concat(seen.who, ": recorded ", seen.state, "; simulated ", other->second.state));
    } else if (hints == HintComparison::kEach && other->second.hints != seen.hints) {
      add(Concat(seen.who, ": hints recorded ", seen.hints, "; simulated ", other->second.hints));
    }
  }
  for (const auto& [key, seen] : b.endpoints) {
    if (a.endpoints.count(key) == 0) add(Concat(seen.who, ": simulated only"));
  }
  if (hints == HintComparison::kCounts || hints == HintComparison::kTotals) {
    const auto numbers = hints == HintComparison::kCounts ? &View::hint_counts : &View::hint_totals;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;
    for (const auto& [what, count] : a.*numbers) counts[what].first = count;
    for (const auto& [what, count] : b.*numbers) counts[what].second = count;
    // Of zones that have as much to give the reference draws one.
    std::map<std::string, std::int64_t> sums;  // by what the zones are of
    bool drawn = true;
    for (const auto& [what, count] : counts) {
      sums[what.substr(0, what.find(':'))] += count.first - count.second;
      const bool unhinted = what.ends_with(": none");
      drawn = drawn && std::abs(count.first - count.second) <= (unhinted ? 0 : 1);
    }
    drawn = drawn && std::all_of(sums.begin(), sums.end(), [](const auto& sum) { return sum.second == 0; });
    for (const auto& [what, count] : counts) {
      if (drawn || count.first == count.second) continue;
      add(Concat(what, ": recorded ", count.first, "; simulated ", count.second));
    }
  }
  if (all > lines.size()) lines.push_back(Concat("and ", all - lines.size(), " more"));
  return lines;
}

}  // namespace epslice::sim

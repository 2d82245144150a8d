// Changes to a copy of what a Service is explained from. For explain*.cc.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXES_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controllers/topologyhints/explain_internal.h"

namespace epslice::internal {

// A changed copy, and the changes in words.
struct Trial {
  ExplainInput input;
  std::vector<Fix::Part> parts;
};

// Endpoints to add in a zone.
struct Placement {
  Text zone;
  std::int64_t count = 0;
};

Trial Ask(const Trial& trial, Heuristic heuristic);
Trial SetThreshold(const Trial& trial, Millionths threshold);
Trial SetResilient(const Trial& trial);
// Labels each node with the zone beside it.
Trial LabelNodes(const Trial& trial, const std::vector<std::pair<Text, Text>>& zone_of_node);
Trial ReportCpu(const Trial& trial, const std::vector<Text>& nodes);
Trial MakeNodeReady(const Trial& trial, const Text& node);
// A Ready node like the others, in a zone that no node is in.
Trial AddNodeInNewZone(const Trial& trial);
// Ready pods like one that is there. A zone must have a node.
Trial AddPods(const Trial& trial, const Text& address_type, const std::vector<Placement>& placements);

// Where `count` more endpoints should go so that the zones come closest to
// what they should have.
std::vector<Placement> PlaceByDeficit(const std::vector<ZoneExplanation>& zones, std::int64_t count);

// The zone that the written slices say a node is in; empty: they do not say.
Text ZoneAsWritten(const ExplainInput& input, const Text& node);

}  // namespace epslice::internal

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_EXPLAIN_FIXES_H_

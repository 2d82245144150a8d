// Parts of ParseScenario(), each for one section of the file.
#ifndef EPSLICE_SIM_SCENARIO_PARSE_PARTS_H_
#define EPSLICE_SIM_SCENARIO_PARSE_PARTS_H_

#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/fields.h"
#include "sim/scenario/scenario.h"

namespace epslice::sim {

// "pods:", of the scenario, a Service or a rollout: what it says over `preset`.
std::shared_ptr<const PodBehaviour> ReadBehaviour(const DocNode& node, const std::string& what,
                                                  const PodBehaviour& preset, DocErrors* errors);
// One entry of cluster.nodes, or of addNodes; what it does not know is left to
// the caller, who ends with Done().
NodePool ReadNodePool(Fields* fields);
std::vector<NodePool> ReadCluster(const DocNode& node, DocErrors* errors);
ServiceTemplate ReadService(const DocNode& node, const std::string& what, const Scenario& scenario, DocErrors* errors);
ScenarioAction ReadAction(const DocNode& node, const std::string& what, const Scenario& scenario, DocErrors* errors);

// After all was read: Services, zones, pools and nodes that are named and not there
// are errors.
void CheckReferences(const Scenario& scenario, DocErrors* errors);

// Bounds of what is simulated, over the whole file.
inline constexpr int kMostNodes = 100'000;
inline constexpr int kMostServices = 100'000;
inline constexpr int kMostReplicas = 1'000'000;  // of one Service

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_PARSE_PARTS_H_

// OutsideChanges: what the clients of a served cluster do to pods and nodes, and a
// trace to nodes, told to those who run them.
#ifndef EPSLICE_SIM_SCENARIO_OUTSIDE_CHANGES_H_
#define EPSLICE_SIM_SCENARIO_OUTSIDE_CHANGES_H_

#include "sim/engine/observer.h"
#include "sim/engine/simulation.h"
#include "sim/scenario/node_life.h"
#include "sim/scenario/workloads.h"

namespace epslice::sim {

// An observer; not thread-safe.
class OutsideChanges : public RunObserver {
 public:
  // All must outlive this.
  OutsideChanges(Simulation* simulation, Workloads* workloads, NodeLife* nodes)
      : simulation_(*simulation), workloads_(*workloads), nodes_(*nodes) {}
  void OnCommit(const Commit& commit) override;

 private:
  Simulation& simulation_;
  Workloads& workloads_;
  NodeLife& nodes_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_OUTSIDE_CHANGES_H_

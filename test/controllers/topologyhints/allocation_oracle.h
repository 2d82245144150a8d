// Two independent answers to the question that AssignZones() solves: brute force
// for few endpoints, LEMON's network simplex for many.
#ifndef EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_ORACLE_H_
#define EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_ORACLE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controllers/topologyhints/resilient_allocation.h"

namespace epslice::testkit {

using Counts = std::vector<std::int64_t>;
// Endpoints away from their zone; changed ones; those changed in slices that are
// not being written.
using Cost = std::array<std::int64_t, 3>;

Cost CostOf(const EndpointGroup& group, int zone);
void Add(Cost* sum, const Cost& cost, std::int64_t times);

// The threshold, said another way than the code does: (cpu / total) / n * N is
// at most 1 + threshold.
bool MeetsThreshold(const Counts& cpu, const Counts& have, Millionths threshold);

struct AllocationProblem {
  Counts cpu;
  std::vector<EndpointGroup> groups;
  Millionths threshold = 200'000;
};
std::string Describe(const AllocationProblem& problem);

// The least cost; nullopt: no assignment meets the threshold.
std::optional<Cost> BruteForce(const AllocationProblem& problem);
std::optional<Cost> NetworkSimplex(const AllocationProblem& problem);

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_TOPOLOGYHINTS_ALLOCATION_ORACLE_H_

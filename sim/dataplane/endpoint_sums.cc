#include "sim/dataplane/endpoint_sums.h"

#include <algorithm>
#include <utility>

namespace epslice::sim::internal {
namespace {

// Keeps the first `most` in order.
template <typename ValueOf>
void Keep(const EndpointSums::Endpoint& endpoint, std::size_t most, const ValueOf& value_of,
          std::vector<EndpointSums::Endpoint>* kept) {
  const auto before = [&](const EndpointSums::Endpoint& a, const EndpointSums::Endpoint& b) {
    const double x = value_of(a.sum), y = value_of(b.sum);
    return x != y ? x > y : a.address < b.address;
  };
  if (kept->size() == most && !before(endpoint, kept->back())) return;
  kept->insert(std::upper_bound(kept->begin(), kept->end(), endpoint, before), endpoint);
  if (kept->size() > most) kept->pop_back();
}

}  // namespace

void EndpointSums::End(std::size_t target, const Text& address, int zone) {
  if (target >= sums_.size()) return;
  const Endpoint endpoint{address, zone, std::exchange(sums_[target], Sum())};
  if (endpoint.sum.served <= 0) return;
  Keep(
      endpoint, kBusiest, [](const Sum& sum) { return sum.served; }, &busiest_);
  // Beyond rounding.
  constexpr double kNoise = 1e-9;
  if (endpoint.sum.above() <= kNoise * endpoint.sum.even) return;
  Keep(
      endpoint, kMostAbove, [](const Sum& sum) { return sum.above(); }, &above_);
}

}  // namespace epslice::sim::internal

// What the endpoints of a pick come to, kept from one step of the integration
// to the next. A part of the data plane.
//
// A change of slices reaches one group of proxies after the other, and each
// time the rates are worked out anew; but the endpoints are the same as before.
// So they are visited once for each set of endpoints that some proxy sends to
// (a pick), and what matters of them is kept: how many are dead, misrouted to,
// and reached in each zone; and, for the load of an endpoint, which picks it is
// in, where all that are in the same picks and zone get the same. Whoever
// changes a pod, a node or the slices as committed calls Forget().
// Not thread-safe.
#ifndef EPSLICE_SIM_DATAPLANE_PICK_COUNTS_H_
#define EPSLICE_SIM_DATAPLANE_PICK_COUNTS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace epslice::sim::internal {

struct ServiceState;
struct FamilyView;
class EndpointSums;
class Marks;

// Endpoints of the latest slices that are alive.
struct AliveCounts {
  int ready = 0;
  int terminating = 0;
};

class PickCounts {
 public:
  using Indexes = std::span<const std::uint32_t>;
  // Picks that are told apart by the bits of a mask.
  static constexpr std::size_t kMost = 64;

  struct Counts {
    int dead = 0;
    int misrouted = 0;            // of the living
    std::vector<double> reached;  // by zone: the living
  };
  struct Pick {
    std::uint64_t view = 0;  // FamilyView::id
    const std::uint32_t* first = nullptr;
    Counts counts;
    double sent = 0;  // to each endpoint, since Settle()
  };
  // There are living endpoints in this zone that are in just these picks.
  struct Class {
    std::uint64_t picks = 0;
    int zone = 0;
  };

  // Nothing is as it was. After Settle().
  void Forget() { alive_known_ = false; }

  // Before anything else is asked in a step. `zones`: how many there are.
  void Begin(ServiceState* service, int family, std::size_t zones, Marks* marks);
  const AliveCounts& alive() const { return alive_; }
  // Those of a pick, its number in picks(); -1: there are too many.
  int Find(const ServiceState& service, const FamilyView& view, Indexes pick);
  const Counts& counts(int number) const { return picks_[static_cast<std::size_t>(number)].counts; }
  // Without keeping them.
  void Count(const ServiceState& service, const FamilyView& view, Indexes pick, Counts* counts) const;
  // Of all picks that Find() was asked for since Begin(), and some before.
  const std::vector<Class>& classes();

  // For what endpoints get over time: requests that were sent to each endpoint of
  // a pick, and what an even spread gave each one that was sent to, of the picks
  // in a mask.
  void AddSent(int number, double each) {
    picks_[static_cast<std::size_t>(number)].sent += each;
    unsettled_ = true;
  }
  void AddEven(std::uint64_t picks, double each) {
    if (evens_.empty() || evens_.back().picks != picks) evens_.push_back({picks, 0});
    evens_.back().each += each;
  }
  // Adds what came since the last time to the sums of the living endpoints. Before
  // targets get other numbers, and before Forget().
  void Settle(EndpointSums* sums);

 private:
  struct Got {
    std::uint64_t picks = 0;
    double served = 0, even = 0;
  };
  // What each endpoint got that is in just these.
  Got GotBy(std::uint64_t picks);
  void CountAlive(const ServiceState& service, int family, Marks* marks);

  bool alive_known_ = false;
  AliveCounts alive_;
  std::size_t zones_ = 0;
  std::vector<Pick> picks_;
  bool classes_known_ = false;
  std::vector<Class> classes_;
  // By target.
  std::vector<std::uint64_t> in_picks_;
  std::vector<std::int32_t> zone_of_;  // -1: dead, or in no pick
  struct Even {
    std::uint64_t picks = 0;
    double each = 0;
  };
  std::vector<Even> evens_;
  std::vector<Got> got_;  // by GotBy(), of this Settle()
  bool unsettled_ = false;
};

}  // namespace epslice::sim::internal

#endif  // EPSLICE_SIM_DATAPLANE_PICK_COUNTS_H_

// Shadow: what a controller that only looks on has to say about the slices that
// another one writes.
//
// Both see a change at different moments, so that a Service differs for a while
// after each: what counts are differences that last longer than the grace
// period, settled ones. Each is told of once, and once when it is gone.
// A difference is the same one as long as its kind, address type and object
// (slice_diff.h) are found again each time that its Service is looked at. What its
// fields say may change once it is settled. Until then one of other fields is
// another: of a pod that flips, each look may come when the other controller has
// not written yet, and none when both agree.
//
// While lists or watches are down, what is known is of several times, and proves
// nothing: `sure` is false. After that what is not settled begins anew.
//
// Passive: Observe() takes what was found, TakeDue() names the Services that are
// to be looked at again because a grace period is over. A Service with settled
// differences is looked at once a minute beside, since what made it right may be
// something that queues no Service, such as another CPU of its zones.
// Not thread-safe; time (`now`) never goes back between calls.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SHADOW_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SHADOW_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apis/meta.h"
#include "controllers/endpointslice/reconcile.h"
#include "controllers/endpointslice/slice_diff.h"
#include "informers/clock.h"

namespace epslice {

struct ShadowOptions {
  Duration grace = std::chrono::seconds(10);  // --shadow-grace
  Duration look_again = std::chrono::minutes(1);
};

class Shadow {
 public:
  struct Note {
    enum class What : std::uint8_t { kSettled, kGone };
    What what = What::kSettled;
    // kGone: kind, address type and object only, and whether its slice was missing.
    Difference difference;
    Duration lasted{0};  // since it was first found
  };
  // What a line of a log says: one note, or those of many endpoints for which there
  // is no slice, which are one thing to whoever reads of it.
  struct Line {
    // Of several: "new EndpointSlice" is the object, there are no fields, and the
    // longest has lasted so long.
    Note note;
    std::size_t endpoints = 1;
    std::vector<std::string> such;  // of several: the first three
  };
  struct Totals {
    std::array<std::int64_t, kDifferenceKinds> by_kind{};  // settled differences
    std::int64_t services = 0;                             // that have some
  };

  explicit Shadow(ShadowOptions options = {}) : options_(options) {}

  // A Service was looked at, and this was found; nothing where it is as it
  // should be, gone, or not ours. By kind, address type and object. Unless `sure`
  // nothing settles.
  std::vector<Note> Observe(const ObjectKey& service, const std::vector<Difference>& found, Instant now,
                            bool sure = true);

  // All that is not settled was first found now.
  void BeginAnew(Instant now);

  // In their order, that of the first note of each.
  static std::vector<Line> LinesOf(const std::vector<Note>& notes);

  // The Services to look at again by now; each is to be followed by an
  // Observe(). In the order of their time.
  std::vector<ObjectKey> TakeDue(Instant now);
  // When TakeDue() next has some.
  std::optional<Instant> NextWakeup() const;

  const Totals& totals() const { return totals_; }

 private:
  using Identity = std::tuple<DifferenceKind, Text, std::string>;
  struct State {
    Instant since{0};
    bool settled = false;
    bool in_new_slice = false;            // when it settled
    std::vector<FieldDifference> fields;  // until then
  };
  struct Entry {
    std::map<Identity, State> differences;
    std::optional<Instant> due;
  };

  // Sorts what was found into what was known; says what changed.
  std::vector<Note> Merge(const std::vector<Difference>& found, Instant now, bool sure,
                          std::map<Identity, State>* known);
  void SetDue(const ObjectKey& service, Entry* entry, std::optional<Instant> due);
  std::optional<Instant> DueOf(const Entry& entry, Instant now) const;

  const ShadowOptions options_;
  std::unordered_map<ObjectKey, Entry> services_;
  std::set<std::pair<Instant, ObjectKey>> due_;
  Totals totals_;
};

// What differs between the slices of `input` and `plan`, of those differences
// that mean something: Reconcile()'s plan, compared by DiffService(), without
// hints that only lie otherwise.
//
// The rule of the reference for hints in proportion to CPU leaves open which
// endpoint is hinted for which zone, and ties between zones it breaks at random.
// So a difference in zone hints alone does not count where the slices are such
// that the reference lets hints be (every ready endpoint has one, for a zone
// with capacity, and no zone has more than its maximum), or where each zone has
// as many endpoints as in the plan. Under the resilient policy nothing is open.
std::vector<Difference> ShadowDifferences(const ReconcileInput& input, const Plan& plan);

// The same plan when nothing of it is written: without writes and Events, its
// hints and metrics those of the slices as they are. Retry errors stay.
Plan PlanOfOnlooker(const ReconcileInput& input, const Plan& plan);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SHADOW_H_

#include "sim/run/recorded_flags.h"

#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "sim/run/against_recording.h"

namespace epslice::sim {
namespace {

// One may be chance: slices that the controller had not seen yet. Then several slices
// must have been full.
constexpr std::size_t kLeastNeedless = 2;
constexpr std::size_t kLeastFull = 3;
constexpr std::int64_t kLeastSamples = 20;
// Of latencies, what is no chance: a factor, and for how long a server alone does not
// take.
constexpr std::int64_t kFactor = 2;
constexpr Duration kLeastDifference = std::chrono::milliseconds(50);

bool FarBelow(std::int64_t a, std::int64_t b) { return kFactor * a < b; }

}  // namespace

void RecordedFlags::OnSlice(const EndpointSlice& slice, bool deleted, bool created) {
  const ObjectKey key = KeyOf(slice.metadata);
  if (const auto before = slices_.find(key); before != slices_.end()) {
    const auto total = totals_.find(before->second.group);
    total->second -= before->second.endpoints;
    if (total->second == 0) totals_.erase(total);
    slices_.erase(before);
  }
  if (deleted) return;
  std::vector<EndpointPort> ports = slice.ports;
  std::sort(ports.begin(), ports.end());
  Size size{{ServiceOfSlice(slice), slice.addressType, std::move(ports)}, slice.endpoints.size()};
  std::size_t& total = totals_[size.group];
  const bool others = total > 0;
  total += size.endpoints;
  if (size.endpoints > largest_) full_.clear();
  largest_ = std::max(largest_, size.endpoints);
  if (size.endpoints == largest_) {
    std::set<ObjectKey>& full = full_[size.group];
    if (full.size() < kLeastFull) full.insert(key);
  }
  if (created && others && size.endpoints > 0 && total <= max_endpoints_) {
    ++needless_;
    needless_in_.insert(size.group);
  }
  slices_.emplace(key, std::move(size));
}

std::string RecordedFlags::SizeNote() const {
  if (largest_ > max_endpoints_) {
    return Concat("recorded slices have up to ", largest_, " endpoints: the recorded controller had another ",
                  "--max-endpoints-per-slice than ", max_endpoints_, ", which is simulated (--set)");
  }
  std::size_t full = 0;
  for (const auto& [group, slices] : full_) full += needless_in_.count(group) > 0 ? slices.size() : 0;
  const bool sure = needless_ >= kLeastNeedless || full >= kLeastFull;
  if (!sure || largest_ == max_endpoints_) return "";
  return Concat("the recorded controller seems to have had --max-endpoints-per-slice=", largest_,
                ": none of its slices has more endpoints, and ", needless_, " times it made another one where ",
                max_endpoints_, ", which is simulated, had room (--set)");
}

std::string RecordedFlags::BatchNote(const ShownAfter& recorded, const ShownAfter& simulated) const {
  if (std::min(recorded.samples, simulated.samples) < kLeastSamples) return "";
  const bool longer = FarBelow(simulated.p50, recorded.p50) && FarBelow(simulated.p90, recorded.p90);
  const bool shorter = batch_period_ > Duration::zero() && FarBelow(recorded.p50, simulated.p50) &&
                       FarBelow(recorded.p90, simulated.p90);
  if (!longer && !shorter) return "";
  if (std::abs(recorded.p90 - simulated.p90) < kLeastDifference.count()) return "";
  const std::string times =
      Concat("slices followed pods after ", Milliseconds(recorded.p50), " (p90: ", Milliseconds(recorded.p90),
             ") in the recording, after ", Milliseconds(simulated.p50), " (p90: ", Milliseconds(simulated.p90),
             ") in the simulation: the recorded controller seems to have had a ");
  const std::string here = Concat("than ", Milliseconds(batch_period_.count()), ", which is simulated");
  return longer ? Concat(times, "longer --endpointslice-updates-batch-period ", here, ", about ",
                         Milliseconds(recorded.p90), ", or a lower --kube-api-qps (--set)")
                : Concat(times, "shorter --endpointslice-updates-batch-period ", here,
                         ", or a higher --kube-api-qps (--set)");
}

std::vector<std::string> RecordedFlags::Notes(const ShownAfter& recorded, const ShownAfter& simulated) const {
  std::vector<std::string> notes;
  for (std::string& note : std::vector<std::string>{SizeNote(), BatchNote(recorded, simulated)}) {
    if (!note.empty()) notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace epslice::sim

// ServiceTotals: sums over all Services of what their last sync found.
#ifndef EPSLICE_CONTROLLERS_MANAGER_SERVICE_TOTALS_H_
#define EPSLICE_CONTROLLERS_MANAGER_SERVICE_TOTALS_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "apis/core.h"
#include "apis/meta.h"
#include "controllers/endpointslice/reconcile.h"

namespace epslice {

// What spec.trafficDistribution says, as the reference's metrics tell it
// apart. A Service that asks for topology-aware hints by annotation has none.
enum class TrafficLabel : std::uint8_t { kNone, kPreferClose, kPreferSameZone, kPreferSameNode, kOther };
inline constexpr std::size_t kTrafficLabels = 5;
TrafficLabel TrafficLabelOf(const Service& service);
// "", "PreferClose", ..., "ImplementationSpecific"
std::string_view TrafficLabelName(TrafficLabel label);

// Not thread-safe.
class ServiceTotals {
 public:
  void Set(const ObjectKey& service, const PlanMetrics& metrics, TrafficLabel traffic);
  void Forget(const ObjectKey& service);

  struct Sums {
    std::int64_t desired_endpoints = 0;
    std::int64_t desired_slices = 0;
    std::int64_t actual_slices = 0;
    std::array<std::int64_t, kTrafficLabels> services_by_traffic{};
    // There was a Service of this kind, maybe long ago.
    std::array<bool, kTrafficLabels> traffic_seen{};
  };
  const Sums& sums() const { return sums_; }

 private:
  struct One {
    std::int64_t desired_endpoints = 0, desired_slices = 0, actual_slices = 0;
    TrafficLabel traffic = TrafficLabel::kNone;
  };
  void Add(const One& one, std::int64_t sign);

  std::unordered_map<ObjectKey, One> services_;
  Sums sums_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_SERVICE_TOTALS_H_

// ServicePods: which pods each Service selects, kept up to date, so that a
// sync reads its pods without visiting the others of the namespace.
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_PODS_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_PODS_H_

#include <memory>
#include <unordered_map>
#include <vector>

#include "apis/core.h"
#include "informers/selector_index.h"
#include "informers/store.h"

namespace epslice {

class ServicePods {
 public:
  using PodPtr = std::shared_ptr<const Pod>;

  // Files everything in one pass; for the start, when there are many of both.
  void Build(const Store<Service>& services, const Store<Pod>& pods);

  // After the stores changed. `pods` is needed when a selector is new: the
  // pods of its namespace are visited once.
  void OnService(const Change<Service>& change, const Store<Pod>& pods);
  void OnPod(const Change<Pod>& change);

  // The Services that select a pod of these labels, in key order.
  std::vector<ObjectKey> ServicesOf(const Pod& pod) const;
  // The pods of a Service, in key order.
  const std::vector<PodPtr>& PodsOf(const ObjectKey& service) const;

 private:
  SelectorIndex index_;
  std::unordered_map<ObjectKey, std::vector<PodPtr>> pods_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_SERVICE_PODS_H_

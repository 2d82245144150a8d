// EventRouter: which Services a change concerns, and how soon.
//
// Rules: a Service at once; a pod after the batch period, the Services that
// select it, and only when something changed that slices show; a slice that is
// not the echo of our own write after a second; a Node that appears, goes or
// changes its zone: the Services with pods on it.
// Not thread-safe.
#ifndef EPSLICE_CONTROLLERS_ENDPOINTSLICE_EVENT_ROUTER_H_
#define EPSLICE_CONTROLLERS_ENDPOINTSLICE_EVENT_ROUTER_H_

#include <vector>

#include "apis/core.h"
#include "apis/discovery.h"
#include "controllers/endpointslice/service_pods.h"
#include "controllers/endpointslice/slice_tracker.h"
#include "informers/clock.h"
#include "informers/store.h"

namespace epslice {

struct RouterOptions {
  Text controller_name;
  Duration pod_delay{0};  // --endpointslice-updates-batch-period
  // The batch period, where that is longer.
  Duration slice_delay = std::chrono::seconds(1);
  // Neither: for an onlooker, who looks as soon as another has written.
  bool slices_at_once = false;
  // Of a pod's changes heed those that kube-controller-manager v1.36 does, for
  // simulating it (ReferenceHeeds). They differ in what slices do not show, but
  // the batch period begins with the first that is heeded.
  bool heed_as_reference = false;
};

// A Service to queue, `delay` from now.
struct Routed {
  ObjectKey service;
  Duration delay{0};
};

// Whether slices of a Service could show the difference between two versions
// of a pod, its labels aside.
bool EndpointChanged(const Pod& before, const Pod& after);

// The same as the reference has it: not where a pod is bound or ends, but every
// time that one changes which is asked to go.
bool ReferenceHeeds(const Pod& before, const Pod& after);

class EventRouter {
 public:
  explicit EventRouter(RouterOptions options) : options_(std::move(options)) {}

  std::vector<Routed> OnService(const Change<Service>& change) const;
  std::vector<Routed> OnPod(const Change<Pod>& change, const ServicePods& pods) const;
  // `on_node`: the pods bound to the node.
  std::vector<Routed> OnNode(const Change<Node>& change, const std::vector<std::shared_ptr<const Pod>>& on_node,
                             const ServicePods& pods) const;
  // Also tells the tracker of a deletion.
  std::vector<Routed> OnSlice(const Change<EndpointSlice>& change, SliceTracker* tracker) const;

 private:
  bool IsOurs(const EndpointSlice& slice) const;

  const RouterOptions options_;
};

// Whether a change of a node matters: it appeared, went, or moved zones.
bool NodeMatters(const Change<Node>& change);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_ENDPOINTSLICE_EVENT_ROUTER_H_

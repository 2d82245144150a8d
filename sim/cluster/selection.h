// Selection: which objects a list or a watch is about.
#ifndef EPSLICE_SIM_CLUSTER_SELECTION_H_
#define EPSLICE_SIM_CLUSTER_SELECTION_H_

#include <string>
#include <vector>

#include "apis/request.h"
#include "apis/selector.h"

namespace epslice::sim {

// Namespace, name, label and field selector of a request. Field selectors know
// metadata.name and metadata.namespace for every kind, and
//   pods        spec.nodeName status.phase status.podIP
//   nodes       spec.unschedulable
//   namespaces  name status.phase
//   services    spec.clusterIP spec.type
//   events      involvedObject.{kind,namespace,name,uid,apiVersion,
//               resourceVersion,fieldPath} reason type source
//               reportingComponent
// Immutable once parsed.
class Selection {
 public:
  // A 400 status where a selector does not parse or a field is not known.
  static Status Parse(const Request& request, Selection* selection);

  // `object` must be of the request's kind.
  bool Matches(const AnyObject& object) const;
  // Whether anything but the namespace limits it.
  bool selective() const { return !name_.empty() || !labels_.empty() || !fields_.empty(); }
  const Text& namespace_name() const { return namespace_; }

 private:
  Text namespace_;
  Text name_;
  LabelSelector labels_;
  std::vector<FieldRequirement> fields_;
};

// "Running" and so on, as status.phase has it; "Unknown" where it has none.
std::string_view SelectablePhase(PodPhase phase);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_SELECTION_H_

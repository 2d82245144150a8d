// KnownObjects: the cluster as a trace has told it so far.
//
// Readers need it where the trace names an object without showing it (a
// binding, a delete), or shows a part of it (a patch).
#ifndef EPSLICE_SIM_TRACE_KNOWN_OBJECTS_H_
#define EPSLICE_SIM_TRACE_KNOWN_OBJECTS_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "apis/object.h"
#include "sim/trace/json_span.h"

namespace epslice::sim {

// What of an object its struct has no room for, but its end depends on.
struct ObjectFacts {
  std::optional<std::int64_t> deletion_grace;     // metadata.deletionGracePeriodSeconds
  std::optional<std::int64_t> termination_grace;  // spec.terminationGracePeriodSeconds
  bool finalizers = false;                        // metadata.finalizers, of a Namespace spec.finalizers
};
ObjectFacts FactsOf(JsonSpan object);

struct KnownObject {
  AnyObject object;
  ObjectFacts facts;
  std::uint64_t version = 0;  // 0: not a number
};

class KnownObjects {
 public:
  using Objects = std::map<ObjectKey, KnownObject>;
  // Null when there is none.
  KnownObject* Find(Kind kind, const ObjectKey& key);
  void Put(const AnyObject& object, const ObjectFacts& facts);
  void Erase(Kind kind, const ObjectKey& key);
  const Objects& all(Kind kind) const { return objects_[static_cast<std::size_t>(kind)]; }

 private:
  std::array<Objects, kAllKinds.size()> objects_;
};

// A resourceVersion as a number; 0 where it is none.
std::uint64_t VersionNumber(std::string_view resource_version);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_KNOWN_OBJECTS_H_

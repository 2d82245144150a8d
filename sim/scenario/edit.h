// EditObject: read, change, write back, where somebody else may write in between.
#ifndef EPSLICE_SIM_SCENARIO_EDIT_H_
#define EPSLICE_SIM_SCENARIO_EDIT_H_

#include <memory>
#include <utility>

#include "sim/engine/simulation.h"

namespace epslice::sim {

// Changes the object, of which `known` is the latest state that was heard of,
// with `edit(T*)`; again, from what is there then, when a client of a served
// cluster came first (nobody does in a run). `status`: the subresource. NotFound
// where the object is gone, or another one has its name.
template <typename T, typename F>
Response EditObject(Simulation* simulation, std::shared_ptr<const T> known, bool status, const F& edit) {
  constexpr int kMostTries = 100;
  const Text uid = known->metadata.uid;
  for (int tries = 1;; ++tries) {
    T next = *known;
    edit(&next);
    AnyObject object = AnyObject::Of(std::move(next));
    Response response = status ? simulation->UpdateStatus(std::move(object)) : simulation->Update(std::move(object));
    if (response.status.code != 409 || tries == kMostTries) return response;
    known = simulation->Get(T::kKind, known->metadata.namespace_, known->metadata.name).template As<T>();
    if (known != nullptr && known->metadata.uid == uid) continue;
    response.status = StatusNotFound(T::kKind, response.status.detailsName);
    return response;
  }
}

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SCENARIO_EDIT_H_

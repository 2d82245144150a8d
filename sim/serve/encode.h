// Objects in the spelling of events.k8s.io/v1, which is core/v1's storage under
// other names. Pure.
#ifndef EPSLICE_SIM_SERVE_ENCODE_H_
#define EPSLICE_SIM_SERVE_ENCODE_H_

#include <string>

#include "apis/protobuf.h"
#include "apis/request.h"

namespace epslice::sim {

inline EventSpelling SpellingOf(bool events_v1) { return events_v1 ? EventSpelling::kEventsV1 : EventSpelling::kCore; }

// `event` must hold an Event. All fields it came with are kept.
std::string EncodeEventsV1Object(const AnyObject& event);
std::string EncodeEventsV1List(const ObjectList& list);
// One watch frame, without a line end.
std::string EncodeEventsV1Frame(const WatchEvent& event);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_ENCODE_H_

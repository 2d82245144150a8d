// ListOptions: what those of a list and of a watch mean, and which go together.
// The same for all kinds. Pure.
#ifndef EPSLICE_SIM_CLUSTER_LIST_OPTIONS_H_
#define EPSLICE_SIM_CLUSTER_LIST_OPTIONS_H_

#include <cstdint>

#include "apis/meta.h"
#include "apis/request.h"

namespace epslice::sim {

// States from which changes can still be told, and that can be listed.
struct KeptVersions {
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

// What a list page is to show.
struct Page {
  std::uint64_t version = 0;  // the state shown
  ObjectKey after;            // empty name: from the start
  std::int64_t left = -1;     // objects after that, where the token knows
};

// How many objects a page may have; 0: it is the whole list. A list at version 0
// comes from the watch cache, which pays no attention to the limit.
inline std::int64_t LimitOf(const ListOptions& list) { return list.resourceVersion == "0" ? 0 : list.limit; }

// An error (400, 410, 422, 504) where there is no such page; a 410 comes with a
// continue token in its list.
Response FindPage(const ListOptions& list, const KeptVersions& kept, Page* page);

// Where a watch begins.
struct WatchStart {
  // With the present objects; otherwise with what happened after `since`, or,
  // where that is 0, with what is to come.
  bool initial = false;
  std::uint64_t since = 0;
};
// Ok, or why (400, 410, 422, 504) it cannot begin.
Status FindWatchStart(const ListOptions& list, const KeptVersions& kept, WatchStart* start);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_LIST_OPTIONS_H_

// TextList: a list that mostly has one text: an endpoint's addresses (the API
// wants one, and nothing reads more), the zones and nodes of a hint.
#ifndef EPSLICE_APIS_TEXT_LIST_H_
#define EPSLICE_APIS_TEXT_LIST_H_

#include "absl/container/inlined_vector.h"
#include "apis/text.h"

namespace epslice {

// As large as a std::vector. The first text needs no memory of its own: of
// 100 endpoints that are written anew, 100 allocations less, and as many less
// places to look at. Lists are passed as absl::Span<const Text>.
using TextList = absl::InlinedVector<Text, 1>;
static_assert(sizeof(TextList) == 3 * sizeof(void*));

}  // namespace epslice

#endif  // EPSLICE_APIS_TEXT_LIST_H_

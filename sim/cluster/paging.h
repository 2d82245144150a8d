// Continue tokens of paged lists.
#ifndef EPSLICE_SIM_CLUSTER_PAGING_H_
#define EPSLICE_SIM_CLUSTER_PAGING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apis/meta.h"

namespace epslice::sim {

// Where a paged list goes on: after `last`, in the state at `version`; -1 is
// "whatever the state is now", as in the token that comes with a 410.
struct ContinueToken {
  std::int64_t version = 0;
  ObjectKey last;
  // How many follow `last` in that state; -1: not known.
  std::int64_t remaining = -1;
};

// base64url of a small JSON object, as the API server's tokens are: opaque to
// clients.
std::string EncodeContinueToken(const ContinueToken& token);
// nullopt: not one of our tokens.
std::optional<ContinueToken> DecodeContinueToken(std::string_view text);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_PAGING_H_

// What a request is about, for authorization: from method and target alone, as
// a kube-apiserver sees it before it knows whether there is such a thing. Pure.
#ifndef EPSLICE_SIM_SERVE_REQUEST_ATTRIBUTES_H_
#define EPSLICE_SIM_SERVE_REQUEST_ATTRIBUTES_H_

#include <optional>
#include <string>
#include <string_view>

#include "sim/cluster/rbac.h"

namespace epslice::sim {

// Where a path below /api/VERSION or /apis/GROUP/VERSION leads, decoded.
struct ResourcePath {
  std::string group;  // "": core
  std::string version;
  std::string namespace_;
  std::string resource;
  std::string name;
  std::string subresource;
  bool deeper = false;  // more follows
};
// nullopt: the path (or target) is of no resource.
std::optional<ResourcePath> FindResourcePath(std::string_view target);

// Paths below /api/VERSION and /apis/GROUP/VERSION are resources, whether or
// not they exist. GET without a name is "list", or "watch" with that parameter;
// a fieldSelector that asks for one metadata.name counts as that name. DELETE
// without a name is "deletecollection".
AccessAttributes AttributesOf(std::string_view method, std::string_view target);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_REQUEST_ATTRIBUTES_H_

#include "controllers/endpointslice/slice_text.h"

#include <algorithm>

#include "absl/types/span.h"
#include "apis/concat.h"

namespace epslice {
namespace {

std::string Join(absl::Span<const Text> parts) {
  std::string out;
  for (const Text& part : parts) {
    if (!out.empty()) out.push_back(',');
    out += part;
  }
  return out;
}

}  // namespace

std::string SliceName(const EndpointSlice& slice) {
  const ObjectMeta& meta = slice.metadata;
  return meta.name.empty() ? Concat(meta.generateName, "(new)") : meta.name.str();
}

std::string PortsText(std::vector<EndpointPort> ports) {
  std::sort(ports.begin(), ports.end());
  std::string out;
  for (const EndpointPort& port : ports) {
    if (!out.empty()) out.push_back(',');
    out += Concat(port.name, ':', port.port ? std::to_string(*port.port) : "*", '/', port.protocol);
    if (port.appProtocol) out += Concat('(', *port.appProtocol, ')');
  }
  return out;
}

std::string HintsText(const std::optional<EndpointHints>& hints) {
  std::string out;
  if (!hints) return out;
  if (!hints->forZones.empty()) out = Concat("zones ", Join(hints->forZones));
  if (!hints->forNodes.empty()) out += Concat(out.empty() ? "" : " ", "nodes ", Join(hints->forNodes));
  return out;
}

std::string EndpointName(const Endpoint& endpoint) {
  if (!endpoint.targetRef || endpoint.targetRef->name.empty()) return AddressesText(endpoint);
  const ObjectReference& target = *endpoint.targetRef;
  return Concat(target.kind, ' ', ObjectKey{target.namespace_, target.name}.ToString());
}

std::string AddressesText(const Endpoint& endpoint) { return Join(endpoint.addresses); }

}  // namespace epslice

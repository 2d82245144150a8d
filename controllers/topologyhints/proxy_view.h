// Which endpoints of a Service a kube-proxy sends to (v1.36): the meaning of
// hints, where they are read. Pure.
//
// A proxy decides for each Service and address type by its node's name and
// zone, over the READY endpoints: if every one has a node hint and one names
// this node, those that name it; else if every one has a zone hint and one
// names this zone, those that name it; else all. So one ready endpoint without
// a hint, or a zone that nobody names, switches hints off at that proxy.
// Without ready endpoints it takes those that still serve while they
// terminate, wherever they are. Traffic is spread evenly over what it takes.
//
// A condition that is not said counts as the API defines it: ready and serving
// as true, terminating as false.
#ifndef EPSLICE_CONTROLLERS_TOPOLOGYHINTS_PROXY_VIEW_H_
#define EPSLICE_CONTROLLERS_TOPOLOGYHINTS_PROXY_VIEW_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apis/discovery.h"
#include "apis/text.h"

namespace epslice {

enum class TopologyMode : std::uint8_t { kNone, kSameZone, kSameNode };
// "none", "same-zone", "same-node"
std::string_view NameOf(TopologyMode mode);

// Whether the slice has a port of this name and its number: others tell nothing.
bool HasPort(const EndpointSlice& slice, std::string_view port);

// The endpoints of one Service and address type, indexed by what hints name.
// Immutable after construction; may be read by several threads.
class ProxyView {
 public:
  // Indexes into endpoints(), in its order.
  using Indexes = std::span<const std::uint32_t>;
  struct Pick {
    TopologyMode mode = TopologyMode::kNone;
    // No endpoint is ready: these are serving while they terminate.
    bool terminating = false;
    Indexes endpoints;  // empty: nobody answers
  };

  // Slices in the order of their names; null ones are skipped. They must
  // outlive the view. A proxy decides for each port of a Service: with `port`
  // only slices that have a port of this name count. An address that is in two
  // slices counts once, as the first one has it.
  explicit ProxyView(const std::vector<const EndpointSlice*>& slices,
                     std::optional<std::string_view> port = std::nullopt);
  // The same of endpoints that somebody has chosen already: each has an address,
  // and no two have the same first one. Without `by_node` LocalEndpoints() finds
  // none, and the view is made with less work.
  static ProxyView OfChosen(std::vector<const Endpoint*> endpoints, bool by_node);

  // Under traffic policy Cluster. An empty node or zone is named by nobody.
  // O(1).
  Pick ClusterEndpoints(const Text& node, const Text& zone) const;
  // Under traffic policy Local: hints play no part. O(1).
  Pick LocalEndpoints(const Text& node) const;

  const std::vector<const Endpoint*>& endpoints() const { return endpoints_; }
  Indexes ready() const { return ready_; }
  Indexes serving_terminating() const { return terminating_; }
  // What a proxy takes without hints: the ready ones, or else those above.
  Indexes usable() const { return ready_.empty() ? serving_terminating() : ready(); }
  // Whether there are ready endpoints, and every one has such a hint.
  bool zone_hints_complete() const { return !ready_.empty() && zone_hinted_ == ready_.size(); }
  bool node_hints_complete() const { return !ready_.empty() && node_hinted_ == ready_.size(); }

 private:
  ProxyView() = default;
  using ByName = std::unordered_map<Text, std::vector<std::uint32_t>>;
  void Add(std::uint32_t index, bool by_node);
  static Indexes Find(const ByName& by_name, const Text& name);

  std::vector<const Endpoint*> endpoints_;
  std::vector<std::uint32_t> ready_, terminating_;
  std::size_t zone_hinted_ = 0, node_hinted_ = 0;
  ByName for_zone_, for_node_;                  // of the ready ones, by hint
  ByName ready_on_node_, terminating_on_node_;  // by where they are
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_TOPOLOGYHINTS_PROXY_VIEW_H_

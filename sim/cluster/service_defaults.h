// What the API server fills into a Service: defaults, cluster IPs, node ports.
#ifndef EPSLICE_SIM_CLUSTER_SERVICE_DEFAULTS_H_
#define EPSLICE_SIM_CLUSTER_SERVICE_DEFAULTS_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/core.h"
#include "apis/request.h"
#include "informers/random.h"

namespace epslice::sim {

// The ranges that cluster IPs are drawn from unless told otherwise.
inline constexpr std::string_view kServiceCidr = "10.96.0.0/12";
inline constexpr std::string_view kServiceCidrV6 = "fd00:10:96::/108";

// The cluster IPs and node ports in use. Free ones are drawn from the seed.
// Not thread-safe.
class ServiceAddresses {
 public:
  // A range that is no CIDR of its family has no addresses.
  ServiceAddresses(std::string_view cidr, std::string_view cidr_v6, Random random);

  // Gives the Service the cluster IPs and node ports it lacks and reserves
  // those it names (an address outside the range is taken as it is: dumps come
  // from other clusters). `old`: the version it replaces, or null. On a cause
  // nothing is reserved.
  std::optional<StatusCause> Allocate(Service* service, const Service* old);
  // Reserves what a Service of a dump has.
  void Adopt(const Service& service);
  // Frees what `service` has and `next` (or null) has not.
  void Release(const Service& service, const Service* next);

 private:
  struct Range {
    unsigned __int128 base = 0;
    int free_bits = -1;  // -1: no range
    IpFamily family = IpFamily::kIPv4;
  };
  static Range ParseRange(std::string_view cidr, IpFamily family);
  std::optional<Text> DrawIp(IpFamily family);
  std::optional<StatusCause> AllocateIps(ServiceSpec* spec, const Service* old);
  std::optional<StatusCause> AllocateNodePorts(ServiceSpec* spec, const Service* old);

  bool TakeIp(const Text& ip);
  bool TakeNodePort(const Text& protocol, std::int32_t port);

  Range v4_, v6_;
  Random random_;
  std::set<Text> ips_;
  std::set<std::pair<Text, std::int32_t>> node_ports_;  // protocol, port
  // What the running Allocate() took, to give back if it fails.
  std::vector<Text> taken_ips_;
  std::vector<std::pair<Text, std::int32_t>> taken_ports_;
};

// Whether traffic from outside comes to it, through ports of nodes: of type
// NodePort or LoadBalancer. The others have no externalTrafficPolicy.
bool HasNodePorts(const ServiceSpec& spec);

// Defaults that need no allocation (pkg/apis/core/v1 defaults, and the IP
// families of the Service's registry). `old`: what it replaces, or null; an
// update that leaves out what was allocated before keeps it.
void SetServiceDefaults(Service* service, const Service* old);

// Puts the defaulted and allocated fields of `service` into its document.
void WriteServiceFields(const Service& service, nlohmann::json* doc);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLUSTER_SERVICE_DEFAULTS_H_

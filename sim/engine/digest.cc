#include "sim/engine/digest.h"

#include <bit>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include "absl/types/span.h"
#include "sim/cluster/any_object.h"

namespace epslice::sim {
namespace {

std::uint64_t LittleEndian(std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
  return word;
}

// One overload for each type that objects are made of.
class Walk {
 public:
  explicit Walk(Digest* digest) : digest_(*digest) {}

  template <typename T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void operator()(T value) {
    digest_.Add(static_cast<std::uint64_t>(value));
  }
  void operator()(const Text& text) { digest_.Add(text.view()); }
  void operator()(Timestamp time) { (*this)(time.nanos); }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    All(absl::MakeConstSpan(values));
  }
  void operator()(const TextList& values) { All(absl::MakeConstSpan(values)); }
  void operator()(const IpList& values) { All(absl::MakeConstSpan(values)); }
  template <typename T>
  void operator()(absl::Span<const T> values) {
    (*this)(values.size());
    for (const T& value : values) (*this)(value);
  }
  void operator()(const StringMap& map) {
    (*this)(map.size());
    for (const auto& [key, value] : map) All(key, value);
  }
  void operator()(const IpAddress& a) { All(a.text, a.family); }
  void operator()(const OwnerReference& o) {
    All(o.apiVersion, o.kind, o.name, o.uid, o.controller, o.blockOwnerDeletion);
  }
  void operator()(const BasicMeta& m) {
    All(m.namespace_, m.name, m.uid, m.resourceVersion, m.labels, m.creationTimestamp, m.deletionTimestamp);
  }
  void operator()(const ObjectMeta& m) {
    (*this)(static_cast<const BasicMeta&>(m));
    All(m.generateName, m.generation, m.deletionGracePeriodSeconds, m.annotations, m.ownerReferences, m.finalizers);
  }
  void operator()(const Taint& t) { All(t.key, t.value, t.effect); }
  void operator()(const NamedPort& p) { All(p.name, p.protocol, p.containerPort); }
  void operator()(const IntOrString& v) { All(v.number, v.name); }
  void operator()(const ServicePort& p) { All(p.name, p.protocol, p.appProtocol, p.port, p.nodePort, p.targetPort); }
  void operator()(const ObjectReference& r) {
    All(r.kind, r.namespace_, r.name, r.uid, r.apiVersion, r.resourceVersion, r.fieldPath);
  }
  void operator()(const EndpointHints& h) { All(h.forZones, h.forNodes); }
  void operator()(const Endpoint& e) {
    // Flags of a byte each would cost as much as a text.
    const auto tri = [](const std::optional<bool>& b) { return b ? (*b ? 2U : 1U) : 0U; };
    All(tri(e.conditions.ready) * 9 + tri(e.conditions.serving) * 3 + tri(e.conditions.terminating), e.addresses,
        e.hostname, e.nodeName, e.zone, e.targetRef, e.hints);
  }
  void operator()(const EndpointPort& p) { All(p.name, p.protocol, p.port, p.appProtocol); }

  void operator()(const Namespace& o) { All(o.metadata, o.phase); }
  void operator()(const Node& o) { All(o.metadata, o.unschedulable, o.taints, o.ready, o.allocatableCpuMilli); }
  void operator()(const Pod& o) {
    All(o.metadata, o.nodeName, o.hostname, o.subdomain, o.podIPs, o.readyTransitionTime, o.phase, o.ready, o.hasPodIP);
    (*this)(o.namedPorts == nullptr ? std::vector<NamedPort>() : *o.namedPorts);
  }
  void operator()(const Service& o) {
    const ServiceSpec& s = o.spec;
    All(o.metadata, s.type, s.selector, s.clusterIP, s.clusterIPs, s.ipFamilies, s.ipFamilyPolicy, s.ports);
    All(s.publishNotReadyAddresses, s.trafficDistribution, s.internalTrafficPolicy, s.externalTrafficPolicy,
        s.healthCheckNodePort);
  }
  void operator()(const EndpointSlice& o) { All(o.metadata, o.addressType, o.endpoints, o.ports); }
  void operator()(const Event& o) {
    All(o.metadata, o.involvedObject, o.type, o.reason, o.message, o.action, o.sourceComponent, o.reportingController);
    All(o.reportingInstance, o.count, o.firstTimestamp, o.lastTimestamp, o.eventTime);
  }
  void operator()(const Lease& o) {
    All(o.metadata, o.holderIdentity, o.leaseDurationSeconds, o.acquireTime, o.renewTime, o.leaseTransitions);
  }

 private:
  template <typename... Ts>
  void All(const Ts&... values) {
    ((*this)(values), ...);
  }

  Digest& digest_;
};

// What kind of record follows.
enum class Mark : std::uint8_t { kCommit = 1, kWrite, kSync };

}  // namespace

void Digest::Add(std::string_view text) {
  Add(text.size());
  for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof(word));
    Add(LittleEndian(word));
  }
  if (text.empty()) return;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data(), text.size());
  Add(LittleEndian(word));
}

void Digest::Add(const AnyObject& object) {
  if (!object.has_value()) return Add(~std::uint64_t{0});
  Add(static_cast<std::uint64_t>(object.kind()));
  WithType(object.kind(), [&]<typename T>() { Walk{this}(*object.As<T>()); });
}

void Digest::Add(const Commit& commit) {
  Walk walk(this);
  walk(Mark::kCommit);
  walk(commit.at.count());
  walk(commit.type);
  walk(commit.by_controller);
  walk(commit.start);
  Add(commit.object);
}

void Digest::Add(const ControllerWrite& write) {
  Walk walk(this);
  walk(Mark::kWrite);
  walk(write.service.namespace_);
  walk(write.service.name);
  walk(write.verb);
  for (Instant at : {write.planned, write.sent, write.committed, write.answered}) walk(at.count());
  walk(write.status.code);
  // Its content was committed, or was there before.
  walk(write.slice == nullptr ? Text() : write.slice->metadata.name);
  walk(write.slice == nullptr ? Text() : write.slice->metadata.resourceVersion);
}

void Digest::AddSync(const ObjectKey& service, SyncResult result, Instant queued, Instant begun, Instant ended) {
  Walk walk(this);
  walk(Mark::kSync);
  walk(service.namespace_);
  walk(service.name);
  walk(result);
  for (Instant at : {queued, begun, ended}) walk(at.count());
}

std::string Digest::ToString() const {
  static constexpr char kHex[] = "0123456789abcdef";
  Digest end = *this;
  for (int i = 0; i < 4; ++i) end.Add(std::uint64_t{0});
  std::string text;
  for (std::uint64_t half : {end.a_, end.b_}) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kHex[(half >> shift) & 15]);
  }
  return text;
}

}  // namespace epslice::sim

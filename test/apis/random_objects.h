// Random objects of every kind, for tests that write and read them back.
#ifndef EPSLICE_TEST_APIS_RANDOM_OBJECTS_H_
#define EPSLICE_TEST_APIS_RANDOM_OBJECTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apis/coordination.h"
#include "apis/core.h"
#include "apis/discovery.h"
#include "informers/random.h"

namespace epslice {

// The same objects for the same seed.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  Text AnyText() {
    static const std::vector<std::string> kOdd = {"",
                                                  "a",
                                                  "\"\\/\b\f\n\r\t\x01",
                                                  "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
                                                  "app.kubernetes.io/name",
                                                  std::string("nul\0nul", 7)};
    if (random_.Chance(0.2)) return kOdd[random_.Below(kOdd.size())];
    return Name();
  }
  Text Name() { return "name-" + std::to_string(random_.Below(50)); }
  bool Coin() { return random_.Chance(0.5); }
  std::int32_t Int() { return static_cast<std::int32_t>(random_.Next()); }
  template <typename T>
  std::optional<T> Maybe(T value) {
    return Coin() ? std::optional<T>(std::move(value)) : std::nullopt;
  }
  Timestamp Seconds() {
    return Coin() ? Timestamp() : Timestamp::FromSeconds(random_.Between(-9'000'000'000, 9'000'000'000));
  }
  Timestamp Micros() {
    return Coin() ? Timestamp() : Timestamp{random_.Between(-9'000'000'000'000'000, 9'000'000'000'000'000) * 1'000};
  }
  StringMap Map() {
    std::vector<StringMap::Entry> entries;
    for (std::uint64_t n = random_.Below(4); n > 0; --n) entries.emplace_back(AnyText(), AnyText());
    return StringMap(std::move(entries));
  }
  template <typename F>
  auto Some(F make) {
    return Some<std::vector<decltype(make())>>(make);
  }
  template <typename List, typename F>
  List Some(F make) {
    List out;
    for (std::uint64_t n = random_.Below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  template <typename List = std::vector<Text>>
  List Texts() {
    return Some<List>([&] { return AnyText(); });
  }
  void Fill(BasicMeta* m) {
    m->name = AnyText();
    m->namespace_ = AnyText();
    m->uid = AnyText();
    m->resourceVersion = AnyText();
    m->labels = Map();
    m->creationTimestamp = Seconds();
    m->deletionTimestamp = Seconds();
  }
  void Fill(ObjectMeta* m) {
    Fill(static_cast<BasicMeta*>(m));
    m->generateName = AnyText();
    m->generation = static_cast<std::int64_t>(random_.Next());
    m->deletionGracePeriodSeconds = Maybe(static_cast<std::int64_t>(random_.Next()));
    m->annotations = Map();
    m->ownerReferences =
        Some([&] { return OwnerReference{AnyText(), AnyText(), AnyText(), AnyText(), Maybe(Coin()), Maybe(Coin())}; });
    m->finalizers = Texts();
  }
  ObjectReference Reference() { return {AnyText(), AnyText(), AnyText(), AnyText(), AnyText(), AnyText(), AnyText()}; }
  IpAddress Ip() {
    const std::string n = std::to_string(random_.Below(256));
    return *ParseIpLenient(Coin() ? "10.1.2." + n : "fd00::" + n);
  }

  void Make(Namespace* o) {
    Fill(&o->metadata);
    o->phase = AnyText();
  }
  void Make(Node* o) {
    Fill(&o->metadata);
    o->unschedulable = Coin();
    o->taints = Some([&] { return Taint{AnyText(), AnyText(), AnyText()}; });
    o->ready = Coin();
    o->allocatableCpuMilli = Maybe<std::int64_t>(random_.Between(0, 1'000'000));
  }
  void Make(Pod* o) {
    Fill(&o->metadata);
    o->nodeName = AnyText();
    o->hostname = AnyText();
    o->subdomain = AnyText();
    std::vector<NamedPort> ports = Some([&] { return NamedPort{Name(), Name(), Int()}; });
    if (!ports.empty()) o->namedPorts = std::make_shared<const std::vector<NamedPort>>(std::move(ports));
    o->podIPs = Some<IpList>([&] { return Ip(); });
    o->hasPodIP = !o->podIPs.empty() || Coin();
    o->ready = Coin();
    o->readyTransitionTime = Seconds();
    o->phase = static_cast<PodPhase>(random_.Below(5));
  }
  void Make(Service* o) {
    Fill(&o->metadata);
    ServiceSpec& s = o->spec;
    s.type = AnyText();
    s.selector = Maybe(Map());
    s.clusterIP = AnyText();
    s.clusterIPs = Texts();
    s.ipFamilies = Texts();
    s.ipFamilyPolicy = AnyText();
    s.ports = Some([&] {
      ServicePort p{AnyText(), Name(), Maybe(AnyText()), Int(), Int(), {}};
      if (Coin()) {
        p.targetPort.number = Int();
      } else {
        p.targetPort.name = AnyText();
      }
      return p;
    });
    s.publishNotReadyAddresses = Coin();
    s.trafficDistribution = Maybe(AnyText());
    s.internalTrafficPolicy = AnyText();
    s.externalTrafficPolicy = AnyText();
    s.healthCheckNodePort = Int();
  }
  void Make(EndpointSlice* o) {
    Fill(&o->metadata);
    o->addressType = AnyText();
    o->endpoints = Some([&] {
      Endpoint e;
      e.addresses = Texts<TextList>();
      e.conditions = {Maybe(Coin()), Maybe(Coin()), Maybe(Coin())};
      e.hostname = AnyText();
      e.nodeName = AnyText();
      e.zone = AnyText();
      e.targetRef = Maybe(Reference());
      e.hints = Maybe(EndpointHints{Texts<TextList>(), Texts<TextList>()});
      return e;
    });
    o->ports = Some([&] { return EndpointPort{AnyText(), Name(), Maybe(Int()), Maybe(AnyText())}; });
  }
  void Make(Event* o) {
    Fill(&o->metadata);
    o->involvedObject = Reference();
    for (Text* text : {&o->type, &o->reason, &o->message, &o->action, &o->sourceComponent, &o->reportingController,
                       &o->reportingInstance}) {
      *text = AnyText();
    }
    o->count = Int();
    o->firstTimestamp = Seconds();
    o->lastTimestamp = Seconds();
    o->eventTime = Micros();
  }
  void Make(Lease* o) {
    Fill(&o->metadata);
    o->holderIdentity = AnyText();
    o->leaseDurationSeconds = Maybe(Int());
    o->acquireTime = Micros();
    o->renewTime = Micros();
    o->leaseTransitions = Maybe(Int());
  }

 private:
  Random random_;
};

}  // namespace epslice

#endif  // EPSLICE_TEST_APIS_RANDOM_OBJECTS_H_

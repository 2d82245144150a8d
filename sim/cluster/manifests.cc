#include "sim/cluster/manifests.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "apis/concat.h"
#include "sim/cluster/any_object.h"
#include "sim/cluster/json_doc.h"
#include "sim/cluster/service_defaults.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kDefaultNamespace = "default";

bool LacksDefaults(const ServiceSpec& spec) {
  if (spec.type == "ExternalName") return false;
  const bool headless = spec.clusterIP == "None" || (!spec.clusterIPs.empty() && spec.clusterIPs[0] == "None");
  const bool lacks_address = headless ? spec.ipFamilies.empty() : spec.clusterIP.empty();
  return lacks_address || std::any_of(spec.ports.begin(), spec.ports.end(),
                                      [](const ServicePort& port) { return port.targetPort == IntOrString{}; });
}

// The object with another struct, and its JSON, if it has any, changed alike.
template <typename T, typename F>
AnyObject WithStruct(const AnyObject& before, T after, F&& change_doc) {
  std::shared_ptr<const std::string> json;
  if (before.json() != nullptr) {
    absl::StatusOr<nlohmann::json> doc = DocOf(before);
    if (!doc.ok()) return before;  // whoever loads it says why
    change_doc(&*doc);
    json = std::make_shared<const std::string>(DumpDoc(*doc));
  }
  return AnyObject::Of(std::move(after), std::move(json));
}

AnyObject InDefaultNamespace(const AnyObject& object) {
  return WithType(object.kind(), [&]<typename T>() {
    T copy = *object.As<T>();
    copy.metadata.namespace_ = Text::Intern(kDefaultNamespace);
    return WithStruct(object, std::move(copy),
                      [](nlohmann::json* doc) { Section(*doc, "metadata")["namespace"] = kDefaultNamespace; });
  });
}

bool FillInService(ServiceAddresses* addresses, AnyObject* object) {
  const auto asked = object->As<Service>();
  if (!LacksDefaults(asked->spec)) return false;
  Service service = *asked;
  SetServiceDefaults(&service, nullptr);
  if (addresses->Allocate(&service, asked.get())) return false;
  *object = WithStruct(*object, service, [&service](nlohmann::json* doc) { WriteServiceFields(service, doc); });
  return true;
}

}  // namespace

std::vector<std::string> FilledIn::Sentences() const {
  std::vector<std::string> out;
  if (services > 0) {
    out.push_back(Concat(
        services, services == 1 ? " Service lacks" : " Services lack",
        " what an API server fills in, as in manifests: defaults were set, a cluster IP drawn where there was none"));
  }
  if (namespaces > 0) {
    out.push_back(
        Concat(namespaces, namespaces == 1 ? " object names" : " objects name", " no namespace: put into default"));
  }
  return out;
}

FilledIn FillInManifests(std::vector<AnyObject>* objects) {
  FilledIn filled;
  ServiceAddresses addresses(kServiceCidr, kServiceCidrV6, Random(1));
  for (AnyObject& object : *objects) {
    if (InfoOf(object.kind()).namespaced && object.meta().namespace_.empty()) {
      object = InDefaultNamespace(object);
      ++filled.namespaces;
    }
    // What is asked for comes before what is drawn.
    if (const auto service = object.As<Service>()) addresses.Adopt(*service);
  }
  for (AnyObject& object : *objects) {
    if (object.kind() == Kind::kService && FillInService(&addresses, &object)) ++filled.services;
  }
  return filled;
}

}  // namespace epslice::sim

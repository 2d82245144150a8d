#include "controllers/endpointslice/service_pods.h"

#include <algorithm>

#include "apis/selector.h"

namespace epslice {
namespace {

using PodPtr = ServicePods::PodPtr;

bool ByName(const PodPtr& a, const PodPtr& b) { return a->metadata.name < b->metadata.name; }

bool Selects(const Service& service, const Pod& pod) {
  return service.metadata.namespace_ == pod.metadata.namespace_ &&
         MatchesLabels(*service.spec.selector, pod.metadata.labels);
}

void Put(std::vector<PodPtr>* pods, const PodPtr& pod) {
  auto at = std::lower_bound(pods->begin(), pods->end(), pod, ByName);
  if (at != pods->end() && (*at)->metadata.name == pod->metadata.name) {
    *at = pod;
  } else {
    pods->insert(at, pod);
  }
}

void Take(std::vector<PodPtr>* pods, const PodPtr& pod) {
  auto at = std::lower_bound(pods->begin(), pods->end(), pod, ByName);
  if (at != pods->end() && (*at)->metadata.name == pod->metadata.name) pods->erase(at);
}

}  // namespace

void ServicePods::Build(const Store<Service>& services, const Store<Pod>& pods) {
  pods_.clear();
  for (const auto& service : services.List()) {
    if (service->spec.selector) index_.Set(KeyOf(service->metadata), *service->spec.selector);
  }
  // In key order, so that each Service's pods come sorted.
  std::vector<ObjectKey> found;
  for (const PodPtr& pod : pods.List()) {
    found.clear();
    index_.Find(pod->metadata.namespace_, pod->metadata.labels, &found);
    for (const ObjectKey& service : found) pods_[service].push_back(pod);
  }
}

void ServicePods::OnService(const Change<Service>& change, const Store<Pod>& pods) {
  const ObjectKey key = KeyOf(change.any().metadata);
  const auto selector_of = [](const std::shared_ptr<const Service>& s) {
    return s == nullptr ? std::nullopt : s->spec.selector;
  };
  const std::optional<StringMap> before = selector_of(change.before);
  const std::optional<StringMap> after = selector_of(change.after);
  if (before == after) return;
  index_.Remove(key);
  pods_.erase(key);
  if (!after) return;
  index_.Set(key, *after);
  std::vector<PodPtr> selected;
  pods.ForEach([&](const PodPtr& pod) {
    if (Selects(*change.after, *pod)) selected.push_back(pod);
  });
  if (selected.empty()) return;
  std::sort(selected.begin(), selected.end(), ByName);
  pods_[key] = std::move(selected);
}

void ServicePods::OnPod(const Change<Pod>& change) {
  if (change.before != nullptr &&
      (change.after == nullptr || change.after->metadata.labels != change.before->metadata.labels)) {
    for (const ObjectKey& service : ServicesOf(*change.before)) {
      const auto it = pods_.find(service);
      if (it == pods_.end()) continue;
      Take(&it->second, change.before);
      if (it->second.empty()) pods_.erase(it);
    }
  }
  if (change.after != nullptr) {
    for (const ObjectKey& service : ServicesOf(*change.after)) Put(&pods_[service], change.after);
  }
}

std::vector<ObjectKey> ServicePods::ServicesOf(const Pod& pod) const {
  std::vector<ObjectKey> services;
  index_.Find(pod.metadata.namespace_, pod.metadata.labels, &services);
  return services;
}

const std::vector<PodPtr>& ServicePods::PodsOf(const ObjectKey& service) const {
  static const auto* none = new std::vector<PodPtr>();
  const auto it = pods_.find(service);
  return it == pods_.end() ? *none : it->second;
}

}  // namespace epslice

#include "sim/trace/known_objects.h"

#include <charconv>

namespace epslice::sim {

ObjectFacts FactsOf(JsonSpan object) {
  ObjectFacts facts;
  JsonSpan metadata, spec;
  object.Get({{"metadata", &metadata}, {"spec", &spec}});
  JsonSpan grace, finalizers, termination, of_namespace;
  metadata.Get({{"deletionGracePeriodSeconds", &grace}, {"finalizers", &finalizers}});
  facts.deletion_grace = grace.Int();
  spec.Get({{"terminationGracePeriodSeconds", &termination}, {"finalizers", &of_namespace}});
  for (const JsonSpan list : {finalizers, of_namespace}) {
    list.ForEachItem([&facts](JsonSpan) { facts.finalizers = true; });
  }
  facts.termination_grace = termination.Int();
  return facts;
}

std::uint64_t VersionNumber(std::string_view resource_version) {
  std::uint64_t version = 0;
  const char* end = resource_version.data() + resource_version.size();
  const auto [stop, error] = std::from_chars(resource_version.data(), end, version);
  return error == std::errc() && stop == end ? version : 0;
}

KnownObject* KnownObjects::Find(Kind kind, const ObjectKey& key) {
  Objects& objects = objects_[static_cast<std::size_t>(kind)];
  const auto it = objects.find(key);
  return it == objects.end() ? nullptr : &it->second;
}

void KnownObjects::Put(const AnyObject& object, const ObjectFacts& facts) {
  const BasicMeta& meta = object.meta();
  objects_[static_cast<std::size_t>(object.kind())][KeyOf(meta)] = {object, facts, VersionNumber(meta.resourceVersion)};
}

void KnownObjects::Erase(Kind kind, const ObjectKey& key) { objects_[static_cast<std::size_t>(kind)].erase(key); }

}  // namespace epslice::sim

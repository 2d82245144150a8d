// SelectorIndex: which Services select a pod, without visiting each Service.
//
// Each Service is filed under one pair of its selector (the one that the
// fewest other Services of its namespace are filed under), so a pod looks up
// its own labels and checks only the Services it finds there. A Service with
// an empty selector is filed under its namespace.
// Not thread-safe.
#ifndef EPSLICE_INFORMERS_SELECTOR_INDEX_H_
#define EPSLICE_INFORMERS_SELECTOR_INDEX_H_

#include <memory>
#include <vector>

#include "apis/meta.h"

namespace epslice {

class SelectorIndex {
 public:
  SelectorIndex();
  ~SelectorIndex();
  SelectorIndex(const SelectorIndex&) = delete;
  SelectorIndex& operator=(const SelectorIndex&) = delete;

  // Files `service` under `selector`, replacing what it was filed under.
  void Set(const ObjectKey& service, const StringMap& selector);
  // Forgets the Service; nothing happens when it is not known.
  void Remove(const ObjectKey& service);
  // Appends the keys of the Services in `namespace_` that select `labels`, in
  // key order, each once.
  void Find(const Text& namespace_, const StringMap& labels, std::vector<ObjectKey>* services) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_SELECTOR_INDEX_H_

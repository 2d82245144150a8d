#include "informers/selector_index.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "apis/selector.h"

namespace epslice {
namespace {

// One label pair of a selector or a pod, with its hash worked out once: a
// lookup asks several tables about the same pairs.
struct PairRef {
  const Text* key;
  const Text* value;
  std::size_t hash;
};

std::size_t HashPair(const Text& key, const Text& value) {
  return absl::Hash<std::pair<std::string_view, std::string_view>>()({key.view(), value.view()});
}

struct Pair {
  Text key;
  Text value;
  std::size_t hash;
};

struct PairHash {
  using is_transparent = void;
  std::size_t operator()(const Pair& p) const { return p.hash; }
  std::size_t operator()(const PairRef& p) const { return p.hash; }
};

struct PairEq {
  using is_transparent = void;
  static const Text& Key(const Pair& p) { return p.key; }
  static const Text& Key(const PairRef& p) { return *p.key; }
  static const Text& Value(const Pair& p) { return p.value; }
  static const Text& Value(const PairRef& p) { return *p.value; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return a.hash == b.hash && Value(a) == Value(b) && Key(a) == Key(b);
  }
};

struct Node;

// All Services of a namespace with the same selector; however many they are,
// the selector is checked once.
struct Group {
  StringMap selector;
  absl::btree_set<ObjectKey> services;
  Node* home = nullptr;
};

// A pair of a selector and the selectors filed under it (and under the pairs of
// the nodes above). A node with many selectors files them under a further pair
// each, so that selectors that have some pairs in common do not end in one
// long list.
struct Node {
  static constexpr std::size_t kSplit = 8;

  Node* parent = nullptr;
  Pair pair;
  std::size_t groups = 0;  // here and below
  bool split = false;
  std::vector<Group*> here;
  absl::flat_hash_map<Pair, std::unique_ptr<Node>, PairHash, PairEq> children;

  // Whether this node or one above it stands for `key`.
  bool Consumed(const Text& key) const {
    for (const Node* n = this; n->parent != nullptr; n = n->parent) {
      if (n->pair.key == key) return true;
    }
    return false;
  }
};

// The child that the fewest selectors are filed under, of the pairs of `group`
// that are not consumed yet; null when all are.
Node* ChooseChild(Node* node, const Group& group) {
  const Text* key = nullptr;
  const Text* value = nullptr;
  std::size_t hash = 0;
  std::size_t fewest = 0;
  Node* child = nullptr;
  for (const auto& [k, v] : group.selector) {
    if (node->Consumed(k)) continue;
    const PairRef ref{&k, &v, HashPair(k, v)};
    auto it = node->children.find(ref);
    const std::size_t filed = it == node->children.end() ? 0 : it->second->groups;
    if (key != nullptr && filed >= fewest) continue;
    key = &k;
    value = &v;
    hash = ref.hash;
    fewest = filed;
    child = it == node->children.end() ? nullptr : it->second.get();
  }
  if (key == nullptr || child != nullptr) return child;
  auto made = std::make_unique<Node>();
  made->parent = node;
  made->pair = Pair{*key, *value, hash};
  child = made.get();
  node->children.emplace(made->pair, std::move(made));
  return child;
}

void File(Node* node, Group* group) {
  for (;;) {
    ++node->groups;
    if (!node->split && node->here.size() >= Node::kSplit) {
      node->split = true;
      std::vector<Group*> moved;
      moved.swap(node->here);
      for (Group* g : moved) {
        if (Node* child = ChooseChild(node, *g)) {
          File(child, g);
        } else {
          g->home = node;
          node->here.push_back(g);
        }
      }
    }
    Node* child = node->split ? ChooseChild(node, *group) : nullptr;
    if (child == nullptr) {
      group->home = node;
      node->here.push_back(group);
      return;
    }
    node = child;
  }
}

void Unfile(Group* group) {
  Node* node = group->home;
  node->here.erase(std::find(node->here.begin(), node->here.end(), group));
  while (node != nullptr) {
    --node->groups;
    Node* parent = node->parent;
    if (node->groups == 0 && parent != nullptr) {
      // By reference: the node that owns the pair goes with the entry.
      parent->children.erase(parent->children.find(PairRef{&node->pair.key, &node->pair.value, node->pair.hash}));
    }
    node = parent;
  }
}

struct SelectorHash {
  std::size_t operator()(const StringMap& selector) const {
    std::size_t hash = 0;
    for (const auto& [k, v] : selector) hash = hash * 1000003U + HashPair(k, v);
    return hash;
  }
};

struct NamespaceIndex {
  NamespaceIndex() { root.split = true; }
  Node root;
  absl::flat_hash_map<StringMap, std::unique_ptr<Group>, SelectorHash, std::equal_to<>> groups;
};

void Collect(const Node& node, const StringMap& labels, const PairRef* begin, const PairRef* end,
             std::vector<ObjectKey>* services) {
  for (const Group* group : node.here) {
    if (!MatchesLabels(group->selector, labels)) continue;
    services->insert(services->end(), group->services.begin(), group->services.end());
  }
  if (node.children.empty()) return;
  for (const PairRef* p = begin; p != end; ++p) {
    auto it = node.children.find(*p);
    if (it != node.children.end()) Collect(*it->second, labels, begin, end, services);
  }
}

}  // namespace

struct SelectorIndex::Impl {
  // By pointer: the root of a namespace is referred to by the nodes below it.
  absl::flat_hash_map<Text, std::unique_ptr<NamespaceIndex>> namespaces;
  absl::flat_hash_map<ObjectKey, Group*> services;
};

SelectorIndex::SelectorIndex() : impl_(std::make_unique<Impl>()) {}
SelectorIndex::~SelectorIndex() = default;

void SelectorIndex::Set(const ObjectKey& service, const StringMap& selector) {
  auto known = impl_->services.find(service);
  if (known != impl_->services.end()) {
    if (known->second->selector == selector) return;
    Remove(service);
  }
  std::unique_ptr<NamespaceIndex>& index = impl_->namespaces[service.namespace_];
  if (index == nullptr) index = std::make_unique<NamespaceIndex>();
  std::unique_ptr<Group>& group = index->groups[selector];
  if (group == nullptr) {
    group = std::make_unique<Group>();
    group->selector = selector;
    File(&index->root, group.get());
  }
  group->services.insert(service);
  impl_->services[service] = group.get();
}

void SelectorIndex::Remove(const ObjectKey& service) {
  auto known = impl_->services.find(service);
  if (known == impl_->services.end()) return;
  Group* group = known->second;
  impl_->services.erase(known);
  group->services.erase(service);
  if (!group->services.empty()) return;
  auto index = impl_->namespaces.find(service.namespace_);
  Unfile(group);
  index->second->groups.erase(index->second->groups.find(group->selector));
  if (index->second->groups.empty()) impl_->namespaces.erase(index);
}

void SelectorIndex::Find(const Text& namespace_, const StringMap& labels, std::vector<ObjectKey>* services) const {
  auto index = impl_->namespaces.find(namespace_);
  if (index == impl_->namespaces.end()) return;
  const auto first = static_cast<std::ptrdiff_t>(services->size());

  // Pods have few labels; only absurd ones need memory.
  std::array<PairRef, 32> few;
  std::vector<PairRef> many;
  PairRef* pairs = few.data();
  if (labels.size() > few.size()) {
    many.resize(labels.size());
    pairs = many.data();
  }
  PairRef* end = pairs;
  for (const auto& [k, v] : labels) *end++ = PairRef{&k, &v, HashPair(k, v)};

  Collect(index->second->root, labels, pairs, end, services);
  std::sort(services->begin() + first, services->end());
}

}  // namespace epslice

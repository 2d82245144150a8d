#include "apis/meta.h"

#include <algorithm>
#include <memory>
#include <new>

namespace epslice {
namespace {

using Entry = StringMap::Entry;

// Sorts by key and keeps the last of equal keys. Most maps arrive sorted (an
// API server writes them so), and nearly all are short.
void Normalize(std::vector<Entry>* entries) {
  constexpr std::size_t kShort = 24;
  const auto less = [](const Entry& a, const Entry& b) { return a.first < b.first; };
  const auto not_less = [](const Entry& a, const Entry& b) { return !(a.first < b.first); };
  if (std::adjacent_find(entries->begin(), entries->end(), not_less) == entries->end()) return;
  if (entries->size() <= kShort) {
    // By hand, since std::stable_sort allocates a buffer.
    for (auto it = entries->begin() + 1; it != entries->end(); ++it) {
      std::rotate(std::upper_bound(entries->begin(), it, *it, less), it, it + 1);
    }
  } else {
    std::stable_sort(entries->begin(), entries->end(), less);
  }
  std::size_t kept = 0;
  for (std::size_t i = 1; i < entries->size(); ++i) {
    if ((*entries)[i].first != (*entries)[kept].first) ++kept;
    if (i != kept) (*entries)[kept] = std::move((*entries)[i]);
  }
  entries->resize(kept + 1);
}

const Entry* LowerBound(const StringMap& map, std::string_view key) {
  return std::lower_bound(map.begin(), map.end(), key,
                          [](const Entry& e, std::string_view k) { return e.first.view() < k; });
}

}  // namespace

StringMap::StringMap(std::vector<Entry> entries) {
  if (entries.empty()) return;
  Normalize(&entries);
  // More labels than this no request could carry.
  if (entries.size() > 0xffffffffU) throw std::bad_alloc();
  rep_ = new (::operator new(sizeof(Rep) + entries.size() * sizeof(Entry))) Rep;
  rep_->refs.store(1, std::memory_order_relaxed);
  rep_->size = static_cast<std::uint32_t>(entries.size());
  std::uninitialized_move(entries.begin(), entries.end(), reinterpret_cast<Entry*>(rep_ + 1));
}

void StringMap::Free(Rep* rep) noexcept {
  std::destroy_n(reinterpret_cast<Entry*>(rep + 1), rep->size);
  rep->~Rep();
  ::operator delete(static_cast<void*>(rep));
}

StringMap::StringMap(std::initializer_list<Entry> entries) : StringMap(std::vector<Entry>(entries)) {}

const Text* StringMap::Find(std::string_view key) const {
  const Entry* e = LowerBound(*this, key);
  return e != end() && e->first == key ? &e->second : nullptr;
}

StringMap StringMap::With(Text key, Text value) const {
  const Entry* at = LowerBound(*this, key);
  const bool replaces = at != end() && at->first == key;
  if (replaces && at->second == value) return *this;
  std::vector<Entry> entries;
  entries.reserve(size() + (replaces ? 0 : 1));
  entries.insert(entries.end(), begin(), at);
  entries.emplace_back(std::move(key), std::move(value));
  entries.insert(entries.end(), at + (replaces ? 1 : 0), end());
  return StringMap(std::move(entries));
}

StringMap StringMap::Without(std::string_view key) const {
  const Entry* at = LowerBound(*this, key);
  if (at == end() || at->first != key) return *this;
  std::vector<Entry> entries;
  entries.reserve(size() - 1);
  entries.insert(entries.end(), begin(), at);
  entries.insert(entries.end(), at + 1, end());
  return StringMap(std::move(entries));
}

bool operator==(const StringMap& a, const StringMap& b) {
  return a.rep_ == b.rep_ || std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string ObjectKey::ToString() const {
  std::string out;
  out.reserve(namespace_.size() + 1 + name.size());
  if (!namespace_.empty()) {
    out.append(namespace_.view());
    out.push_back('/');
  }
  out.append(name.view());
  return out;
}

}  // namespace epslice

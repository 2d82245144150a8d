#include "apis/text.h"

#include <array>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

namespace epslice {

// The pool of interned strings, in shards so that decoding threads do not wait
// for each other. A string whose count fell to zero is dead for good: a lookup
// never revives it, it puts a new one in its place, so the thread that dropped
// the last reference may free it without asking anybody.
//
// Each shard is an open-addressing table with linear probing that keeps the
// hashes, so that a lookup reads no string but the one it finds.
class TextPool {
 public:
  static TextPool& Get() {
    // Never destroyed: texts of static duration may outlive any order of
    // destruction we could choose.
    static TextPool* pool = new TextPool;
    return *pool;
  }

  Text Intern(std::string_view chars) {
    const std::size_t hash = std::hash<std::string_view>()(chars);
    Shard& shard = ShardOf(hash);
    std::lock_guard<std::mutex> lock(shard.mu);
    shard.ReserveOne();
    std::size_t i = shard.Home(hash);
    for (; shard.slots[i].rep != nullptr; i = shard.Next(i)) {
      Slot& slot = shard.slots[i];
      if (slot.hash != hash || std::string_view(slot.rep->chars(), slot.rep->size()) != chars) continue;
      // Its last user is on the way to Remove(), and will not find it.
      if (!TryRef(slot.rep)) slot.rep = Text::New(chars, /*interned=*/true);
      return Text(slot.rep);
    }
    shard.slots[i] = Slot{hash, Text::New(chars, /*interned=*/true)};
    ++shard.used;
    return Text(shard.slots[i].rep);
  }

  void Remove(const Text::Rep* rep) {
    const std::size_t hash = std::hash<std::string_view>()({rep->chars(), rep->size()});
    Shard& shard = ShardOf(hash);
    std::lock_guard<std::mutex> lock(shard.mu);
    for (std::size_t i = shard.Home(hash); shard.slots[i].rep != nullptr; i = shard.Next(i)) {
      if (shard.slots[i].rep != rep) continue;
      shard.Erase(i);
      return;
    }
  }

  std::size_t Count() {
    std::size_t n = 0;
    for (Shard& shard : shards_) {
      std::lock_guard<std::mutex> lock(shard.mu);
      n += shard.used;
    }
    return n;
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    Text::Rep* rep = nullptr;  // null: free
  };

  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMinSlots = 16;

  // A line of cache of its own, so that one lock does not slow the next.
  struct alignas(64) Shard {
    std::mutex mu;
    std::vector<Slot> slots = std::vector<Slot>(kMinSlots);  // a power of two of them
    std::size_t used = 0;

    // The low bits chose the shard.
    std::size_t Home(std::size_t hash) const { return (hash / kShards) & (slots.size() - 1); }
    std::size_t Next(std::size_t i) const { return (i + 1) & (slots.size() - 1); }

    // Keeps a quarter free; gives memory back when most of it is.
    void ReserveOne() {
      if ((used + 1) * 4 > slots.size() * 3) {
        Resize(slots.size() * 2);
      } else if (slots.size() > kMinSlots && used * 16 < slots.size()) {
        Resize(slots.size() / 2);
      }
    }

    void Resize(std::size_t size) {
      std::vector<Slot> old(size);
      old.swap(slots);
      for (const Slot& slot : old) {
        if (slot.rep == nullptr) continue;
        std::size_t i = Home(slot.hash);
        while (slots[i].rep != nullptr) i = Next(i);
        slots[i] = slot;
      }
    }

    // Moves up what would no longer be found beyond the gap, so that no
    // tombstones are needed.
    void Erase(std::size_t gap) {
      for (std::size_t i = Next(gap); slots[i].rep != nullptr; i = Next(i)) {
        const std::size_t mask = slots.size() - 1;
        const std::size_t distance_from_home = (i - Home(slots[i].hash)) & mask;
        const std::size_t distance_from_gap = (i - gap) & mask;
        if (distance_from_home < distance_from_gap) continue;
        slots[gap] = slots[i];
        gap = i;
      }
      slots[gap] = Slot{};
      --used;
    }
  };

  static bool TryRef(Text::Rep* rep) {
    std::uint32_t refs = rep->refs.load(std::memory_order_relaxed);
    while (refs != 0) {
      if (rep->refs.compare_exchange_weak(refs, refs + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  Shard& ShardOf(std::size_t hash) { return shards_[hash % kShards]; }

  std::array<Shard, kShards> shards_;
};

Text::Text(std::string_view chars) : rep_(chars.empty() ? nullptr : New(chars, /*interned=*/false)) {}

Text Text::Intern(std::string_view chars) { return chars.empty() ? Text() : TextPool::Get().Intern(chars); }

Text::Rep* Text::New(std::string_view chars, bool interned) {
  // Longer strings cannot come from an API server, which bounds a request to
  // a few MiB; a caller that makes one has lost its way.
  if (chars.size() > 0x7fffffffU) throw std::bad_alloc();
  void* memory = ::operator new(sizeof(Rep) + chars.size());
  Rep* rep = new (memory) Rep;
  rep->refs.store(1, std::memory_order_relaxed);
  rep->size_and_flag = static_cast<std::uint32_t>(chars.size()) | (interned ? 0x80000000U : 0U);
  std::memcpy(reinterpret_cast<char*>(rep + 1), chars.data(), chars.size());
  return rep;
}

void Text::Free(Rep* rep) noexcept {
  if (rep->interned()) TextPool::Get().Remove(rep);
  rep->~Rep();
  ::operator delete(static_cast<void*>(rep));
}

std::size_t Text::InternedCountForTesting() { return TextPool::Get().Count(); }

}  // namespace epslice

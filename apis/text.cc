#include "apis/text.h"

#include <array>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_set>

namespace epslice {

// The pool of interned strings, in shards so that decoding threads do not wait
// for each other. A string whose count fell to zero is dead for good: a lookup
// never revives it, it puts a new one in its place, so the thread that dropped
// the last reference may free it without asking anybody.
class TextPool {
 public:
  static TextPool& Get() {
    // Never destroyed: texts of static duration may outlive any order of
    // destruction we could choose.
    static TextPool* pool = new TextPool;
    return *pool;
  }

  Text Intern(std::string_view chars) {
    Shard& shard = ShardOf(chars);
    std::lock_guard<std::mutex> lock(shard.mu);
    auto it = shard.reps.find(chars);
    if (it != shard.reps.end()) {
      if (TryRef(*it)) return Text(*it);
      shard.reps.erase(it);
    }
    Text::Rep* rep = Text::New(chars, /*interned=*/true);
    shard.reps.insert(rep);
    return Text(rep);
  }

  void Remove(Text::Rep* rep) {
    Shard& shard = ShardOf({rep->chars(), rep->size()});
    std::lock_guard<std::mutex> lock(shard.mu);
    auto it = shard.reps.find(std::string_view(rep->chars(), rep->size()));
    if (it != shard.reps.end() && *it == rep) shard.reps.erase(it);
  }

  std::size_t Count() {
    std::size_t n = 0;
    for (Shard& shard : shards_) {
      std::lock_guard<std::mutex> lock(shard.mu);
      n += shard.reps.size();
    }
    return n;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>()(s); }
    std::size_t operator()(const Text::Rep* r) const noexcept {
      return std::hash<std::string_view>()({r->chars(), r->size()});
    }
  };
  struct Eq {
    using is_transparent = void;
    static std::string_view View(std::string_view s) { return s; }
    static std::string_view View(const Text::Rep* r) { return {r->chars(), r->size()}; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const noexcept {
      return View(a) == View(b);
    }
  };
  struct Shard {
    std::mutex mu;
    std::unordered_set<Text::Rep*, Hash, Eq> reps;
  };

  static bool TryRef(Text::Rep* rep) {
    std::uint32_t refs = rep->refs.load(std::memory_order_relaxed);
    while (refs != 0) {
      if (rep->refs.compare_exchange_weak(refs, refs + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  Shard& ShardOf(std::string_view chars) { return shards_[std::hash<std::string_view>()(chars) % shards_.size()]; }

  std::array<Shard, 16> shards_;
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

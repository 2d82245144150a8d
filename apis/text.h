// Text: an immutable, reference-counted string of one pointer.
//
// A cluster repeats the same few strings (label keys, node names, zones,
// namespaces) in every object. Text::Intern() makes equal strings share one
// allocation, found through a process-wide pool that lets go of a string when
// its last user does. Text(std::string_view) makes a private copy, for strings
// that are unique anyway (pod names, uids, addresses). Both kinds compare and
// hash by content, so they mix freely; two interned texts compare by pointer.
//
// Thread-safety: a Text object is as safe as a std::shared_ptr: copies of one
// string may be used and destroyed in different threads, one Text object may
// not be written and read at once.
// Ownership: the characters live as long as any Text that refers to them.
#ifndef EPSLICE_APIS_TEXT_H_
#define EPSLICE_APIS_TEXT_H_

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace epslice {

class Text {
 public:
  // The empty text; allocates nothing.
  constexpr Text() noexcept = default;

  // A private copy of `chars`. At most 2^31 - 1 bytes.
  Text(std::string_view chars);                                      // NOLINT(google-explicit-constructor)
  Text(const std::string& chars) : Text(std::string_view(chars)) {}  // NOLINT(google-explicit-constructor)
  Text(const char* chars) : Text(std::string_view(chars)) {}         // NOLINT(google-explicit-constructor)

  // A text that shares its characters with every other interned equal text.
  static Text Intern(std::string_view chars);

  Text(const Text& other) noexcept : rep_(other.rep_) { Ref(rep_); }
  Text(Text&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Text& operator=(const Text& other) noexcept {
    Ref(other.rep_);
    Unref(std::exchange(rep_, other.rep_));
    return *this;
  }
  Text& operator=(Text&& other) noexcept {
    if (this != &other) Unref(std::exchange(rep_, std::exchange(other.rep_, nullptr)));
    return *this;
  }
  ~Text() { Unref(rep_); }

  std::string_view view() const noexcept {
    return rep_ == nullptr ? std::string_view() : std::string_view(rep_->chars(), rep_->size());
  }
  operator std::string_view() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)
  std::string str() const { return std::string(view()); }
  bool empty() const noexcept { return rep_ == nullptr; }
  std::size_t size() const noexcept { return rep_ == nullptr ? 0 : rep_->size(); }

  // The address of the shared characters, null for the empty text: equal for
  // copies and for interned equals. A fast pre-check or memo key only; never
  // an order, since addresses differ from run to run.
  const void* identity() const noexcept { return rep_; }

  friend bool operator==(const Text& a, const Text& b) noexcept {
    if (a.rep_ == b.rep_) return true;
    if (a.rep_ == nullptr || b.rep_ == nullptr) return false;
    if (a.rep_->interned() && b.rep_->interned()) return false;
    return a.view() == b.view();
  }
  friend bool operator==(const Text& a, std::string_view b) noexcept { return a.view() == b; }
  friend bool operator==(const Text& a, const char* b) noexcept { return a.view() == b; }
  friend bool operator==(const Text& a, const std::string& b) noexcept { return a.view() == b; }
  friend std::strong_ordering operator<=>(const Text& a, const Text& b) noexcept {
    if (a.rep_ == b.rep_) return std::strong_ordering::equal;
    return a.view() <=> b.view();
  }
  friend std::strong_ordering operator<=>(const Text& a, std::string_view b) noexcept { return a.view() <=> b; }

  template <typename H>
  friend H AbslHashValue(H h, const Text& t) {
    return H::combine(std::move(h), t.view());
  }
  friend std::ostream& operator<<(std::ostream& out, const Text& t) { return out << t.view(); }

  // How many distinct interned strings are alive. For tests and memory reports.
  static std::size_t InternedCountForTesting();

 private:
  // Header of one allocation; the characters follow it.
  struct Rep {
    std::atomic<std::uint32_t> refs;
    std::uint32_t size_and_flag;  // top bit: interned
    bool interned() const noexcept { return (size_and_flag >> 31) != 0; }
    std::size_t size() const noexcept { return size_and_flag & 0x7fffffffU; }
    const char* chars() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  };
  friend class TextPool;

  explicit Text(Rep* rep) noexcept : rep_(rep) {}
  static Rep* New(std::string_view chars, bool interned);
  static void Ref(Rep* rep) noexcept {
    if (rep != nullptr) rep->refs.fetch_add(1, std::memory_order_relaxed);
  }
  static void Unref(Rep* rep) noexcept {
    if (rep != nullptr && rep->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) Free(rep);
  }
  static void Free(Rep* rep) noexcept;

  Rep* rep_ = nullptr;
};

static_assert(sizeof(Text) == sizeof(void*));

}  // namespace epslice

template <>
struct std::hash<epslice::Text> {
  // Not said to be noexcept: libstdc++ keeps the hash beside a key then, where it
  // would work out that of each neighbour anew in looking for one.
  std::size_t operator()(const epslice::Text& t) const { return std::hash<std::string_view>()(t.view()); }
};

#endif  // EPSLICE_APIS_TEXT_H_

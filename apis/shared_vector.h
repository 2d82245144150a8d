// SharedVector<T>: a std::vector whose copies share their elements until one of
// them is changed.
//
// A copy costs a reference count, however long the vector. What can be done to
// a const std::vector can be done to it; whoever asks for more than const
// access (a loop over `T&`, operator[] of one that is not const, mutable_vector())
// gets elements of his own first, and pointers and iterators into them from
// before are of no use any more.
// Thread-safety: as std::vector: one object may not be changed and read at
// once. Copies may be used, changed and destroyed in different threads.
#ifndef EPSLICE_APIS_SHARED_VECTOR_H_
#define EPSLICE_APIS_SHARED_VECTOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace epslice {

template <typename T>
class SharedVector {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;

  SharedVector() = default;
  SharedVector(std::vector<T> elements) { *this = std::move(elements); }  // NOLINT(google-explicit-constructor)
  SharedVector(std::initializer_list<T> elements) : SharedVector(std::vector<T>(elements)) {}
  SharedVector(const SharedVector& other) noexcept : rep_(other.rep_) { Ref(); }
  SharedVector(SharedVector&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  SharedVector& operator=(const SharedVector& other) noexcept {
    SharedVector copy(other);
    std::swap(rep_, copy.rep_);
    return *this;
  }
  SharedVector& operator=(SharedVector&& other) noexcept {
    SharedVector taken(std::move(other));
    std::swap(rep_, taken.rep_);
    return *this;
  }
  SharedVector& operator=(std::vector<T> elements) {
    Unref();
    rep_ = elements.empty() ? nullptr : new Rep(std::move(elements));
    return *this;
  }
  SharedVector& operator=(std::initializer_list<T> elements) { return *this = std::vector<T>(elements); }
  ~SharedVector() { Unref(); }

  // The elements. Valid until this one changes.
  const std::vector<T>& vector() const {
    static const auto* const none = new std::vector<T>();
    return rep_ == nullptr ? *none : rep_->elements;
  }
  // The same, to be changed, for as long as this one is not copied.
  std::vector<T>& mutable_vector() {
    if (rep_ == nullptr) {
      rep_ = new Rep({});
    } else if (rep_->refs.load(std::memory_order_acquire) != 1) {
      Rep* const own = new Rep(rep_->elements);
      Unref();
      rep_ = own;
    }
    return rep_->elements;
  }
  // Whether the two are copies of one vector: equal, without a look.
  bool SharesWith(const SharedVector& other) const { return rep_ == other.rep_; }

  std::size_t size() const { return rep_ == nullptr ? 0 : rep_->elements.size(); }
  bool empty() const { return size() == 0; }
  const T* data() const { return vector().data(); }
  const T& operator[](std::size_t i) const { return rep_->elements[i]; }
  const T& front() const { return rep_->elements.front(); }
  const T& back() const { return rep_->elements.back(); }
  const_iterator begin() const { return vector().begin(); }
  const_iterator end() const { return vector().end(); }

  T* data() { return mutable_vector().data(); }
  T& operator[](std::size_t i) { return mutable_vector()[i]; }
  T& front() { return mutable_vector().front(); }
  T& back() { return mutable_vector().back(); }
  iterator begin() { return mutable_vector().begin(); }
  iterator end() { return mutable_vector().end(); }
  void push_back(T element) { mutable_vector().push_back(std::move(element)); }
  void pop_back() { mutable_vector().pop_back(); }
  void reserve(std::size_t n) { mutable_vector().reserve(n); }
  void resize(std::size_t n) { mutable_vector().resize(n); }
  void clear() { Unref(); }

  friend bool operator==(const SharedVector& a, const SharedVector& b) {
    return a.rep_ == b.rep_ || a.vector() == b.vector();
  }

 private:
  struct Rep {
    explicit Rep(std::vector<T> e) : elements(std::move(e)) {}
    std::atomic<std::uint32_t> refs{1};
    std::vector<T> elements;
  };

  void Ref() {
    if (rep_ != nullptr) rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void Unref() {
    Rep* const rep = std::exchange(rep_, nullptr);
    if (rep != nullptr && rep->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete rep;
  }

  Rep* rep_ = nullptr;
};

}  // namespace epslice

#endif  // EPSLICE_APIS_SHARED_VECTOR_H_

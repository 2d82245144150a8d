// Gunzip: a body with Content-Encoding gzip, as it comes.
#ifndef EPSLICE_INFORMERS_HTTP_GUNZIP_H_
#define EPSLICE_INFORMERS_HTTP_GUNZIP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace epslice {

// Not thread-safe.
class Gunzip {
 public:
  enum class Result { kMore, kTooLong, kDamaged };

  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // Appends what the next bytes of the body unfold to, while `out` holds no
  // more than `max_bytes`. After anything but kMore do not feed again.
  Result Feed(std::string_view bytes, std::size_t max_bytes, std::string* out);
  // The body was complete: nothing is missing.
  bool ended() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_GUNZIP_H_

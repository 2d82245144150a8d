// AnswerBody: the body of an answer as it comes, compressed or not, bounded.
#ifndef EPSLICE_INFORMERS_HTTP_ANSWER_BODY_H_
#define EPSLICE_INFORMERS_HTTP_ANSWER_BODY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "informers/http/gunzip.h"

namespace epslice {

// Not thread-safe.
class AnswerBody {
 public:
  // Collects in `out`, which must outlive this and hold nothing, no more than
  // `max_bytes`, counted after decompression.
  AnswerBody(std::size_t max_bytes, std::string* out) : max_bytes_(max_bytes), out_(out) {}

  // What the head says, the next bytes, and the end of the body. Each returns
  // what is wrong with the answer, in words, or "".
  std::string Begin(std::string_view content_encoding);
  std::string Append(std::string_view bytes);
  std::string End() const;

 private:
  const std::size_t max_bytes_;
  std::string* const out_;
  std::optional<Gunzip> gunzip_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_ANSWER_BODY_H_

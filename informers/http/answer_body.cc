#include "informers/http/answer_body.h"

#include "apis/cat.h"

namespace epslice {

std::string AnswerBody::Begin(std::string_view content_encoding) {
  if (content_encoding == "gzip") {
    gunzip_.emplace();
  } else if (!content_encoding.empty() && content_encoding != "identity") {
    return "an answer compressed in a way that was not asked for";
  }
  return "";
}

std::string AnswerBody::Append(std::string_view bytes) {
  Gunzip::Result result = Gunzip::Result::kMore;
  if (gunzip_.has_value()) {
    result = gunzip_->Feed(bytes, max_bytes_, out_);
  } else if (bytes.size() > max_bytes_ - out_->size()) {
    result = Gunzip::Result::kTooLong;
  } else {
    out_->append(bytes);
  }
  if (result == Gunzip::Result::kDamaged) return "an answer whose compression is damaged";
  if (result == Gunzip::Result::kTooLong) return Cat({"an answer of more than ", std::to_string(max_bytes_), " bytes"});
  return "";
}

std::string AnswerBody::End() const {
  return gunzip_.has_value() && !gunzip_->ended() ? "a compressed answer that is cut short" : "";
}

}  // namespace epslice

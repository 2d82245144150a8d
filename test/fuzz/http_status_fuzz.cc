// An HTTP answer from anywhere, as a Status: the first byte says which code, the
// second of which Content-Type, the third to which request. What is no success
// stays none, and with its code; what cannot be read is no success either.
// Answers to reviews go the same way.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apis/protobuf.h"
#include "informers/http/http_routes.h"
#include "informers/http/reviews.h"
#include "test/fuzz/check.h"

namespace epslice {
namespace {

using fuzz::Check;

constexpr std::array<int, 20> kCodes = {200, 201, 202, 204, 100, 301, 400, 401, 403, 404,
                                        405, 406, 409, 410, 413, 415, 422, 429, 500, 503};
constexpr std::array<std::string_view, 5> kTypes = {"application/json", kProtobufMediaType, "text/plain", "",
                                                    "application/vnd.kubernetes.protobuf;stream=watch"};
constexpr std::array<Verb, 5> kVerbs = {Verb::kGet, Verb::kList, Verb::kCreate, Verb::kUpdate, Verb::kDelete};

void CheckStatus(const Status& status, const HttpReply& reply) {
  Check(status.ToString().find('\n') == std::string::npos, "a Status prints as one line");
  Check(status.retryAfterSeconds >= 0, "nobody waits backwards");
  Check(status.code == 0 || status.code == reply.status, "the code is that of HTTP, or none");
  if (reply.status < 200 || reply.status > 299) Check(!status.ok(), "what is no success stays none");
}

void TryReviews(std::string_view body) {
  const absl::StatusOr<TokenVerdict> token = ParseTokenReview(body);
  if (token.ok()) Check(!token->authenticated || !token->user.name.empty(), "who is known has a name");
  const absl::StatusOr<AccessVerdict> access = ParseAccessReview(body);
  Check(!token.ok() || !access.ok(), "one answer is not both");
  const std::string_view bearer = BearerToken(body);
  Check(bearer.find(' ') == std::string_view::npos, "a token has no blanks");
}

}  // namespace
}  // namespace epslice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  using epslice::fuzz::Check;
  epslice::HttpReply reply;
  reply.status = epslice::kCodes[data[0] % epslice::kCodes.size()];
  reply.content_type = epslice::kTypes[data[1] % epslice::kTypes.size()];
  const std::string_view body = epslice::fuzz::Input(data + 3, size - 3);
  // Up to the first line's end it is the header, too.
  reply.retry_after = body.substr(0, std::min<std::size_t>(body.find('\n'), 40));
  reply.body = body;
  epslice::Request request;
  request.verb = epslice::kVerbs[data[2] % epslice::kVerbs.size()];
  request.kind = epslice::kAllKinds[data[2] / 5 % epslice::kAllKinds.size()];
  request.name = "a";
  const epslice::Response response = epslice::FromHttpReply(request, reply);
  epslice::CheckStatus(response.status, reply);
  if (reply.status < 200 || reply.status > 299) {
    const epslice::Status status = epslice::StatusFromHttpError(reply);
    epslice::CheckStatus(status, reply);
    Check(status == response.status, "a call and a watch read an error alike");
    Check(status.code == reply.status, "an error keeps its code");
  }
  epslice::TryReviews(body);
  return 0;
}

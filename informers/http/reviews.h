// Reviews: asking an API server whose token it is (TokenReview of
// authentication.k8s.io/v1), and what a user may do (SubjectAccessReview of
// authorization.k8s.io/v1). Pure: what to POST, and what the answer says.
// Thread-safety: functions without shared state.
#ifndef EPSLICE_INFORMERS_HTTP_REVIEWS_H_
#define EPSLICE_INFORMERS_HTTP_REVIEWS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice {

inline constexpr std::string_view kTokenReviewPath = "/apis/authentication.k8s.io/v1/tokenreviews";
inline constexpr std::string_view kAccessReviewPath = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

// authentication.k8s.io/v1 UserInfo.
struct ReviewedUser {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  friend bool operator==(const ReviewedUser&, const ReviewedUser&) = default;
};

struct TokenVerdict {
  bool authenticated = false;
  ReviewedUser user;
};

struct AccessVerdict {
  bool allowed = false;
  std::string reason;  // for people; may be empty
};

std::string TokenReviewJson(std::string_view token);
// InvalidArgument where it is no TokenReview; Unavailable where the server says
// that it could not look: not the same as a token that is nobody's.
absl::StatusOr<TokenVerdict> ParseTokenReview(std::string_view json);

// May the user do this to a path that is no resource? `verb` is the HTTP method
// in lower case.
std::string AccessReviewJson(const ReviewedUser& user, std::string_view path, std::string_view verb);
// InvalidArgument where it is no SubjectAccessReview. What is both allowed and
// denied is not allowed.
absl::StatusOr<AccessVerdict> ParseAccessReview(std::string_view json);

// 32 bytes; for keys that are to tell nothing of what they stand for.
std::string Sha256(std::string_view bytes);

// The token of an Authorization header "Bearer TOKEN", in any case; "" for all
// else. Points into `header`.
std::string_view BearerToken(std::string_view header);

// Overwrites what the string holds, and empties it.
void Wipe(std::string* secret);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_REVIEWS_H_

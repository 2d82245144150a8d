// Reviews: questions about access, which are answered and not kept.
//
//   authentication.k8s.io/v1  tokenreviews (whose token is this?),
//                             selfsubjectreviews (who am I?)
//   authorization.k8s.io/v1   subjectaccessreviews (may they?),
//                             localsubjectaccessreviews (in this namespace),
//                             selfsubjectaccessreviews (may I?)
#ifndef EPSLICE_SIM_SERVE_REVIEWS_H_
#define EPSLICE_SIM_SERVE_REVIEWS_H_

#include <string>
#include <string_view>
#include <vector>

#include "apis/request.h"
#include "sim/serve/access_control.h"

namespace epslice::sim {

struct ReviewKind {
  std::string_view name;      // "TokenReview"
  std::string_view group;     // "authentication.k8s.io"
  std::string_view resource;  // "tokenreviews"
  std::string_view singular;
  bool namespaced = false;
};
// By group and resource; all are of version v1.
const std::vector<ReviewKind>& ReviewKinds();
// Null where there is none.
const ReviewKind* FindReview(std::string_view group, std::string_view version, std::string_view resource);

struct ReviewAnswer {
  Status status;     // 201, or what is wrong with the question
  std::string json;  // the question with its answer in `status`
};
// `asking`: whose request it is. `namespace_`: of the path, for the local kind.
ReviewAnswer AnswerReview(const ReviewKind& kind, const UserInfo& asking, std::string_view namespace_,
                          std::string_view body, const AccessControl& access);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_REVIEWS_H_

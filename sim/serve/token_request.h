// TokenRequests: POST .../serviceaccounts/NAME/token, as `kubectl create token`
// does.
#ifndef EPSLICE_SIM_SERVE_TOKEN_REQUEST_H_
#define EPSLICE_SIM_SERVE_TOKEN_REQUEST_H_

#include <string>
#include <string_view>

#include "apis/request.h"
#include "informers/clock.h"
#include "sim/cluster/document_store.h"
#include "sim/serve/issued_tokens.h"

namespace epslice::sim {

// Whom the tokens are shown to: this server.
inline constexpr std::string_view kApiAudience = "https://kubernetes.default.svc";

struct TokenRequestLimits {
  Duration shortest = std::chrono::minutes(10);  // a kube-apiserver's; shorter ones are refused
  Duration longest = std::chrono::hours(24);     // who asks for more gets this
};

// The account as it is now; an error (404) where there is none.
Status FindAccount(const std::string& namespace_, const std::string& name, DocumentStore* documents,
                   ServiceAccountRef* account);

struct TokenRequestAnswer {
  Status status;     // 201; 400 and 422 for what is no good, 404 without the account
  std::string json;  // the request with its token in `status`
};
// One hour where the request does not say. Tokens for other audiences, and bound
// to other objects, there are none of (400).
TokenRequestAnswer AnswerTokenRequest(const std::string& namespace_, const std::string& name, std::string_view body,
                                      const TokenRequestLimits& limits, DocumentStore* documents, IssuedTokens* tokens);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_TOKEN_REQUEST_H_

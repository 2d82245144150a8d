// Bearer tokens, as kube-apiserver takes them from --token-auth-file.
#ifndef EPSLICE_SIM_SERVE_TOKEN_AUTH_H_
#define EPSLICE_SIM_SERVE_TOKEN_AUTH_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/cluster/rbac.h"

namespace epslice::sim {

// Immutable once filled; then thread-safe.
class TokenAuth {
 public:
  // Lines of token,user,uid and maybe "group1,group2": CSV as in RFC 4180.
  // InvalidArgument for a line with fewer columns or an empty token, and for a
  // file without a line: "line 3: ...", without the token.
  static absl::StatusOr<TokenAuth> FromCsv(std::string_view text);

  void Add(std::string token, std::string user) { Add(std::move(token), UserInfo{std::move(user), "", {}}); }
  void Add(std::string token, UserInfo user) {
    entries_.push_back({std::move(token), WithImpliedGroups(std::move(user))});
  }

  // The user whose token it is, with the groups that go without saying. The time
  // it takes does not tell how near a wrong token was.
  std::optional<UserInfo> UserOf(std::string_view token) const;

  // "": there is none.
  std::string first_token() const { return entries_.empty() ? std::string() : entries_.front().token; }

 private:
  struct Entry {
    std::string token;
    UserInfo user;
  };
  std::vector<Entry> entries_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_TOKEN_AUTH_H_

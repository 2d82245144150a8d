// IssuedTokens: tokens that service accounts were given by TokenRequests.
//
// Each is good until it ends, or its account is deleted. They are kept in memory
// alone: after a restart none of them is known. They look as Kubernetes' do (JWT:
// account, times), for clients that read when theirs ends; what would be the
// signature is a random number by which the server knows its own.
//
// Thread-safe.
#ifndef EPSLICE_SIM_SERVE_ISSUED_TOKENS_H_
#define EPSLICE_SIM_SERVE_ISSUED_TOKENS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "apis/meta.h"
#include "informers/clock.h"
#include "sim/cluster/rbac.h"

namespace epslice::sim {

struct ServiceAccountRef {
  std::string namespace_;
  std::string name;
  std::string uid;
  friend bool operator==(const ServiceAccountRef&, const ServiceAccountRef&) = default;
};

struct IssuedToken {
  std::string token;
  Timestamp issued;
  Timestamp expires;
};

class IssuedTokens {
 public:
  // More that are good at the same time are not given out.
  static constexpr std::size_t kMaxTokens = 10'000;
  // 32 bytes, another each time; "" where there are none to be had.
  using NewSecret = std::function<std::string()>;
  // From the operating system.
  static std::string RandomSecret();

  // `clock` must outlive this.
  IssuedTokens(const Clock* clock, NewSecret new_secret) : clock_(clock), new_secret_(std::move(new_secret)) {}

  // nullopt: there are too many, or no secret.
  std::optional<IssuedToken> Issue(const ServiceAccountRef& account, std::string_view audience, Duration lifetime);

  struct Owner {
    ServiceAccountRef account;
    bool expired = false;
  };
  // Whose token it is; nullopt: none of ours, or one that ended long ago.
  std::optional<Owner> OwnerOf(std::string_view token) const;

 private:
  struct Entry {
    ServiceAccountRef account;
    Timestamp expires;
  };
  // Those that ended go.
  void Prune(Timestamp now);

  const Clock* const clock_;
  const NewSecret new_secret_;
  mutable std::mutex mu_;
  // Guarded by mu_. By the SHA-256 of the token: the time that a look-up takes
  // tells nothing of the tokens there are.
  std::map<std::string, Entry> entries_;
};

// system:serviceaccount:NAMESPACE:NAME, with its groups.
UserInfo UserOf(const ServiceAccountRef& account);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_ISSUED_TOKENS_H_

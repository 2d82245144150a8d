// Credentials: what a request is authorized with, kept fresh.
//
// A token or client certificate in a file is read again before it is a minute
// old, so that rotation goes unnoticed; while the file cannot be used, what was
// read last stays, and OnTrouble() is told. An exec plugin runs when its credentials have expired or
// the server refuses them, and not again for a while after it failed. It runs in
// a thread of its own, so that nobody has to wait for it longer than he will.
// Nothing here gets into logs or errors but names of files and programs.
#ifndef EPSLICE_INFORMERS_HTTP_CREDENTIALS_H_
#define EPSLICE_INFORMERS_HTTP_CREDENTIALS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/client_config.h"
#include "informers/transport.h"

namespace epslice {

// After that a plugin that runs is killed.
inline constexpr Duration kExecPluginTimeout = std::chrono::seconds(60);

// Thread-safety: all implementations may be used from any thread.
class Credentials {
 public:
  struct Value {
    std::string authorization;                 // the header; "": none
    std::shared_ptr<const Identity> identity;  // null: none. Another pointer, another identity
    std::uint64_t generation = 0;              // another number, other credentials
  };

  virtual ~Credentials() = default;

  // To be asked before every request. Reads files where that is due, and waits for
  // a plugin, until `cancel` (may be null: Cancelled) or for `patience`
  // (FailedPrecondition). A plugin goes on without those whose patience ended, for
  // the next who asks; when the last who waits is cancelled, it is killed.
  virtual absl::StatusOr<Value> Get(const CancelToken* cancel, Duration patience = kExecPluginTimeout) = 0;
  // The server refused (401) the credentials of this generation. True where
  // there are others now, so that asking once more is worth it.
  virtual bool Refresh(std::uint64_t generation, const CancelToken* cancel, Duration patience = kExecPluginTimeout) = 0;

  // The certificate that was given out last, PEM; "": none. Does not wait, and
  // reads no file.
  std::string certificate_pem() const;
  // Whether an exec plugin gives them.
  virtual bool from_plugin() const { return false; }
  // Called with each certificate of a plugin's that another one takes the place
  // of, PEM. From whatever thread asks for credentials; before the first does.
  void OnRotation(std::function<void(const std::string& certificate_pem)> tell) { tell_ = std::move(tell); }

  // Called when a file can no longer be used, with which and why, once for each
  // reason, and with OK when all can again. As OnRotation(); it must not ask for
  // credentials. (A plugin's failures fail the calls that need it.)
  void OnTrouble(std::function<void(const absl::Status& status)> tell) { tell_trouble_ = std::move(tell); }

 protected:
  void TellOfTrouble(const absl::Status& status) {
    if (!tell_trouble_ || status == told_) return;
    told_ = status;
    tell_trouble_(status);
  }
  // For certificate_pem().
  void Show(const std::shared_ptr<const Identity>& identity);
  void TellOfRotation(const Identity& before) const {
    if (tell_ && !before.certificate_pem.empty()) tell_(before.certificate_pem);
  }

 private:
  mutable std::mutex shown_mu_;
  std::shared_ptr<const Identity> shown_;  // guarded by shown_mu_
  std::function<void(const std::string&)> tell_;
  std::function<void(const absl::Status&)> tell_trouble_;
  absl::Status told_;  // one thread at a time
};

// Null where `source` holds none. `clock` must outlive them. InvalidArgument
// where a file cannot be read at the start; plugins are not run yet.
absl::StatusOr<std::shared_ptr<Credentials>> NewCredentials(const CredentialSource& source, const Clock* clock);

// Whether a file is looked at again, at the latest.
inline constexpr Duration kCredentialFileAge = std::chrono::seconds(50);
// How long a plugin that failed, or whose credentials were refused, is left
// alone before it is run again.
inline constexpr Duration kExecPluginPause = std::chrono::seconds(5);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_CREDENTIALS_H_

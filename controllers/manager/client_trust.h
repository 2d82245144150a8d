// ClientTrustSource: whose certificates name clients, followed while it changes.
//
// As kube-controller-manager v1.36: what a file says, or else the cluster's
// ConfigMap (authentication_config.h). Files are looked at again once a second
// at most, the ConfigMap once a minute at most; both only when somebody asks, so
// that there is no thread. What cannot be read, or holds no certificate, changes
// nothing: what was there before stays, and the log says so.
#ifndef EPSLICE_CONTROLLERS_MANAGER_CLIENT_TRUST_H_
#define EPSLICE_CONTROLLERS_MANAGER_CLIENT_TRUST_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "controllers/manager/client_identity.h"
#include "controllers/manager/log.h"
#include "informers/clock.h"

namespace epslice {

struct ClientTrustOptions {
  std::string client_ca_file;                // --client-ca-file; "": the ConfigMap says it
  std::string requestheader_client_ca_file;  // --requestheader-client-ca-file; the same
  RequestHeaderOptions request_headers;      // that go with the file
  bool skip_lookup = false;                  // --authentication-skip-lookup: no ConfigMap is asked for
  bool tolerate_lookup_failure = false;      // --authentication-tolerate-lookup-failure
  bool Given() const { return !client_ca_file.empty() || !requestheader_client_ca_file.empty(); }
};

// Thread-safe.
class ClientTrustSource {
 public:
  // The ConfigMap in JSON. NotFound: there is none. Blocks; a bound on its time
  // and on the answer is its own matter.
  using LookUp = std::function<absl::StatusOr<std::string>()>;

  // All must outlive this. Reads the files and looks up what they do not say.
  // InvalidArgument: a file that is no good; Unavailable: no look-up, where that
  // is not tolerated. A cluster without the ConfigMap is no failure: until there
  // is one, nobody is named by a certificate.
  static absl::StatusOr<std::unique_ptr<ClientTrustSource>> Create(ClientTrustOptions options, LookUp look_up,
                                                                   const Clock* clock, Logger* log);

  // What holds now. One caller a minute, or after a failure every ten seconds,
  // waits for a look-up; the others have what was there.
  std::shared_ptr<const ClientTrust> Current();
  // The certificates of all of them, PEM, for the TLS handshake; another pointer,
  // another text. Waits for nobody.
  std::shared_ptr<const std::string> client_ca_pem();

 private:
  // PEM, what was made of it, and where it is from.
  struct Bundle {
    std::string file;  // "": the ConfigMap
    std::string name;  // for errors
    std::string stamp;
    std::string pem;
    std::shared_ptr<const CertificateAuthorities> authorities;
  };

  ClientTrustSource(ClientTrustOptions options, LookUp look_up, const Clock* clock, Logger* log);
  bool looks_up() const {
    return !options_.skip_lookup && (options_.client_ca_file.empty() || options_.requestheader_client_ca_file.empty());
  }
  // The rest with mu_ held.
  absl::Status Use(std::string pem, Bundle* bundle);
  absl::Status ReadFile(Bundle* bundle);
  void FollowFiles(Instant now);
  absl::Status UseConfigMap(const absl::StatusOr<std::string>& answer);
  void Publish();
  void Warn(const absl::Status& why) const;

  const ClientTrustOptions options_;
  const LookUp look_up_;
  const Clock* const clock_;
  Logger* const log_;

  std::mutex mu_;
  // Below: guarded by mu_.
  Bundle clients_;
  Bundle front_proxies_;
  RequestHeaderOptions request_headers_;
  std::shared_ptr<const ClientTrust> trust_;
  std::shared_ptr<const std::string> client_ca_pem_;
  Instant next_file_look_{0};
  Instant next_look_up_{0};
  bool looking_up_ = false;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_CLIENT_TRUST_H_

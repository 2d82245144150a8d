// ServerTls: the certificate of a server, followed while it runs.
//
// It comes from files, which are read again when they change (as a mounted
// Secret does when it is rotated), or is made in memory: self-signed, for
// localhost, 127.0.0.1, ::1 and the name of the machine.
#ifndef EPSLICE_INFORMERS_HTTP_SERVER_TLS_H_
#define EPSLICE_INFORMERS_HTTP_SERVER_TLS_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/tls.h"

namespace epslice {

struct ServerTlsFiles {
  std::string certificate;  // PEM, the leaf first, then its chain
  std::string key;          // PEM, not encrypted
};

struct ServerTlsOptions {
  ServerTlsFiles files;  // both empty: self-signed
  TlsServerPolicy policy = {};
  // Whose certificates are known, PEM, which clients are told when they are asked
  // for theirs; another pointer, another text. They may show any, or none: who
  // serves looks at it. Asked once a second at most, and must not wait. Null:
  // clients are not asked.
  std::function<std::shared_ptr<const std::string>()> client_ca_pem = nullptr;
};

// Thread-safe.
class ServerTls {
 public:
  // `clock` must outlive it. InvalidArgument, with a line that names the file:
  // not to be read, longer than 1 MiB, no PEM, or a key that is another's.
  // Internal: OpenSSL would not make one.
  static absl::StatusOr<std::unique_ptr<ServerTls>> Create(ServerTlsOptions options, const Clock* clock);

  // For one new connection, which keeps it. Looks once a second at most
  // whether the files changed; a certificate made in memory is made anew a
  // month before it ends. `problem` is set, once, when what is there now
  // cannot be used; then the one before stays.
  std::shared_ptr<const TlsContext> Context(std::string* problem);
  // The certificates that Context() gives out, PEM.
  std::string certificate_pem() const;

 private:
  ServerTls(ServerTlsOptions options, const Clock* clock) : options_(std::move(options)), clock_(clock) {}
  bool self_signed() const { return options_.files.certificate.empty(); }
  absl::StatusOr<Identity> ReadOrMake() const;
  // A certificate that is there already stays.
  absl::Status Load(bool keep_identity);
  std::shared_ptr<const std::string> ClientCaPem() const;
  // What is on disk, in a form that changes with it.
  std::string Stamp() const;

  const ServerTlsOptions options_;
  const Clock* const clock_;
  mutable std::mutex mu_;
  // Below: guarded by mu_.
  std::shared_ptr<const TlsContext> context_;
  Identity identity_;
  std::shared_ptr<const std::string> client_ca_pem_;
  std::string stamp_;
  Instant next_look_{0};
  Timestamp renew_at_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_SERVER_TLS_H_

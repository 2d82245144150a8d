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
#include <vector>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/tls.h"

namespace epslice {

struct ServerTlsFiles {
  std::string certificate;  // PEM, the leaf first, then its chain
  std::string key;          // PEM, not encrypted
};

// For the clients that ask for one of `names` (server_names.h).
struct NamedServerTlsFiles {
  ServerTlsFiles files;
  std::vector<std::string> names;  // empty: those of the certificate that is there now
};

struct ServerTlsOptions {
  ServerTlsFiles files;  // both empty: self-signed
  TlsServerPolicy policy = {};
  // Whose certificates are known, PEM, which clients are told when they are asked
  // for theirs; another pointer, another text. They may show any, or none: who
  // serves looks at it. Asked once a second at most, and must not wait. Null:
  // clients are not asked.
  std::function<std::shared_ptr<const std::string>()> client_ca_pem = nullptr;
  // Other certificates than that of `files`, for some names; of a name that
  // several are for, the first counts.
  std::vector<NamedServerTlsFiles> named = {};
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
  // cannot be used; then the one before stays, each for itself.
  std::shared_ptr<const TlsContext> Context(std::string* problem);
  // The certificates that Context() gives out, PEM: that for all, then those
  // for some names.
  std::vector<std::string> certificate_pems() const;

 private:
  ServerTls(ServerTlsOptions options, const Clock* clock) : options_(std::move(options)), clock_(clock) {}
  // One certificate, and where it is from.
  struct Source {
    bool self_signed() const { return files.certificate.empty(); }
    ServerTlsFiles files;
    std::string stamp;   // what is on disk, in a form that changes with it
    Timestamp renew_at;  // of one made in memory
    Identity identity;
  };
  absl::Status Load(Source* source) const;
  // True where there is another certificate now.
  bool Renew(Source* source, std::string* problem) const;
  // A context of what the sources have.
  absl::Status Make();
  std::shared_ptr<const std::string> ClientCaPem() const;

  const ServerTlsOptions options_;
  const Clock* const clock_;
  mutable std::mutex mu_;
  // Below: guarded by mu_.
  std::shared_ptr<const TlsContext> context_;
  std::vector<Source> sources_;  // that for all, then options_.named
  std::shared_ptr<const std::string> client_ca_pem_;
  Instant next_look_{0};
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_SERVER_TLS_H_

// TLS for sockets that do not block, client's side and server's.
//
// A TlsContext holds what the connections of one kind share: trust, identity.
// A TlsSession is one connection's state. Passive: it never waits; what it
// says it wants (to read, to write) the caller polls for.
// TLS 1.2 and above. The peer's certificate is verified against the given
// certificates only; the system's are trusted only where none are given.
// Errors are one line and never hold a key.
#ifndef EPSLICE_INFORMERS_HTTP_TLS_H_
#define EPSLICE_INFORMERS_HTTP_TLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace epslice {

// A certificate with its key, both PEM. The chain's intermediates follow the
// leaf in `certificate_pem`.
struct Identity {
  std::string certificate_pem;
  std::string key_pem;
  bool operator==(const Identity&) const = default;
};

struct TlsClientOptions {
  // The trusted certificates, PEM; "" for the system's. Any of them is an
  // anchor, whether or not it signed itself.
  std::string ca_pem;
  // Certificates are not verified at all: whoever answers is believed.
  bool insecure_skip_verify = false;
  // For servers that ask who we are; may be empty.
  Identity identity;
};

// What a server accepts of the versions and ciphers of TLS.
struct TlsServerPolicy {
  enum class Version : std::uint8_t { kTls12, kTls13 };
  Version min_version = Version::kTls12;
  // For TLS 1.2, in the library's names with ':' between (tls_ciphers.h); "": as
  // it would choose. Those of TLS 1.3 are never chosen among.
  std::string ciphers;
  friend bool operator==(const TlsServerPolicy&, const TlsServerPolicy&) = default;
};

// A certificate for the clients that ask for it by a name (server_names.h).
struct NamedIdentity {
  Identity identity;
  std::vector<std::string> names;  // empty: those the certificate itself has
};

struct TlsServerOptions {
  Identity identity;  // for whoever asks for none of `named`
  // Clients must show a certificate that these signed; "": none is asked for,
  // but see below.
  std::string client_ca_pem;
  // Clients are asked for a certificate, and may show any, or none: what is shown
  // is for the server to look at (TlsSession::PeerCertificates). The names in
  // `client_ca_pem`, which may be "", are only told to them.
  bool any_client_certificate = false;
  TlsServerPolicy policy = {};
  std::vector<NamedIdentity> named = {};
};

// Bytes of the certificates that a client may show.
inline constexpr std::size_t kMaxClientCertificateBytes = std::size_t{64} << 10;

// Immutable, thread-safe.
class TlsContext {
 public:
  // InvalidArgument where a PEM cannot be read, or the key is not the
  // certificate's.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Client(const TlsClientOptions& options);
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Server(const TlsServerOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// InvalidArgument where `identity` is no certificate with its key.
absl::Status CheckIdentity(const Identity& identity);
// InvalidArgument where there is no certificate in `pem`.
absl::Status CheckCertificates(std::string_view pem);

// Not thread-safe.
class TlsSession {
 public:
  enum class Io {
    kDone,       // something was read or written, the handshake is over
    kWantRead,   // call again when the socket can be read
    kWantWrite,  // or written
    kClosed,     // the peer ended the session in good order
    kFailed,     // see error()
  };

  // `fd` is not blocking, and stays the caller's. `name`: whom the server's
  // certificate must be for, a DNS name or an IP address. Null when out of
  // memory.
  static std::unique_ptr<TlsSession> Client(const TlsContext& context, int fd, const std::string& name);
  static std::unique_ptr<TlsSession> Server(const TlsContext& context, int fd);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Io Handshake();
  Io Read(char* to, std::size_t size, std::size_t* read);
  Io Write(const char* from, std::size_t size, std::size_t* written);
  // After the handshake: what the other side showed of itself, DER, its own
  // certificate first; empty where it showed none. It has the key of the first.
  // Whether anything else was verified, the context's options say.
  std::vector<std::string> PeerCertificates() const;
  // Bytes are here that Read() gives without the socket.
  bool pending() const;
  // The same, or at least a part of a record is here: Read() may give some.
  bool begun() const;
  // An idle connection: whether the peer has ended it, or said something that
  // nobody asked for.
  bool ClosedByPeer();
  // Tells the peer that this is the end, as far as that goes without waiting.
  void Close();

  const std::string& error() const { return error_; }

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  static std::unique_ptr<TlsSession> Make(const TlsContext& context, int fd);
  Io Outcome(int result);

  std::unique_ptr<Impl> impl_;
  std::string error_;
};

// Whether a host is a literal IPv4 or IPv6 address (without brackets).
bool IsIpAddress(const std::string& host);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_TLS_H_

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
#include <memory>
#include <string>
#include <string_view>

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

struct TlsServerOptions {
  Identity identity;
  // Clients must show a certificate that these signed; "": none is asked for.
  std::string client_ca_pem;
};

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

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_TLS_H_

#include "informers/http/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "informers/http/pem.h"
#include "informers/http/server_names.h"

namespace epslice {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// The names of authorities are told to clients in a field of 64 KiB; too many of
// them are left out, which means any.
constexpr std::size_t kMaxNameBytes = std::size_t{60'000};

absl::Status Invalid(std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(Cat({what}));
}

KeyPtr ReadKey(std::string_view pem) {
  const BioPtr bio = PemReader(pem);
  return {bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPemPassword, nullptr),
          EVP_PKEY_free};
}

absl::Status Trust(SSL_CTX* context, std::string_view ca_pem) {
  return TrustCertificates(ca_pem, SSL_CTX_get_cert_store(context)) > 0
             ? absl::OkStatus()
             : Invalid("there is no PEM certificate in the certificate authority");
}

// Clients that have several certificates choose by these names.
void TellNames(SSL_CTX* context, std::string_view ca_pem) {
  std::size_t bytes = 0;
  std::vector<X509Ptr> authorities;
  ForEachCertificate(ca_pem, [&](X509Ptr certificate) {
    bytes +=
        static_cast<std::size_t>(std::max(0, i2d_X509_NAME(X509_get_subject_name(certificate.get()), nullptr))) + 2;
    authorities.push_back(std::move(certificate));
  });
  if (bytes > kMaxNameBytes) return;
  for (const X509Ptr& authority : authorities) SSL_CTX_add_client_CA(context, authority.get());
}

// Whoever a client is, the connection is made.
int AcceptAnyChain(X509_STORE_CTX*, void*) { return 1; }

absl::Status AskClients(SSL_CTX* context, const TlsServerOptions& options) {
  SSL_CTX_set_max_cert_list(context, static_cast<long>(kMaxClientCertificateBytes));  // NOLINT(google-runtime-int)
  TellNames(context, options.client_ca_pem);
  if (options.any_client_certificate) {
    SSL_CTX_set_cert_verify_callback(context, AcceptAnyChain, nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return absl::OkStatus();
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return Trust(context, options.client_ca_pem);
}

absl::Status Identify(SSL_CTX* context, const Identity& identity) {
  bool leaf = true;
  bool used = true;
  const std::size_t count = ForEachCertificate(identity.certificate_pem, [&](X509Ptr certificate) {
    if (std::exchange(leaf, false)) {
      used = SSL_CTX_use_certificate(context, certificate.get()) == 1;
    } else {
      used = used && SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
    }
  });
  if (count == 0) return Invalid("there is no PEM certificate in the certificate");
  if (!used) return Invalid("the certificate is not one that TLS can use");
  const KeyPtr key = ReadKey(identity.key_pem);
  if (key == nullptr) return Invalid("there is no unencrypted PEM private key in the key");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Invalid("the private key is not the one of the certificate");
  }
  return absl::OkStatus();
}

// Before each call whose outcome SSL_get_error() is asked for. Clearing walks all of
// the thread's places for errors, which costs as much as a small read.
void ForgetErrors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

ContextPtr NewContext(const SSL_METHOD* method) {
  ContextPtr context(SSL_CTX_new(method), SSL_CTX_free);
  if (context == nullptr) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

// The address of ours that the peer has reached; "" where there is none.
std::string OwnAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  const void* bytes = nullptr;
  if (address.ss_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
  if (address.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  if (bytes == nullptr || ::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) return "";
  return text.data();
}

absl::StatusOr<ContextPtr> NewServerContext(const Identity& identity, const TlsServerOptions& options) {
  ContextPtr context = NewContext(TLS_server_method());
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  if (absl::Status status = Identify(context.get(), identity); !status.ok()) return status;
  if (options.policy.min_version == TlsServerPolicy::Version::kTls13) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  }
  if (!options.policy.ciphers.empty() && SSL_CTX_set_cipher_list(context.get(), options.policy.ciphers.c_str()) != 1) {
    return Invalid("there are no such ciphers");
  }
  if (options.any_client_certificate || !options.client_ca_pem.empty()) {
    if (absl::Status status = AskClients(context.get(), options); !status.ok()) return status;
  }
  // Sessions are not resumed: a peer's certificate is looked at each time.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  return context;
}

}  // namespace

// --- context --------------------------------------------------------------

struct TlsContext::Impl {
  ContextPtr context{nullptr, SSL_CTX_free};
  // Of a server: whom `named` are for, by their place in it.
  ServerNames names;
  std::vector<ContextPtr> named;

  // Called in a handshake, once the client has said what it wants.
  static int ChooseIdentity(SSL* ssl, int* alert, void* impl);
};

int TlsContext::Impl::ChooseIdentity(SSL* ssl, int*, void* impl) {
  const auto* self = static_cast<const Impl*>(impl);
  const char* const asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::optional<std::size_t> index =
      self->names.IndexOf(asked != nullptr && *asked != '\0' ? std::string(asked) : OwnAddress(SSL_get_fd(ssl)));
  if (index) SSL_set_SSL_CTX(ssl, self->named[*index].get());
  return SSL_TLSEXT_ERR_OK;
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Client(const TlsClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->context = NewContext(TLS_client_method());
  SSL_CTX* const context = impl->context.get();
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  // A client has few connections and reads from them all the time: a record's
  // head and body in one read, into a buffer that stays.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (options.ca_pem.empty()) {
      SSL_CTX_set_default_verify_paths(context);
    } else if (absl::Status status = Trust(context, options.ca_pem); !status.ok()) {
      return status;
    }
  }
  if (options.identity != Identity()) {
    if (absl::Status status = Identify(context, options.identity); !status.ok()) return status;
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Server(const TlsServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  absl::StatusOr<ContextPtr> context = NewServerContext(options.identity, options);
  if (!context.ok()) return context.status();
  impl->context = *std::move(context);
  for (const NamedIdentity& named : options.named) {
    absl::StatusOr<ContextPtr> one = NewServerContext(named.identity, options);
    if (!one.ok()) return one.status();
    if (named.names.empty()) {
      impl->names.AddFound(impl->named.size(), NamesOfCertificate(named.identity.certificate_pem));
    } else {
      impl->names.AddGiven(impl->named.size(), named.names);
    }
    impl->named.push_back(*std::move(one));
  }
  if (!impl->named.empty()) {
    SSL_CTX_set_tlsext_servername_callback(impl->context.get(), Impl::ChooseIdentity);
    SSL_CTX_set_tlsext_servername_arg(impl->context.get(), impl.get());
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
}

absl::Status CheckIdentity(const Identity& identity) {
  const ContextPtr context = NewContext(TLS_method());
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  return Identify(context.get(), identity);
}

absl::Status CheckCertificates(std::string_view pem) {
  if (ForEachCertificate(pem, [](const X509Ptr&) {}) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("holds no PEM certificate");
}

// --- session --------------------------------------------------------------

struct TlsSession::Impl {
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
  std::string peer;  // of a client: whom the certificate must be for
  bool broken = false;
};

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;

std::unique_ptr<TlsSession> TlsSession::Make(const TlsContext& context, int fd) {
  auto impl = std::make_unique<Impl>();
  ERR_clear_error();
  impl->ssl.reset(SSL_new(context.impl_->context.get()));
  if (impl->ssl == nullptr || SSL_set_fd(impl->ssl.get(), fd) != 1) return nullptr;
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(impl)));
}

std::unique_ptr<TlsSession> TlsSession::Client(const TlsContext& context, int fd, const std::string& name) {
  std::unique_ptr<TlsSession> session = Make(context, fd);
  if (session == nullptr) return nullptr;
  SSL* const ssl = session->impl_->ssl.get();
  session->impl_->peer = name;
  bool good = true;
  if (IsIpAddress(name)) {
    good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  } else {
    // Names in the subject's CN are no longer believed, as in Go.
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    good = SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  }
  if (!good) return nullptr;
  SSL_set_connect_state(ssl);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::Server(const TlsContext& context, int fd) {
  std::unique_ptr<TlsSession> session = Make(context, fd);
  if (session != nullptr) SSL_set_accept_state(session->impl_->ssl.get());
  return session;
}

TlsSession::Io TlsSession::Outcome(int result) {
  if (result > 0) return Io::kDone;
  SSL* const ssl = impl_->ssl.get();
  const int system = errno;
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ: return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE: return Io::kWantWrite;
    case SSL_ERROR_ZERO_RETURN: return Io::kClosed;
    case SSL_ERROR_SYSCALL: error_ = system == 0 ? "the connection was closed" : std::strerror(system); break;
    default: {
      // Also where nobody asked for it, something is found to be wrong.
      const bool asked = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
      const long verified = asked ? SSL_get_verify_result(ssl) : X509_V_OK;
      const unsigned long code = ERR_peek_error();
      if (verified != X509_V_OK && !impl_->peer.empty()) {
        error_ = Cat({"the server's certificate is not accepted for ", QuoteForError(impl_->peer), ": ",
                      X509_verify_cert_error_string(verified)});
      } else if (verified != X509_V_OK) {
        error_ = Cat({"the client's certificate is not accepted: ", X509_verify_cert_error_string(verified)});
      } else if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        error_ = "the connection was closed";
      } else {
        const char* reason = ERR_reason_error_string(code);
        error_ = reason == nullptr ? "TLS failed" : reason;
        if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER || ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) {
          error_ += " (is the other side speaking TLS?)";
        }
      }
    }
  }
  ERR_clear_error();
  impl_->broken = true;
  return Io::kFailed;
}

TlsSession::Io TlsSession::Handshake() {
  ForgetErrors();
  errno = 0;
  return Outcome(SSL_do_handshake(impl_->ssl.get()));
}

TlsSession::Io TlsSession::Read(char* to, std::size_t size, std::size_t* read) {
  ForgetErrors();
  errno = 0;
  *read = 0;
  return Outcome(SSL_read_ex(impl_->ssl.get(), to, size, read));
}

TlsSession::Io TlsSession::Write(const char* from, std::size_t size, std::size_t* written) {
  ForgetErrors();
  errno = 0;
  *written = 0;
  return Outcome(SSL_write_ex(impl_->ssl.get(), from, size, written));
}

std::vector<std::string> TlsSession::PeerCertificates() const {
  std::vector<std::string> all;
  const auto add = [&all](X509* certificate) {
    const int size = i2d_X509(certificate, nullptr);
    if (size <= 0) return;
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* to = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate, &to);
    all.push_back(std::move(der));
  };
  SSL* const ssl = impl_->ssl.get();
  X509* const own = SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return all;
  add(own);
  // Of a client the chain is without its own.
  const STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl);
  for (int i = SSL_is_server(ssl) == 1 ? 0 : 1; i < sk_X509_num(chain); ++i) add(sk_X509_value(chain, i));
  ERR_clear_error();
  return all;
}

bool TlsSession::pending() const { return SSL_pending(impl_->ssl.get()) > 0; }
bool TlsSession::begun() const { return SSL_has_pending(impl_->ssl.get()) == 1; }

bool TlsSession::ClosedByPeer() {
  ForgetErrors();
  char byte = 0;
  std::size_t read = 0;
  // Also takes in what TLS itself says between answers: tickets, new keys.
  return Outcome(SSL_peek_ex(impl_->ssl.get(), &byte, 1, &read)) != Io::kWantRead;
}

void TlsSession::Close() {
  // After an error the library must not be asked again.
  if (impl_->broken || SSL_in_init(impl_->ssl.get()) != 0) return;
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

bool IsIpAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace epslice

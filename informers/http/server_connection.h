// ServerConnection: a socket as cpp-httplib wants one, with the bounds its own lacks.
//
// cpp-httplib bounds neither the length of a request line nor the time that a
// request takes in all, and it polls idle connections. Here a request has so
// many bytes of head and so much time to arrive, waiting is one poll(), and
// Cut() ends it from another thread. With TLS, its handshake is part of the
// first request.
#ifndef EPSLICE_INFORMERS_HTTP_SERVER_CONNECTION_H_
#define EPSLICE_INFORMERS_HTTP_SERVER_CONNECTION_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "informers/clock.h"
#include "informers/http/tls.h"

namespace epslice {

struct ServerConnectionLimits {
  Duration idle_timeout;
  Duration request_timeout;
  Duration write_timeout;
  std::size_t max_head_bytes;
};

// Thread-safety: Cut() and CutAt() from any thread; the rest from the one that serves it.
class ServerConnection {
 public:
  // Takes over `fd` and closes it in the end. `tls`: null for none. `clock`
  // and `tls` must outlive this.
  ServerConnection(int fd, const Clock* clock, const ServerConnectionLimits& limits, const TlsContext* tls = nullptr);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Waits for the first byte of a request; false: closed, cut or idle too long.
  bool AwaitRequest();
  // The head is read: from here on bytes are the body's, which is bounded by
  // who reads it.
  void HeadDone() { head_done_ = true; }

  // What was read of the head of this request, byte for byte: the library decodes
  // what it gives out, and leaves out fields that are empty.
  const std::string& head() const { return head_; }
  // TlsSession::PeerCertificates(); empty before the first request and without TLS.
  const std::vector<std::string>& peer_certificates() const { return peer_certificates_; }

  // As read(2) and write(2); -1 where a bound is passed.
  ssize_t Read(char* to, std::size_t size);
  ssize_t Write(const char* from, std::size_t size);
  // Whether the other side has not closed its end; for a thread that has
  // nothing to write.
  bool PeerAlive() const;

  // Ends reads, and writes that wait.
  void Cut();
  // The same, but not before `at`, and up to 200 ms later.
  void CutAt(Instant at) { cut_at_.store(at.count(), std::memory_order_release); }

  // "10.0.0.1" and 41234, of the other side or of ours.
  void Address(bool remote, std::string* ip, int* port) const;
  int fd() const { return fd_; }
  bool buffered() const { return begin_ < end_ || (tls_ != nullptr && tls_->pending()); }

 private:
  // Waits for `events`; false when `deadline` is past or the connection is cut.
  bool Wait(short events, Instant deadline) const;
  // For what a TLS session wants; false for what it does not.
  bool WaitFor(TlsSession::Io io, Instant deadline) const;
  bool Handshake();
  // Into buffer_, as read(2).
  ssize_t Receive();

  const int fd_;
  const Clock* const clock_;
  const ServerConnectionLimits limits_;
  std::unique_ptr<TlsSession> tls_;
  bool handshake_done_ = false;
  bool unusable_ = false;  // there should be TLS, and there is none
  std::atomic<std::int64_t> cut_at_{std::numeric_limits<std::int64_t>::max()};
  Instant request_deadline_{0};
  bool head_done_ = false;
  std::size_t head_bytes_ = 0;
  std::string head_;
  std::vector<std::string> peer_certificates_;
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_SERVER_CONNECTION_H_

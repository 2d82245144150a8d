// HttpCall: one call of a transport, and how another thread ends it.
#ifndef EPSLICE_INFORMERS_HTTP_HTTP_CALL_H_
#define EPSLICE_INFORMERS_HTTP_HTTP_CALL_H_

#include <condition_variable>
#include <mutex>

#include "informers/clock.h"
#include "informers/http/http_connection.h"
#include "informers/transport.h"

namespace epslice {

// Belongs to the thread that calls; that of the token may come in at any time.
class HttpCall {
 public:
  // `token` (null: nobody cancels) must outlive this.
  explicit HttpCall(CancelToken* token);
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;
  ~HttpCall();

  // From now on cancelling aborts this connection (null: none). False when it
  // was cancelled before, or the token lets nothing be sent any more.
  bool Use(HttpConnection* connection);
  bool cancelled();
  // Waits until `clock` says `time`; false when cancelled before. Looks at the
  // clock now and then, since it need not run as fast as ours.
  bool WaitUntil(const Clock& clock, Instant time);

 private:
  void Cancel();

  CancelToken* const token_;
  int id_ = -1;
  std::mutex mu_;
  std::condition_variable changed_;
  // Below: guarded by mu_.
  bool cancelled_ = false;
  HttpConnection* connection_ = nullptr;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_CALL_H_

// What our two servers on cpp-httplib (the controller's serving port, the API
// server in memory) have in common beside ServerConnection and WorkerPool, and
// what they and our client do before the library's first use.
// For .cc files that include httplib.h.
#ifndef EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_
#define EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_

#include <memory>

namespace httplib {
class Stream;
struct Request;
}  // namespace httplib

namespace epslice {

class ServerConnection;

// The connection as the library reads and writes it. The connection must
// outlive the stream.
std::unique_ptr<httplib::Stream> MakeConnectionStream(ServerConnection* connection);

// Whether a body follows the head.
bool HasBody(const httplib::Request& request);

// A server calls it before it listens, a client before it sends. The library
// keeps what it parses requests and answers with (names of methods, expressions)
// in function-local statics. That is safe, but ThreadSanitizer cannot see it, as
// Debian's build is not instrumented; so the first request of the process is
// served here, and its first answer read, out of memory. Thread-safe; after the
// first time it does nothing.
void MakeHttplibStatics();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_

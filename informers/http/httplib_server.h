// What our two servers on cpp-httplib (the controller's serving port, the API
// server in memory) have in common beside ServerConnection and WorkerPool.
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

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_

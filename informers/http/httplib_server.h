// What our two servers on cpp-httplib (the controller's serving port, the API
// server in memory) have in common beside ServerConnection and WorkerPool.
// For .cc files that include httplib.h.
#ifndef EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_
#define EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_

#include <memory>
#include <string>
#include <string_view>

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

// For when a head has been read: makes a target in absolute form path and query.
// Answers are made anew each time: ranges of them have no meaning, and frames of a
// stream would wait in a compressor; so the client's wishes for these are dropped.
void NormalizeHead(httplib::Request* request);

// What Go's server refuses before any handler sees it: a request of HTTP/1.1
// without a Host, two of them or one that is none, a target that is none. "", or
// what is wrong: to be answered 400, and to be the connection's last. After
// NormalizeHead(). `head`: ServerConnection::head(), since the library leaves out
// fields that are empty.
std::string HeadProblem(const httplib::Request& request, std::string_view head);

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTPLIB_SERVER_H_

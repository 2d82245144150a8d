// What has to be done before threads use cpp-httplib, in servers and clients.
#ifndef EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_
#define EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_

namespace epslice {

// A server calls it before it listens, a client before it sends. The library
// keeps what it parses requests and answers with (names of methods, expressions)
// in function-local statics. That is safe, but ThreadSanitizer cannot see it, as
// Debian's build is not instrumented; so the first request of the process is
// served here, and its first answer read, out of memory. Thread-safe; after the
// first time it does nothing.
void MakeHttplibStatics();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_

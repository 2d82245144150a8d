// What cpp-httplib makes on the first request of a process, made before there
// are threads.
#ifndef EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_
#define EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_

namespace epslice {

// A server calls it before it listens. The library keeps what it parses requests
// with (names of methods, expressions) in function-local statics. That is safe,
// but ThreadSanitizer cannot see it, as Debian's build is not instrumented; so
// the first request of the process is served here, out of memory. Thread-safe;
// after the first time it does nothing.
void MakeHttplibStatics();

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTPLIB_STATICS_H_

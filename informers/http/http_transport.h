// HttpTransport: Requests to an API server over HTTP or HTTPS, in protobuf or
// JSON.
//
// The sockets of the live program. Calls from several threads run at once,
// each on a connection of its own; connections are kept and used again.
// What it does about trouble: a read that fails because the server had closed
// a kept connection is sent once more; a request that was refused as
// unauthorized (401) is sent once more where there are fresher credentials; one
// that was put off (429 or 503 with Retry-After) is sent again when the server
// wants it, but for lists and watches, whose watchers wait themselves. All else
// is the caller's to judge. A write that may have been executed is never sent
// twice: one whose answer did not come has an unknown outcome and returns
// status.code 0.
// Protobuf is asked for with JSON as the second choice, and each answer is read
// as its Content-Type says. Once a server refuses protobuf (406, or 415 to a
// body), the request is sent again in JSON and the transport keeps to it.
// Lists are asked for compressed (gzip), which API servers do to long answers.
// The program must ignore SIGPIPE.
#ifndef EPSLICE_INFORMERS_HTTP_HTTP_TRANSPORT_H_
#define EPSLICE_INFORMERS_HTTP_HTTP_TRANSPORT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "informers/clock.h"
#include "informers/http/credentials.h"
#include "informers/transport.h"

namespace epslice {

struct HttpProxy;

struct HttpTransportOptions {
  std::string base_url;  // "https://host:port[/path]", or http

  // Of https: whom to trust. The client's own certificate comes from
  // `credentials`.
  std::string ca_pem;  // "": what the system trusts, otherwise nothing else
  // Where ca_pem is from; "": not from a file. It is read again within a minute,
  // and soon after a connection that could not be made; new connections trust
  // what it says then. One that holds no certificate changes nothing.
  std::string ca_file;
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;  // the certificate's name; "": the host

  // The proxy by which the server is reached (proxy.h). Null: directly.
  std::shared_ptr<const HttpProxy> proxy;

  // Null: none. Over http no credentials are sent, whatever is here.
  std::shared_ptr<Credentials> credentials;

  // client-go's limit on calls: --kube-api-qps, --kube-api-burst. Calls above
  // it wait, first come first served. A watch takes one token when it starts.
  // qps <= 0: no limit.
  double qps = 20;
  int burst = 30;

  // Where the request names none. The API server makes the manager of
  // managedFields from it.
  std::string user_agent = "epslice";

  Duration connect_timeout = std::chrono::seconds(10);
  // Of silence, and of a whole call (a watch may take its timeoutSeconds, or
  // an hour where it names none, and `watch_grace` more, silent or not).
  Duration read_timeout = std::chrono::seconds(60);
  Duration call_timeout = std::chrono::minutes(5);
  Duration watch_grace = std::chrono::seconds(30);
  // A watch that has brought nothing for so long is ended, as if by the server, and
  // goes on with a new one: of a connection that is silent on the way nobody tells.
  // API servers send bookmarks once a minute, but of what does not change only where
  // etcd runs with --experimental-watch-progress-notify-interval; else a new watch
  // says that all is well.
  Duration watch_silence = std::chrono::seconds(75);
  // Connections not used for longer are dropped; API servers close theirs
  // after 90 s.
  Duration max_idle = std::chrono::seconds(60);

  // How long one call may wait in all because of Retry-After.
  Duration max_retry_after = std::chrono::seconds(10);

  std::size_t max_response_bytes = std::size_t{1} << 30;     // after decompression
  std::size_t max_watch_line_bytes = std::size_t{16} << 20;  // or frame, in protobuf

  // "application/json" or "application/vnd.kubernetes.protobuf":
  // --kube-api-content-type. Patches are JSON in any case.
  std::string content_type = "application/json";
  // Told once, when the server refuses protobuf and JSON is spoken from then
  // on, with its answer. Called from a calling thread.
  std::function<void(const Status& why)> on_fallback;

  // Objects keep their JSON text; no protobuf then.
  bool keep_json = false;

  // Of the answers to creates and updates of EndpointSlices in protobuf no more
  // than the metadata is asked for and read; and a watch's echo that is what was written, byte
  // for byte, shares its endpoints' texts (WrittenSlices; 256 KiB at the most).
  bool metadata_of_written_suffices = false;

  // Told of every call, for metrics: the HTTP code (0: none came) and the time
  // from the rate limiter's leave to the answer (for a watch: to its
  // beginning). Called from the calling threads.
  std::function<void(const Request& request, int code, Duration took)> observe;
  // Told of the bytes of an answer's body (after decompression), for a watch as
  // they come. As above.
  std::function<void(const Request& request, std::size_t bytes)> observe_bytes;
};

class HttpTransport : public Transport {
 public:
  // `clock` must outlive the transport. InvalidArgument for a bad base_url,
  // ca_pem or content_type.
  static absl::StatusOr<std::unique_ptr<HttpTransport>> Create(HttpTransportOptions options, const Clock* clock);
  // No call may be running.
  ~HttpTransport() override;

  // Requests that make no path are answered 400 without a call.
  Response Do(const Request& request, CancelToken* cancel) override;
  Status Watch(const Request& request, CancelToken* cancel,
               const std::function<bool(const WatchEvent&)>& on_event) override;
  Status WatchAndTell(const Request& request, CancelToken* cancel, const std::function<void()>& on_open,
                      const std::function<bool(const WatchEvent&)>& on_event) override;

  // POSTs a question in JSON to a path, and returns the answer's body as it is:
  // for reviews (reviews.h), which are no kind we speak. It must be one that
  // changes nothing, as it may be sent twice. What Do() does about trouble this
  // does, too; the question's copies in here are overwritten afterwards.
  struct Answer {
    Status status;  // 200 or 201; code 0: none came
    std::string body;
  };
  Answer Ask(std::string_view path, std::string_view json, CancelToken* cancel);
  // GETs a path, in JSON, in the same way.
  Answer Get(std::string_view path, CancelToken* cancel);

 private:
  struct Impl;
  explicit HttpTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice

#endif  // EPSLICE_INFORMERS_HTTP_HTTP_TRANSPORT_H_

#include "informers/http/http_routes.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "apis/cat.h"
#include "apis/json.h"
#include "apis/json_writer.h"
#include "apis/protobuf.h"
#include "apis/status_text.h"

namespace epslice {
namespace {

absl::Status InvalidPath(std::initializer_list<std::string_view> parts) {
  return absl::InvalidArgumentError(Cat(parts));
}

constexpr std::string_view kEventsV1Path = "/apis/events.k8s.io/v1";

// One segment of a path. "." and ".." survive encoding, and servers and
// proxies resolve them.
absl::Status AppendSegment(std::string_view what, std::string_view segment, std::string* path) {
  if (segment == "." || segment == "..")
    return InvalidPath({what, " ", QuoteForError(segment), ": has no place in a path"});
  *path += '/';
  *path += PercentEncode(segment);
  return absl::OkStatus();
}

void AppendParam(std::string_view key, std::string_view value, std::string* target) {
  if (value.empty()) return;
  *target += target->find('?') == std::string::npos ? '?' : '&';
  *target += key;
  *target += '=';
  *target += PercentEncode(value);
}

void AppendListQuery(const Request& request, std::string* target) {
  const ListOptions& o = request.list;
  if (request.verb == Verb::kWatch) {
    AppendParam("watch", "true", target);
    if (o.allowWatchBookmarks) AppendParam("allowWatchBookmarks", "true", target);
    if (o.sendInitialEvents) AppendParam("sendInitialEvents", *o.sendInitialEvents ? "true" : "false", target);
    if (o.timeoutSeconds > 0) AppendParam("timeoutSeconds", std::to_string(o.timeoutSeconds), target);
  } else {
    if (o.limit > 0) AppendParam("limit", std::to_string(o.limit), target);
    AppendParam("continue", o.continueToken, target);
  }
  AppendParam("resourceVersion", o.resourceVersion, target);
  AppendParam("resourceVersionMatch", o.resourceVersionMatch, target);
  AppendParam("labelSelector", o.labelSelector, target);
  AppendParam("fieldSelector", o.fieldSelector, target);
}

std::string_view Method(Verb verb) {
  switch (verb) {
    case Verb::kGet:
    case Verb::kList:
    case Verb::kWatch: return "GET";
    case Verb::kCreate: return "POST";
    case Verb::kUpdate: return "PUT";
    case Verb::kPatch: return "PATCH";
    case Verb::kDelete: return "DELETE";
  }
  return "";
}

std::string_view ContentType(PatchType type) {
  switch (type) {
    case PatchType::kMerge: return "application/merge-patch+json";
    case PatchType::kStrategicMerge: return "application/strategic-merge-patch+json";
    case PatchType::kJson: return "application/json-patch+json";
  }
  return "";
}

std::string DeleteOptionsJson(const DeleteOptions& options, bool dry_run) {
  std::string out;
  JsonWriter w(&out);
  w.BeginObject();
  w.Field("kind", "DeleteOptions");
  w.Field("apiVersion", "v1");
  if (options.gracePeriodSeconds) w.IntField("gracePeriodSeconds", *options.gracePeriodSeconds);
  if (!options.preconditionUid.empty() || !options.preconditionResourceVersion.empty()) {
    w.Key("preconditions");
    w.BeginObject();
    if (!options.preconditionUid.empty()) w.Field("uid", options.preconditionUid);
    if (!options.preconditionResourceVersion.empty()) {
      w.Field("resourceVersion", options.preconditionResourceVersion);
    }
    w.EndObject();
  }
  if (!options.propagationPolicy.empty()) w.Field("propagationPolicy", options.propagationPolicy);
  if (dry_run) {
    w.Key("dryRun");
    w.BeginArray();
    w.String("All");
    w.EndArray();
  }
  w.EndObject();
  return out;
}

bool WritesProtobuf(const Request& request, WireFormat format) {
  if (format != WireFormat::kProtobuf || !request.subresource.empty()) return false;
  if (request.verb == Verb::kDelete) return true;
  return request.object.has_value() && request.object.json() == nullptr && request.object.kind() != Kind::kPod &&
         request.object.kind() != Kind::kNode;
}

// The Event of a request that wants it spelt as events.k8s.io/v1.
std::shared_ptr<const Event> EventsV1(const Request& request) {
  return request.eventsV1 ? request.object.As<Event>() : nullptr;
}

void AppendJsonBody(const Request& request, std::string* body) {
  if (const auto event = EventsV1(request); event != nullptr) {
    *body += EncodeEventsV1Json(*event);
  } else {
    AppendJson(request.object, body);
  }
}

void AppendProtobufBody(const Request& request, std::string* body) {
  if (const auto event = EventsV1(request); event != nullptr) {
    *body += EncodeEventsV1Protobuf(*event);
  } else {
    AppendProtobuf(request.object, body);
  }
}

absl::StatusOr<std::string> PathOf(const Request& request, std::string_view prefix) {
  const KindInfo& info = InfoOf(request.kind);
  const bool collection = request.verb == Verb::kList || request.verb == Verb::kWatch;
  // A create names the object in its body, but the owner of a subresource in
  // its path.
  const bool named = !collection && (request.verb != Verb::kCreate || !request.subresource.empty());
  std::string namespace_ = request.namespace_;
  std::string name = request.name;
  if (request.object.has_value()) {
    const BasicMeta& meta = request.object.meta();
    if (namespace_.empty()) namespace_ = meta.namespace_.str();
    if (name.empty()) name = meta.name.str();
  }
  if (!info.namespaced && !namespace_.empty()) {
    return InvalidPath(
        {VerbName(request.verb), " ", info.resource, ": namespace ", QuoteForError(namespace_), ": the kind has none"});
  }
  if (info.namespaced && namespace_.empty() && !collection) {
    return InvalidPath({VerbName(request.verb), " ", info.resource, ": a namespace is needed"});
  }
  if (named && name.empty()) return InvalidPath({VerbName(request.verb), " ", info.resource, ": a name is needed"});

  const bool events_v1 = request.eventsV1 && request.kind == Kind::kEvent;
  std::string path = Cat({prefix, events_v1 ? kEventsV1Path : std::string_view(info.path)});
  if (!namespace_.empty()) {
    path += "/namespaces";
    if (auto status = AppendSegment("namespace", namespace_, &path); !status.ok()) return status;
  }
  path += '/';
  path += info.resource;
  if (named) {
    if (auto status = AppendSegment("name", name, &path); !status.ok()) return status;
  }
  if (!request.subresource.empty()) {
    if (collection) return InvalidPath({VerbName(request.verb), " ", info.resource, ": takes no subresource"});
    if (auto status = AppendSegment("subresource", request.subresource, &path); !status.ok()) return status;
  }
  return path;
}

std::string_view ReasonOf(int code) {
  switch (code) {
    case 400: return "BadRequest";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 406: return "NotAcceptable";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "RequestEntityTooLarge";
    case 415: return "UnsupportedMediaType";
    case 422: return "Invalid";
    case 429: return "TooManyRequests";
    case 500: return "InternalError";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return "Unknown";
  }
}

// Seconds; the form with a date is not used by API servers.
std::int64_t ParseRetryAfter(std::string_view header) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error != std::errc() || end != header.data() + header.size()) return 0;
  return std::clamp<std::int64_t>(seconds, 0, 86'400);
}

absl::StatusOr<Status> DecodeStatus(const HttpReply& reply) {
  if (FormatOf(reply.content_type) == WireFormat::kProtobuf) return DecodeStatusProtobuf(reply.body);
  if (reply.body.find('{') == std::string::npos) return absl::InvalidArgumentError("no JSON");
  return DecodeStatusJson(reply.body);
}

// What stands between brackets, the zone of it decoded (RFC 6874); nullopt: a '%'
// that begins none, or a zone that is no name of an interface.
std::optional<std::string> WithZone(std::string_view address) {
  constexpr std::string_view kMark = "%25";
  const std::size_t percent = address.find('%');
  if (percent == std::string_view::npos) return std::string(address);
  if (address.substr(percent, kMark.size()) != kMark) return std::nullopt;
  std::string_view rest = address.substr(percent + kMark.size());
  std::string zone;
  while (!rest.empty()) {
    unsigned value = static_cast<unsigned char>(rest.front());
    std::size_t used = 1;
    if (rest.front() == '%') {
      const std::string_view digits = rest.substr(1, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
      used = 3;
    }
    if (value <= ' ' || value >= 0x7f || value == '/') return std::nullopt;
    zone += static_cast<char>(value);
    rest.remove_prefix(used);
  }
  if (zone.empty()) return std::nullopt;
  return Cat({address.substr(0, percent), "%", zone});
}

Status Unreadable(const absl::Status& why) {
  Status s = StatusUnreachable(why.message().empty() ? "empty answer" : MessageOf(why));
  s.reason = "InvalidResponse";
  return s;
}

}  // namespace

std::string PercentEncode(std::string_view s) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(s.size());
  for (const char c : s) {
    const auto b = static_cast<unsigned char>(c);
    if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '-' || b == '.' ||
        b == '_' || b == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[b >> 4];
      out += kHex[b & 15];
    }
  }
  return out;
}

absl::StatusOr<HttpEndpoint> ParseHttpUrl(std::string_view url) {
  const auto bad = [url](std::string_view why) {
    const bool shown = url.find('@') == std::string_view::npos;  // no password is
    return InvalidPath({"server ", shown ? QuoteForError(url, 128) : "(not shown)", ": ", why,
                        "; accepted: https://host[:port][/path], or http"});
  };
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  // Schemes may be in capitals (RFC 3986, 3.1).
  const auto has = [url](std::string_view scheme) {
    return url.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), url.begin(), [](char want, char c) {
             return want == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
           });
  };
  const bool tls = has(kHttps);
  if (!tls && !has(kHttp)) return bad("the scheme is neither https nor http");
  std::string_view rest = url.substr(tls ? kHttps.size() : kHttp.size());
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) return bad("not an URL");
  }
  if (rest.find_first_of("@?#\\") != std::string_view::npos) return bad("user, query and fragment have no place here");

  HttpEndpoint endpoint;
  endpoint.tls = tls;
  endpoint.port = tls ? 443 : 80;
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    std::string_view prefix = rest.substr(slash);
    while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
    endpoint.prefix = prefix;
    rest = rest.substr(0, slash);
  }
  std::string_view port;
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return bad("no ']' after an IPv6 address");
    std::optional<std::string> host = WithZone(rest.substr(1, close - 1));
    if (!host) return bad("a zone is written with %25, as in [fe80::1%25eth0]");
    endpoint.host = *std::move(host);
    rest = rest.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad("something between ']' and the port");
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return bad("an empty port");
  } else {
    const std::size_t colon = rest.find(':');
    endpoint.host = rest.substr(0, colon);
    if (endpoint.host.find('%') != std::string::npos) return bad("an escape in the host");
    if (colon != std::string_view::npos) {
      port = rest.substr(colon + 1);
      if (port.empty()) return bad("an empty port");
    }
  }
  if (endpoint.host.empty()) return bad("no host");
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint.port < 1 || endpoint.port > 65'535) {
      return bad("the port is not a number from 1 to 65535");
    }
  }
  return endpoint;
}

WireFormat FormatOf(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type == kProtobufMediaType ? WireFormat::kProtobuf : WireFormat::kJson;
}

std::string_view AcceptHeader(Verb verb, WireFormat format, bool metadata_suffices) {
  if (format == WireFormat::kJson) return "application/json";
  if (metadata_suffices && (verb == Verb::kCreate || verb == Verb::kUpdate)) {
    return "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
           "application/vnd.kubernetes.protobuf,application/json";
  }
  if (verb == Verb::kWatch) return "application/vnd.kubernetes.protobuf;stream=watch,application/json";
  return "application/vnd.kubernetes.protobuf,application/json";
}

absl::StatusOr<HttpRequest> ToHttpRequest(const Request& request, std::string_view prefix, WireFormat format) {
  absl::StatusOr<std::string> path = PathOf(request, prefix);
  if (!path.ok()) return path.status();
  HttpRequest http;
  http.method = Method(request.verb);
  http.target = *std::move(path);
  switch (request.verb) {
    case Verb::kGet: break;
    case Verb::kList:
    case Verb::kWatch: AppendListQuery(request, &http.target); break;
    case Verb::kCreate:
    case Verb::kUpdate:
      if (!request.object.has_value()) {
        return InvalidPath({VerbName(request.verb), " ", InfoOf(request.kind).resource, ": an object is needed"});
      }
      if (WritesProtobuf(request, format)) {
        AppendProtobufBody(request, &http.body);
        http.content_type = kProtobufMediaType;
      } else {
        AppendJsonBody(request, &http.body);
        http.content_type = "application/json";
      }
      break;
    case Verb::kPatch:
      http.body = request.patch;
      http.content_type = ContentType(request.patchType);
      break;
    case Verb::kDelete:
      if (request.deletion == DeleteOptions() && !request.dryRun) break;
      // Of a delete with a body the server does not look at the query. A dry one is
      // rare, so JSON is good enough for it.
      if (WritesProtobuf(request, format) && !request.dryRun) {
        AppendProtobuf(request.deletion, &http.body);
        http.content_type = kProtobufMediaType;
      } else {
        http.body = DeleteOptionsJson(request.deletion, request.dryRun);
        http.content_type = "application/json";
      }
      break;
  }
  if (request.dryRun && request.verb != Verb::kDelete) AppendParam("dryRun", "All", &http.target);
  return http;
}

Status StatusFromHttpError(const HttpReply& reply) {
  constexpr std::size_t kMaxErrorBytes = 64 * 1024;
  Status status;
  bool told = false;
  if (reply.body.size() <= kMaxErrorBytes) {
    absl::StatusOr<Status> decoded = DecodeStatus(reply);
    if (decoded.ok()) {
      status = *std::move(decoded);
      told = true;
    }
  }
  status.code = reply.status;
  if (status.reason.empty()) status.reason = ReasonOf(reply.status);
  if (!told) status.message = QuoteForError(reply.body, 200);
  if (const std::int64_t seconds = ParseRetryAfter(reply.retry_after); seconds > 0) status.retryAfterSeconds = seconds;
  return status;
}

Response FromHttpReply(const Request& request, const HttpReply& reply, bool keep_json, bool metadata_suffices) {
  Response response;
  if (reply.status < 200 || reply.status > 299) {
    response.status = StatusFromHttpError(reply);
    return response;
  }
  response.status.code = reply.status;
  const bool protobuf = FormatOf(reply.content_type) == WireFormat::kProtobuf;
  if (request.verb == Verb::kList) {
    absl::StatusOr<ObjectList> list =
        protobuf ? DecodeListProtobuf(request.kind, reply.body) : DecodeListJson(request.kind, reply.body, keep_json);
    if (list.ok()) {
      response.list = *std::move(list);
    } else {
      response.status = Unreadable(list.status());
    }
    return response;
  }
  // A delete answers with the object or with a Status; so do subresources.
  if (request.verb == Verb::kDelete || !request.subresource.empty()) {
    absl::StatusOr<Status> told = DecodeStatus(reply);
    if (told.ok()) {
      response.status = *std::move(told);
      response.status.code = reply.status;
      return response;
    }
  }
  absl::StatusOr<AnyObject> object = !protobuf           ? DecodeObjectJson(request.kind, reply.body, keep_json)
                                     : metadata_suffices ? DecodeObjectMetadataProtobuf(request.kind, reply.body)
                                                         : DecodeObjectProtobuf(request.kind, reply.body);
  if (object.ok()) {
    response.object = *std::move(object);
  } else {
    response.status = Unreadable(object.status());
  }
  return response;
}

}  // namespace epslice

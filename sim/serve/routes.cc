#include "sim/serve/routes.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "apis/cat.h"

namespace epslice::sim {
namespace {

constexpr std::size_t kMaxQueryParameters = 64;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Route Refuse(Route route, Status status) {
  route.target = Route::Target::kRefused;
  route.status = std::move(status);
  return route;
}

Status TooLong() {
  Status status;
  status.code = 414;
  status.reason = "RequestURITooLong";
  status.message = Cat({"the request target is longer than ", std::to_string(kMaxTargetBytes), " bytes"});
  return status;
}

// The query into pairs, in order. False on a broken escape.
bool ParseQuery(std::string_view text, std::vector<std::pair<std::string, std::string>>* query) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (query->size() == kMaxQueryParameters) return false;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string key;
    std::string value;
    if (!PercentDecode(pair.substr(0, equals), true, &key)) return false;
    if (equals < pair.size() && !PercentDecode(pair.substr(equals + 1), true, &value)) return false;
    query->emplace_back(std::move(key), std::move(value));
  }
  return true;
}

// The path into decoded segments; a slash inside a segment (%2F) is no name
// of ours. False where the path is malformed.
bool SplitPath(std::string_view path, std::vector<std::string>* segments) {
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  if (!path.empty() && path.back() == '/') path.remove_suffix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    std::string segment;
    if (!PercentDecode(path.substr(0, end), false, &segment)) return false;
    if (segment.empty() || segment == "." || segment == ".." || segment.find('/') != std::string::npos) return false;
    segments->push_back(std::move(segment));
    if (end == path.size()) break;
    path.remove_prefix(end + 1);
  }
  return true;
}

// Where a resource is: group and version, then namespace, resource, name and
// subresource as far as the path goes.
struct Place {
  Kind kind = Kind::kPod;
  bool events_v1 = false;
  std::string namespace_;
  std::string name;
  std::string subresource;
};

std::optional<Kind> KindOfResource(std::string_view group_path, std::string_view resource, bool* events_v1) {
  *events_v1 = group_path == "/apis/events.k8s.io/v1";
  if (*events_v1) return resource == "events" ? std::optional<Kind>(Kind::kEvent) : std::nullopt;
  for (Kind kind : kAllKinds) {
    const KindInfo& info = InfoOf(kind);
    if (info.path == group_path && info.resource == resource) return kind;
  }
  return std::nullopt;
}

bool HasSubresource(Kind kind, std::string_view subresource) {
  const bool has_status =
      kind == Kind::kPod || kind == Kind::kNode || kind == Kind::kService || kind == Kind::kNamespace;
  if (subresource == "status") return has_status;
  return kind == Kind::kPod && (subresource == "binding" || subresource == "eviction");
}

std::optional<Place> FindPlace(const std::vector<std::string>& segments) {
  std::size_t next = 0;
  std::string group_path;
  if (segments.size() >= 3 && segments[0] == "api") {
    group_path = Cat({"/api/", segments[1]});
    next = 2;
  } else if (segments.size() >= 4 && segments[0] == "apis") {
    group_path = Cat({"/apis/", segments[1], "/", segments[2]});
    next = 3;
  } else {
    return std::nullopt;
  }
  Place place;
  const std::size_t left = segments.size() - next;
  // namespaces/NAME/RESOURCE...; but namespaces/NAME/status is a Namespace's own.
  const bool in_namespace = segments[next] == "namespaces" && left >= 3 &&
                            !(left == 3 && group_path == "/api/v1" && segments[next + 2] == "status");
  if (in_namespace) {
    place.namespace_ = segments[next + 1];
    next += 2;
  }
  const std::optional<Kind> kind = KindOfResource(group_path, segments[next], &place.events_v1);
  if (!kind.has_value() || (in_namespace && !InfoOf(*kind).namespaced)) return std::nullopt;
  place.kind = *kind;
  ++next;
  if (next < segments.size()) place.name = segments[next++];
  if (next < segments.size()) place.subresource = segments[next++];
  if (next < segments.size()) return std::nullopt;
  // Objects of a namespaced kind are named within their namespace only.
  if (!place.name.empty() && !in_namespace && InfoOf(place.kind).namespaced) return std::nullopt;
  if (!place.subresource.empty() && !HasSubresource(place.kind, place.subresource)) return std::nullopt;
  return place;
}

std::optional<Verb> VerbFor(std::string_view method, const Place& place, bool* delete_collection) {
  if (place.subresource == "binding" || place.subresource == "eviction") {
    return method == "POST" ? std::optional<Verb>(Verb::kCreate) : std::nullopt;
  }
  if (place.name.empty()) {
    const bool whole_cluster = InfoOf(place.kind).namespaced && place.namespace_.empty();
    if (method == "GET") return Verb::kList;
    if (method == "POST" && !whole_cluster) return Verb::kCreate;
    *delete_collection = method == "DELETE" && !whole_cluster && place.kind != Kind::kNamespace;
    return *delete_collection ? std::optional<Verb>(Verb::kDelete) : std::nullopt;
  }
  if (method == "GET") return Verb::kGet;
  if (method == "PUT") return Verb::kUpdate;
  if (method == "PATCH") return Verb::kPatch;
  if (method == "DELETE" && place.subresource.empty()) return Verb::kDelete;
  return std::nullopt;
}

// "true" and "1", and a parameter without a value, are true.
bool ParseBool(std::string_view value) {
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower != "false" && lower != "0";
}

bool ParseCount(std::string_view value, std::int64_t* count) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *count);
  return error == std::errc() && end == value.data() + value.size() && *count >= 0;
}

// One query parameter into the request; a reason where its value is no good.
// Parameters we do not know are ignored, as the API server does.
std::optional<std::string> ApplyParameter(const std::string& key, const std::string& value, Route* route) {
  Request& request = route->request;
  ListOptions& list = request.list;
  const auto count = [&](std::int64_t* field) -> std::optional<std::string> {
    if (ParseCount(value, field)) return std::nullopt;
    return Cat({key, ": ", QuoteForError(value), " is not a whole number from 0"});
  };
  if (key == "limit") return count(&list.limit);
  if (key == "timeoutSeconds") return count(&list.timeoutSeconds);
  if (key == "gracePeriodSeconds") {
    std::int64_t seconds = 0;
    if (auto why = count(&seconds)) return why;
    request.deletion.gracePeriodSeconds = seconds;
  } else if (key == "resourceVersion") {
    list.resourceVersion = value;
  } else if (key == "resourceVersionMatch") {
    list.resourceVersionMatch = value;
  } else if (key == "labelSelector") {
    list.labelSelector = value;
  } else if (key == "fieldSelector") {
    list.fieldSelector = value;
  } else if (key == "continue") {
    list.continueToken = value;
  } else if (key == "allowWatchBookmarks") {
    list.allowWatchBookmarks = ParseBool(value);
  } else if (key == "sendInitialEvents") {
    list.sendInitialEvents = ParseBool(value);
  } else if (key == "propagationPolicy") {
    request.deletion.propagationPolicy = value;
  } else if (key == "dryRun") {
    request.dryRun = true;
    if (value != "All")
      return Cat({"dryRun: Unsupported value: ", QuoteForError(value), ": supported values: \"All\""});
  } else if (key == "includeObject") {
    if (value == "None") route->include_object = IncludeObject::kNone;
    if (value == "Object") route->include_object = IncludeObject::kObject;
    if (value != "None" && value != "Object" && value != "Metadata" && !value.empty()) {
      return Cat({"includeObject: ", QuoteForError(value), " is none of None, Metadata, Object"});
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view Route::Query(std::string_view key) const {
  for (const auto& [name, value] : query) {
    if (name == key) return value;
  }
  return {};
}

bool Route::HasQuery(std::string_view key) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& pair) { return pair.first == key; });
}

bool Route::WantsWatch() const { return HasQuery("watch") && ParseBool(Query("watch")); }

Status ReadParameters(Route* route) {
  for (const auto& [key, value] : route->query) {
    if (auto why = ApplyParameter(key, value, route)) return StatusBadRequest(*why);
  }
  return {};
}

bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) {
      c = ' ';
    } else if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return false;
    out->push_back(c);
  }
  return true;
}

Status StatusNoSuchMethod() {
  Status status;
  status.code = 405;
  status.reason = "MethodNotAllowed";
  status.message = "the server does not allow this method on the requested resource";
  return status;
}

Route ParseRoute(std::string_view method, std::string_view target) {
  Route route;
  if (target.size() > kMaxTargetBytes) return Refuse(std::move(route), TooLong());
  const std::size_t question = std::min(target.find('?'), target.size());
  std::vector<std::string> segments;
  if (!SplitPath(target.substr(0, question), &segments)) return route;
  for (const std::string& segment : segments) route.path += Cat({"/", segment});
  if (question < target.size() && !ParseQuery(target.substr(question + 1), &route.query)) {
    return Refuse(std::move(route),
                  StatusBadRequest("the query cannot be read: a broken %-escape, or too many parameters"));
  }
  const std::optional<Place> place = FindPlace(segments);
  if (!place.has_value()) {
    // Whether there is such a document is for discovery.h to say.
    route.target = Route::Target::kDocument;
    return route;
  }
  const std::optional<Verb> verb = VerbFor(method, *place, &route.delete_collection);
  if (!verb.has_value()) return Refuse(std::move(route), StatusNoSuchMethod());

  Request& request = route.request;
  request.verb = *verb;
  request.kind = place->kind;
  request.namespace_ = place->namespace_;
  request.name = place->name;
  request.subresource = place->subresource;
  route.events_v1 = place->events_v1;
  if (Status status = ReadParameters(&route); !status.ok()) return Refuse(std::move(route), std::move(status));
  if (request.verb == Verb::kList && route.WantsWatch()) request.verb = Verb::kWatch;
  route.target = Route::Target::kResource;
  return route;
}

}  // namespace epslice::sim

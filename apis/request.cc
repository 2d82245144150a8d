#include "apis/request.h"

#include <algorithm>
#include <utility>

#include "apis/cat.h"

namespace epslice {
namespace {

// "endpointslices.discovery.k8s.io", as the API server's messages name a
// resource or a kind with its group.
std::string WithGroup(std::string_view name, std::string_view group) {
  return group.empty() ? std::string(name) : Cat({name, ".", group});
}

Status ErrorStatus(int code, std::string_view reason, std::string message) {
  Status s;
  s.code = code;
  s.reason = reason;
  s.message = std::move(message);
  return s;
}

Status ObjectStatus(int code, std::string_view reason, Kind kind, std::string_view name, std::string message) {
  Status s = ErrorStatus(code, reason, std::move(message));
  s.detailsName = name;
  s.detailsGroup = InfoOf(kind).group;
  s.detailsKind = InfoOf(kind).resource;
  return s;
}

std::string Quoted(Kind kind, std::string_view name) {
  return Cat({WithGroup(InfoOf(kind).resource, InfoOf(kind).group), " \"", name, "\""});
}

// Lists and watches go by their own word: as HTTP methods all three reads look
// the same.
std::string_view MethodWord(Verb verb) {
  switch (verb) {
    case Verb::kGet: return "GET";
    case Verb::kList: return "LIST";
    case Verb::kWatch: return "WATCH";
    case Verb::kCreate: return "POST";
    case Verb::kUpdate: return "PUT";
    case Verb::kPatch: return "PATCH";
    case Verb::kDelete: return "DELETE";
  }
  return "";
}

// The name in the request, or in the object it carries, or the prefix the
// server will make a name of.
std::string NameIn(const Request& request) {
  if (!request.name.empty() || !request.object.has_value()) return request.name;
  const BasicMeta& meta = request.object.meta();
  if (!meta.name.empty()) return meta.name.str();
  const ObjectMeta* whole = request.object.object_meta();
  if (whole == nullptr || whole->generateName.empty()) return "";
  return Cat({whole->generateName.view(), "*"});
}

}  // namespace

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kGet: return "get";
    case Verb::kList: return "list";
    case Verb::kWatch: return "watch";
    case Verb::kCreate: return "create";
    case Verb::kUpdate: return "update";
    case Verb::kPatch: return "patch";
    case Verb::kDelete: return "delete";
  }
  return "";
}

std::string_view WatchEventTypeName(WatchEventType type) {
  switch (type) {
    case WatchEventType::kAdded: return "ADDED";
    case WatchEventType::kModified: return "MODIFIED";
    case WatchEventType::kDeleted: return "DELETED";
    case WatchEventType::kBookmark: return "BOOKMARK";
    case WatchEventType::kError: return "ERROR";
  }
  return "";
}

bool Status::HasCause(std::string_view cause_reason) const {
  return std::any_of(causes.begin(), causes.end(), [&](const StatusCause& c) { return c.reason == cause_reason; });
}

std::string Status::ToString() const {
  std::string out = code == 0 ? std::string("no answer") : std::to_string(code);
  if (!reason.empty()) {
    out += Cat({" ", reason});
  } else if (code == 200) {
    out.append(" OK");
  } else if (code == 201) {
    out.append(" Created");
  }
  if (!message.empty()) out += Cat({": ", message});
  // A message may come from anywhere; a log line stays one line.
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

Status StatusNotFound(Kind kind, std::string_view name) {
  return ObjectStatus(404, "NotFound", kind, name, Cat({Quoted(kind, name), " not found"}));
}

Status StatusAlreadyExists(Kind kind, std::string_view name) {
  return ObjectStatus(409, "AlreadyExists", kind, name, Cat({Quoted(kind, name), " already exists"}));
}

Status StatusConflict(Kind kind, std::string_view name, std::string_view why) {
  return ObjectStatus(409, "Conflict", kind, name,
                      Cat({"Operation cannot be fulfilled on ", Quoted(kind, name), ": ", why}));
}

Status StatusExpired(std::string_view why) { return ErrorStatus(410, "Expired", std::string(why)); }

Status StatusBadRequest(std::string_view why) { return ErrorStatus(400, "BadRequest", std::string(why)); }

// The API server names the kind here, not the resource, in message and details
// alike.
Status StatusInvalid(Kind kind, std::string_view name, std::vector<StatusCause> causes) {
  const KindInfo& info = InfoOf(kind);
  std::string message = Cat({WithGroup(info.name, info.group), " \"", name, "\" is invalid"});
  for (std::size_t i = 0; i < causes.size(); ++i) {
    const std::string_view before = i > 0 ? ", " : causes.size() > 1 ? ": [" : ": ";
    message += Cat({before, causes[i].field, causes[i].field.empty() ? "" : ": ", causes[i].message});
  }
  if (causes.size() > 1) message.push_back(']');
  Status s = ObjectStatus(422, "Invalid", kind, name, std::move(message));
  s.detailsKind = info.name;
  s.causes = std::move(causes);
  return s;
}

Status StatusUnreachable(std::string_view why) { return ErrorStatus(0, "", std::string(why)); }

std::string DescribeRequest(const Request& request) {
  std::string out = Cat({MethodWord(request.verb), " ", InfoOf(request.kind).resource});
  if (!request.subresource.empty()) out += Cat({"/", request.subresource});
  std::string name = NameIn(request);
  std::string ns = request.namespace_;
  if (ns.empty() && request.object.has_value()) ns = request.object.meta().namespace_.str();
  if (!ns.empty()) {
    out += Cat({" ", ns, name.empty() ? "" : "/", name});
  } else if (!name.empty()) {
    out += Cat({" ", name});
  }
  return out;
}

}  // namespace epslice

#include "test/e2e/request_log.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace epslice::e2e {
namespace {

using Json = nlohmann::json;

std::string_view TakeLine(std::string_view* text) {
  const std::size_t end = std::min(text->find('\n'), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return line;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// The part of a path below /api/v1 or /apis/GROUP/VERSION.
bool ReadPath(std::string_view path, LoggedRequest* request) {
  std::vector<std::string> parts = Split(path, '/');
  std::size_t i = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    i = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    request->group = parts[1];
    i = 3;
  } else {
    return false;
  }
  if (parts[i] == "namespaces" && parts.size() > i + 2) {
    request->namespace_ = parts[i + 1];
    i += 2;
  }
  request->resource = parts[i];
  if (parts.size() > i + 1) request->name = parts[i + 1];
  if (parts.size() > i + 2) request->subresource = parts[i + 2];
  return true;
}

std::string VerbOf(std::string_view method, std::string_view query, bool named) {
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return named ? "delete" : "deletecollection";
  if (named) return "get";
  const bool watch =
      query.find("watch=true") != std::string_view::npos || query.find("watch=1") != std::string_view::npos;
  return watch ? "watch" : "list";
}

// REMOTE METHOD "TARGET" CODE BYTES DURATION "USER AGENT"[ user "USER"]
std::optional<LoggedRequest> ReadAccessLine(std::string_view line) {
  const std::vector<std::string> quoted = Split(line, '"');
  if (quoted.size() < 4) return std::nullopt;
  const std::vector<std::string> before = Split(quoted[0], ' ');
  const std::vector<std::string> after = Split(quoted[2], ' ');
  if (before.size() != 2 || after.empty()) return std::nullopt;
  LoggedRequest request;
  const std::string_view target = quoted[1];
  const std::size_t query = std::min(target.find('?'), target.size());
  if (!ReadPath(target.substr(0, query), &request)) return std::nullopt;
  request.verb = VerbOf(before[1], target.substr(query), !request.name.empty());
  request.user_agent = quoted[3];
  if (quoted.size() > 5) request.user = quoted[5];
  std::from_chars(after[0].data(), after[0].data() + after[0].size(), request.code);
  return request;
}

std::string StringAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

std::vector<LoggedRequest> ReadAccessLog(std::string_view text) {
  std::vector<LoggedRequest> requests;
  while (!text.empty()) {
    if (std::optional<LoggedRequest> request = ReadAccessLine(TakeLine(&text))) requests.push_back(*std::move(request));
  }
  return requests;
}

std::vector<LoggedRequest> ReadAuditLog(std::string_view text) {
  std::vector<LoggedRequest> requests;
  while (!text.empty()) {
    const Json event = Json::parse(TakeLine(&text), nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || !event.contains("objectRef")) continue;
    // A watch is told of when it begins and when it ends. A request that is given
    // up in the midst of its answer ends in a panic.
    const bool watch = StringAt(event, "verb") == "watch";
    const std::string stage = StringAt(event, "stage");
    if (watch ? stage != "ResponseStarted" : stage != "ResponseComplete" && stage != "Panic") continue;
    const Json& ref = event["objectRef"];
    LoggedRequest request;
    request.user = event.contains("user") ? StringAt(event["user"], "username") : "";
    request.user_agent = StringAt(event, "userAgent");
    request.verb = StringAt(event, "verb");
    request.group = StringAt(ref, "apiGroup");
    request.resource = StringAt(ref, "resource");
    request.subresource = StringAt(ref, "subresource");
    request.namespace_ = StringAt(ref, "namespace");
    request.name = StringAt(ref, "name");
    if (event.contains("responseStatus")) {
      request.code = event["responseStatus"].value("code", 0);
      request.message = StringAt(event["responseStatus"], "message");
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

WriteCount CountWrites(const std::vector<LoggedRequest>& writes) {
  constexpr int kClientClosedRequest = 499;
  WriteCount count;
  for (const LoggedRequest& write : writes) {
    if (write.code >= 200 && write.code < 300) ++count.answered;
    if (write.code == 200 && write.message == "Connection closed early") ++count.faked;
    if (write.code == 0 || write.code == kClientClosedRequest || write.code >= 500) ++count.unknown;
  }
  return count;
}

}  // namespace epslice::e2e

#include "sim/serve/request_attributes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/cat.h"
#include "apis/selector.h"
#include "sim/serve/routes.h"

namespace epslice::sim {
namespace {

std::vector<std::string> Parts(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    std::string part;
    // A broken escape stands for itself: no rule names it.
    if (!PercentDecode(path.substr(0, end), false, &part)) part = std::string(path.substr(0, end));
    if (!part.empty()) parts.push_back(std::move(part));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

std::string VerbOf(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return "";
}

// The value of a query parameter, decoded; "" without one.
std::string QueryValue(std::string_view query, std::string_view key, bool* found) {
  *found = false;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name;
    std::string value;
    if (!PercentDecode(pair.substr(0, equals), true, &name) || name != key) continue;
    *found = true;
    if (equals < pair.size() && !PercentDecode(pair.substr(equals + 1), true, &value)) value.clear();
    return value;
  }
  return "";
}

// The one name that a fieldSelector leaves; "" where it leaves more.
std::string NameIn(const std::string& field_selector) {
  const absl::StatusOr<std::vector<FieldRequirement>> fields = ParseFieldSelector(field_selector);
  if (!fields.ok()) return "";
  for (const FieldRequirement& field : *fields) {
    const bool name = field.field == "metadata.name" && !field.negated;
    if (name && field.value != "." && field.value != ".." && field.value.find_first_of("/%") == std::string::npos) {
      return field.value;
    }
  }
  return "";
}

// GET and DELETE of no name are of many.
void SetVerbOfMany(std::string_view query, AccessAttributes* out) {
  if (!out->name.empty()) return;
  if (out->verb == "delete") out->verb = "deletecollection";
  if (out->verb != "get") return;
  bool found = false;
  const std::string watch = LowerCase(QueryValue(query, "watch", &found));
  out->verb = found && watch != "false" && watch != "0" ? "watch" : "list";
  out->name = NameIn(QueryValue(query, "fieldSelector", &found));
}

}  // namespace

std::optional<ResourcePath> FindResourcePath(std::string_view target) {
  std::vector<std::string> parts = Parts(target.substr(0, target.find('?')));
  const bool core = !parts.empty() && parts[0] == "api";
  const std::size_t version_at = core ? 1 : 2;
  if (parts.empty() || (!core && parts[0] != "apis") || parts.size() <= version_at + 1) return std::nullopt;
  ResourcePath out;
  if (!core) out.group = std::move(parts[1]);
  out.version = std::move(parts[version_at]);
  std::size_t at = version_at + 1;
  if (parts[at] == "namespaces" && at + 1 < parts.size()) {
    out.namespace_ = parts[at + 1];
    const bool own = at + 2 < parts.size() && (parts[at + 2] == "status" || parts[at + 2] == "finalize");
    if (at + 2 < parts.size() && !own) at += 2;
  }
  out.resource = std::move(parts[at]);
  if (at + 1 < parts.size()) out.name = std::move(parts[at + 1]);
  if (at + 2 < parts.size()) out.subresource = std::move(parts[at + 2]);
  out.deeper = at + 3 < parts.size();
  return out;
}

AccessAttributes AttributesOf(std::string_view method, std::string_view target) {
  AccessAttributes out;
  const std::size_t question = std::min(target.find('?'), target.size());
  std::optional<ResourcePath> place = FindResourcePath(target);
  if (!place.has_value()) {
    out.is_resource = false;
    out.verb = LowerCase(method);
    // As it is: "/version/" and "/version" are two paths to RBAC.
    if (!PercentDecode(target.substr(0, question), false, &out.path)) out.path = target.substr(0, question);
    return out;
  }
  out.verb = VerbOf(method);
  out.group = std::move(place->group);
  out.version = std::move(place->version);
  out.namespace_ = std::move(place->namespace_);
  out.resource = std::move(place->resource);
  out.name = std::move(place->name);
  out.subresource = std::move(place->subresource);
  SetVerbOfMany(question == target.size() ? std::string_view() : target.substr(question + 1), &out);
  return out;
}

}  // namespace epslice::sim

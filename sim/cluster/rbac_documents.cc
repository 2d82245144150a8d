#include "sim/cluster/rbac_documents.h"

#include <nlohmann/json.hpp>
#include <string>

#include "apis/cat.h"
#include "sim/cluster/document_kinds.h"
#include "sim/cluster/json_doc.h"

namespace epslice::sim {
namespace {

using nlohmann::json;
using Causes = std::vector<StatusCause>;

void Require(const std::string& field, std::string_view why, Causes* causes) {
  causes->push_back({"FieldValueRequired", Cat({"Required value", why.empty() ? "" : ": ", why}), field});
}

void Refuse(const std::string& field, const json& value, std::string_view why, Causes* causes) {
  causes->push_back({"FieldValueInvalid", Cat({"Invalid value: ", DumpDoc(value), ": ", why}), field});
}

void RefuseValue(const std::string& field, std::string_view value, std::string_view accepted, Causes* causes) {
  causes->push_back({"FieldValueNotSupported",
                     Cat({"Unsupported value: ", QuoteForError(value), ": supported values: ", accepted}), field});
}

// doc[key] as a list of strings; what is something else is a cause.
std::vector<std::string> Strings(const json& doc, const char* key, const std::string& field, Causes* causes) {
  std::vector<std::string> out;
  const json* list = Find(doc, key);
  if (list == nullptr || list->is_null()) return out;
  for (const json& item : list->is_array() ? *list : json::array({*list})) {
    if (!list->is_array() || !item.is_string()) {
      Refuse(Cat({field, ".", key}), *list, "must be a list of strings", causes);
      return {};
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

void CheckRule(const PolicyRule& rule, bool namespaced, const std::string& field, Causes* causes) {
  if (rule.verbs.empty()) Require(field + ".verbs", "verbs must contain at least one value", causes);
  if (!rule.nonResourceURLs.empty()) {
    const std::string urls = field + ".nonResourceURLs";
    if (namespaced) Refuse(urls, rule.nonResourceURLs, "namespaced rules cannot apply to non-resource URLs", causes);
    if (!rule.apiGroups.empty() || !rule.resources.empty() || !rule.resourceNames.empty()) {
      Refuse(urls, rule.nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs", causes);
    }
    return;
  }
  if (rule.apiGroups.empty()) {
    Require(field + ".apiGroups", "resource rules must supply at least one api group", causes);
  }
  if (rule.resources.empty()) {
    Require(field + ".resources", "resource rules must supply at least one resource", causes);
  }
}

// The elements of doc[key]; a cause where it is no list of objects.
std::vector<json*> Objects(json* doc, const char* key, Causes* causes) {
  std::vector<json*> out;
  if (!doc->contains(key) || (*doc)[key].is_null()) return out;
  json& list = (*doc)[key];
  const bool is_list = list.is_array();
  if (!is_list) Refuse(key, list, "must be a list", causes);
  for (std::size_t i = 0; is_list && i < list.size(); ++i) {
    if (list[i].is_object()) {
      out.push_back(&list[i]);
    } else {
      Refuse(Cat({key, "[", std::to_string(i), "]"}), list[i], "must be an object", causes);
    }
  }
  return out;
}

RbacSubject ReadSubject(bool namespaced, const std::string& field, json* doc, Causes* causes) {
  RbacSubject subject;
  const std::string kind = StringAt(*doc, "kind");
  subject.name = StringAt(*doc, "name");
  subject.namespace_ = StringAt(*doc, "namespace");
  if (subject.name.empty()) Require(field + ".name", "", causes);
  const bool account = kind == "ServiceAccount";
  if (account) {
    subject.kind = RbacSubject::Kind::kServiceAccount;
    if (!namespaced && subject.namespace_.empty()) Require(field + ".namespace", "", causes);
  } else if (kind == "Group") {
    subject.kind = RbacSubject::Kind::kGroup;
  } else if (kind != "User") {
    RefuseValue(field + ".kind", kind, R"("Group", "ServiceAccount", "User")", causes);
    return subject;
  }
  const std::string group = StringAt(*doc, "apiGroup");
  if (!account && group.empty()) (*doc)["apiGroup"] = kRbacGroup;
  if (account ? !group.empty() : !group.empty() && group != kRbacGroup) {
    RefuseValue(field + ".apiGroup", group, account ? R"("")" : R"("rbac.authorization.k8s.io")", causes);
  }
  return subject;
}

}  // namespace

std::vector<PolicyRule> ReadRules(const json& role, bool namespaced, Causes* causes) {
  std::vector<PolicyRule> rules;
  const json* list = Find(role, "rules");
  if (list == nullptr || list->is_null()) return rules;
  if (!list->is_array()) {
    Refuse("rules", *list, "must be a list", causes);
    return rules;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& doc = (*list)[i];
    const std::string field = Cat({"rules[", std::to_string(i), "]"});
    if (!doc.is_object()) {
      Refuse(field, doc, "must be an object", causes);
      continue;
    }
    PolicyRule rule;
    rule.verbs = Strings(doc, "verbs", field, causes);
    rule.apiGroups = Strings(doc, "apiGroups", field, causes);
    rule.resources = Strings(doc, "resources", field, causes);
    rule.resourceNames = Strings(doc, "resourceNames", field, causes);
    rule.nonResourceURLs = Strings(doc, "nonResourceURLs", field, causes);
    CheckRule(rule, namespaced, field, causes);
    rules.push_back(std::move(rule));
  }
  return rules;
}

RbacBinding ReadBinding(bool namespaced, json* binding, Causes* causes) {
  RbacBinding out;
  json& ref = Section(*binding, "roleRef");
  const std::string group = StringAt(ref, "apiGroup");
  if (group.empty()) ref["apiGroup"] = kRbacGroup;
  if (!group.empty() && group != kRbacGroup) {
    RefuseValue("roleRef.apiGroup", group, R"("rbac.authorization.k8s.io")", causes);
  }
  const std::string kind = StringAt(ref, "kind");
  out.to_cluster_role = kind == "ClusterRole";
  if (!out.to_cluster_role && !(namespaced && kind == "Role")) {
    RefuseValue("roleRef.kind", kind, namespaced ? R"("ClusterRole", "Role")" : R"("ClusterRole")", causes);
  }
  out.role = StringAt(ref, "name");
  if (out.role.empty()) Require("roleRef.name", "", causes);
  std::size_t i = 0;
  for (json* subject : Objects(binding, "subjects", causes)) {
    const std::string field = Cat({"subjects[", std::to_string(i++), "]"});
    out.subjects.push_back(ReadSubject(namespaced, field, subject, causes));
  }
  return out;
}

}  // namespace epslice::sim

#include "sim/serve/audit_policy.h"

#include <algorithm>

#include "apis/concat.h"
#include "sim/scenario/document.h"
#include "sim/scenario/fields.h"

namespace epslice::sim {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"None", "Metadata", "Request", "RequestResponse"};
constexpr std::array<std::string_view, kAuditStages> kStages = {"RequestReceived", "ResponseStarted",
                                                                "ResponseComplete"};

constexpr std::string_view kDefault = R"yaml(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: RequestResponse
  resources:
  - group: ""
    resources: [namespaces, namespaces/*, nodes, nodes/*, pods, pods/*, services, services/*]
  - group: discovery.k8s.io
    resources: [endpointslices]
- level: Metadata
)yaml";

bool Has(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool HasAny(const std::vector<std::string>& list, const std::vector<std::string>& values) {
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) { return Has(list, value); });
}

// "pods", "pods/status", "pods/*", "*/status", "*".
bool ResourceMatches(std::string_view pattern, const AccessAttributes& attributes) {
  if (pattern == "*") return true;
  const std::size_t slash = pattern.find('/');
  const std::string_view resource = pattern.substr(0, slash);
  const std::string_view subresource = slash == std::string_view::npos ? "" : pattern.substr(slash + 1);
  if (resource == "*") return subresource == attributes.subresource;
  if (resource != attributes.resource) return false;
  return subresource == attributes.subresource || (subresource == "*" && !attributes.subresource.empty());
}

bool PathMatches(std::string_view pattern, std::string_view path) {
  if (pattern.empty() || pattern.back() != '*') return pattern == path;
  pattern.remove_suffix(1);
  return path.substr(0, pattern.size()) == pattern;
}

bool MayCarrySecrets(const AccessAttributes& attributes) {
  return attributes.resource == "secrets" || attributes.resource == "tokenreviews" || attributes.subresource == "token";
}

}  // namespace

std::string_view AuditLevelName(AuditLevel level) { return kLevels[static_cast<std::size_t>(level)]; }
std::string_view AuditStageName(AuditStage stage) { return kStages[static_cast<std::size_t>(stage)]; }

struct AuditPolicyParser {
  static void Stages(Fields* fields, std::array<bool, kAuditStages>* omit) {
    std::vector<std::string> stages;
    fields->Texts("omitStages", &stages);
    for (const std::string& stage : stages) {
      const auto found = std::find(kStages.begin(), kStages.end(), stage);
      if (found != kStages.end()) {
        (*omit)[static_cast<std::size_t>(found - kStages.begin())] = true;
      } else if (stage != "Panic") {
        fields->errors()->Add(fields->line(), Concat(fields->Path("omitStages"), ": there is no stage ", stage,
                                                     "; accepted are RequestReceived, ResponseStarted, "
                                                     "ResponseComplete and Panic"));
      }
    }
  }

  static AuditPolicy::Rule OneRule(const DocNode& node, const std::string& what, DocErrors* errors) {
    AuditPolicy::Rule rule;
    Fields fields(node, what, errors);
    std::string level;
    if (fields.Need("level") != nullptr) {
      fields.OneOf("level", {kLevels[0], kLevels[1], kLevels[2], kLevels[3]}, &level);
    }
    const auto found = std::find(kLevels.begin(), kLevels.end(), level);
    if (found != kLevels.end()) rule.decision.level = static_cast<AuditLevel>(found - kLevels.begin());
    Stages(&fields, &rule.decision.omit);
    fields.Texts("users", &rule.users);
    fields.Texts("userGroups", &rule.groups);
    fields.Texts("verbs", &rule.verbs);
    fields.Texts("namespaces", &rule.namespaces);
    fields.Texts("nonResourceURLs", &rule.paths);
    if (const DocNode* resources = fields.Take("resources"); resources != nullptr) {
      if (resources->type != DocNode::Type::kList) {
        errors->Add(resources->line, Concat(fields.Path("resources"), " is ", resources->Describe(), ", not a list"));
      }
      for (std::size_t i = 0; i < resources->items.size(); ++i) {
        Fields of(resources->items[i], Concat(fields.Path("resources"), "[", i, "]"), errors);
        AuditPolicy::Resources& one = rule.resources.emplace_back();
        of.Text("group", &one.group);
        of.Texts("resources", &one.resources);
        of.Texts("resourceNames", &one.names);
        of.Done();
      }
    }
    fields.Take("omitManagedFields");  // there are none
    fields.Done();
    return rule;
  }

  static void All(const DocNode& document, DocErrors* errors, std::vector<AuditPolicy::Rule>* rules) {
    Fields fields(document, "", errors);
    std::string text;
    fields.Need("apiVersion");
    fields.OneOf("apiVersion", {"audit.k8s.io/v1"}, &text);
    fields.Need("kind");
    fields.OneOf("kind", {"Policy"}, &text);
    std::array<bool, kAuditStages> omit{};
    Stages(&fields, &omit);
    fields.Take("metadata");
    fields.Take("omitManagedFields");
    if (const DocNode* list = fields.Need("rules"); list != nullptr) {
      if (list->type != DocNode::Type::kList || list->items.empty()) {
        errors->Add(list->line, "rules must be a list of at least one rule");
      }
      for (std::size_t i = 0; i < list->items.size(); ++i) {
        AuditPolicy::Rule rule = OneRule(list->items[i], Concat("rules[", i, "]"), errors);
        for (std::size_t s = 0; s < kAuditStages; ++s) rule.decision.omit[s] |= omit[s];
        rules->push_back(std::move(rule));
      }
    }
    fields.Done();
  }
};

absl::StatusOr<AuditPolicy> AuditPolicy::Parse(std::string_view text) {
  const absl::StatusOr<DocNode> document = ParseDocument(text);
  if (!document.ok()) return document.status();
  DocErrors errors;
  AuditPolicy policy;
  AuditPolicyParser::All(*document, &errors, &policy.rules_);
  if (!errors.ok()) return errors.status();
  return policy;
}

AuditPolicy AuditPolicy::Default() { return *Parse(kDefault); }

bool AuditPolicy::MatchesResource(const Resources& resources, const AccessAttributes& attributes) {
  if (resources.group != attributes.group) return false;
  if (resources.resources.empty()) return true;
  if (!resources.names.empty() && !Has(resources.names, attributes.name)) return false;
  return std::any_of(resources.resources.begin(), resources.resources.end(),
                     [&](const std::string& pattern) { return ResourceMatches(pattern, attributes); });
}

bool AuditPolicy::Matches(const Rule& rule, const UserInfo& user, const AccessAttributes& attributes) {
  if (!rule.users.empty() && !Has(rule.users, user.name)) return false;
  if (!rule.groups.empty() && !HasAny(rule.groups, user.groups)) return false;
  if (!rule.verbs.empty() && !Has(rule.verbs, attributes.verb)) return false;
  if (!rule.namespaces.empty() || !rule.resources.empty()) {
    if (!attributes.is_resource) return false;
    if (!rule.namespaces.empty() && !Has(rule.namespaces, attributes.namespace_)) return false;
    return rule.resources.empty() ||
           std::any_of(rule.resources.begin(), rule.resources.end(),
                       [&](const Resources& resources) { return MatchesResource(resources, attributes); });
  }
  if (rule.paths.empty()) return true;
  return !attributes.is_resource && std::any_of(rule.paths.begin(), rule.paths.end(), [&](const std::string& pattern) {
    return PathMatches(pattern, attributes.path);
  });
}

AuditDecision AuditPolicy::Decide(const UserInfo& user, const AccessAttributes& attributes) const {
  const auto rule =
      std::find_if(rules_.begin(), rules_.end(), [&](const Rule& r) { return Matches(r, user, attributes); });
  if (rule == rules_.end()) return {};
  AuditDecision decision = rule->decision;
  if (MayCarrySecrets(attributes)) decision.level = std::min(decision.level, AuditLevel::kMetadata);
  return decision;
}

}  // namespace epslice::sim

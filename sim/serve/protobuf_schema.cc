#include "sim/serve/protobuf_schema.h"

#include <array>
#include <utility>

namespace epslice::sim::protobuf {
namespace {

Field Text_(std::uint32_t number, const char* name) { return {number, name}; }
Field OptionalText(std::uint32_t number, const char* name) {
  return {number, name, Type::kString, nullptr, false, true};
}
Field Texts(std::uint32_t number, const char* name) { return {number, name, Type::kString, nullptr, true}; }
Field Of(std::uint32_t number, const char* name, Type type, bool optional = false) {
  return {number, name, type, nullptr, false, optional};
}
Field Sub(std::uint32_t number, const char* name, const Message& message, bool repeated = false) {
  return {number, name, Type::kMessage, &message, repeated, true};
}

struct Schema {
  Message owner{{Text_(1, "kind"), Text_(3, "name"), Text_(4, "uid"), Text_(5, "apiVersion"),
                 Of(6, "controller", Type::kBool, true), Of(7, "blockOwnerDeletion", Type::kBool, true)}};
  Message meta{{Text_(1, "name"), Text_(2, "generateName"), Text_(3, "namespace"), Text_(5, "uid"),
                Text_(6, "resourceVersion"), Of(7, "generation", Type::kInt), Of(8, "creationTimestamp", Type::kTime),
                Of(9, "deletionTimestamp", Type::kTime), Of(10, "deletionGracePeriodSeconds", Type::kInt, true),
                Of(11, "labels", Type::kStringMap), Of(12, "annotations", Type::kStringMap),
                Sub(13, "ownerReferences", owner, true), Texts(14, "finalizers")}};
  Message reference{{Text_(1, "kind"), Text_(2, "namespace"), Text_(3, "name"), Text_(4, "uid"), Text_(5, "apiVersion"),
                     Text_(6, "resourceVersion"), Text_(7, "fieldPath")}};

  Message namespace_spec{{Texts(1, "finalizers")}};
  Message namespace_status{{Text_(1, "phase")}};
  Message namespace_{{Sub(1, "metadata", meta), Sub(2, "spec", namespace_spec), Sub(3, "status", namespace_status)}};

  Message service_port{{Text_(1, "name"), Text_(2, "protocol"), Of(3, "port", Type::kInt),
                        Of(4, "targetPort", Type::kIntOrString), Of(5, "nodePort", Type::kInt),
                        OptionalText(6, "appProtocol")}};
  Message service_spec{
      {Sub(1, "ports", service_port, true), Of(2, "selector", Type::kStringMap), Text_(3, "clusterIP"),
       Text_(4, "type"), Texts(5, "externalIPs"), Text_(7, "sessionAffinity"), Text_(8, "loadBalancerIP"),
       Texts(9, "loadBalancerSourceRanges"), Text_(10, "externalName"), Text_(11, "externalTrafficPolicy"),
       Of(12, "healthCheckNodePort", Type::kInt), Of(13, "publishNotReadyAddresses", Type::kBool),
       OptionalText(17, "ipFamilyPolicy"), Texts(18, "clusterIPs"), Texts(19, "ipFamilies"),
       Of(20, "allocateLoadBalancerNodePorts", Type::kBool, true), OptionalText(21, "loadBalancerClass"),
       OptionalText(22, "internalTrafficPolicy"), OptionalText(23, "trafficDistribution")}};
  Message service{{Sub(1, "metadata", meta), Sub(2, "spec", service_spec)}};

  Message conditions{{Of(1, "ready", Type::kBool, true), Of(2, "serving", Type::kBool, true),
                      Of(3, "terminating", Type::kBool, true)}};
  Message hint{{Text_(1, "name")}};
  Message hints{{Sub(1, "forZones", hint, true), Sub(2, "forNodes", hint, true)}};
  Message endpoint{{Texts(1, "addresses"), Sub(2, "conditions", conditions), OptionalText(3, "hostname"),
                    Sub(4, "targetRef", reference), Of(5, "deprecatedTopology", Type::kStringMap),
                    OptionalText(6, "nodeName"), OptionalText(7, "zone"), Sub(8, "hints", hints)}};
  Message endpoint_port{{OptionalText(1, "name"), OptionalText(2, "protocol"), Of(3, "port", Type::kInt, true),
                         OptionalText(4, "appProtocol")}};
  Message slice{{Sub(1, "metadata", meta), Sub(2, "endpoints", endpoint, true), Sub(3, "ports", endpoint_port, true),
                 Text_(4, "addressType")}};

  Message lease_spec{{OptionalText(1, "holderIdentity"), Of(2, "leaseDurationSeconds", Type::kInt, true),
                      Of(3, "acquireTime", Type::kMicroTime), Of(4, "renewTime", Type::kMicroTime),
                      Of(5, "leaseTransitions", Type::kInt, true), OptionalText(6, "strategy"),
                      OptionalText(7, "preferredHolder")}};
  Message lease{{Sub(1, "metadata", meta), Sub(2, "spec", lease_spec)}};

  Message source{{Text_(1, "component"), Text_(2, "host")}};
  Message series{{Of(1, "count", Type::kInt), Of(2, "lastObservedTime", Type::kMicroTime)}};
  Message event{{Sub(1, "metadata", meta), Sub(2, "involvedObject", reference), Text_(3, "reason"), Text_(4, "message"),
                 Sub(5, "source", source), Of(6, "firstTimestamp", Type::kTime), Of(7, "lastTimestamp", Type::kTime),
                 Of(8, "count", Type::kInt), Text_(9, "type"), Of(10, "eventTime", Type::kMicroTime),
                 Sub(11, "series", series), Text_(12, "action"), Sub(13, "related", reference),
                 Text_(14, "reportingComponent"), Text_(15, "reportingInstance")}};
  Message events_v1{{Sub(1, "metadata", meta), Of(2, "eventTime", Type::kMicroTime), Sub(3, "series", series),
                     Text_(4, "reportingController"), Text_(5, "reportingInstance"), Text_(6, "action"),
                     Text_(7, "reason"), Sub(8, "regarding", reference), Sub(9, "related", reference),
                     Text_(10, "note"), Text_(11, "type"), Sub(12, "deprecatedSource", source),
                     Of(13, "deprecatedFirstTimestamp", Type::kTime), Of(14, "deprecatedLastTimestamp", Type::kTime),
                     Of(15, "deprecatedCount", Type::kInt)}};

  Message preconditions{{OptionalText(1, "uid"), OptionalText(2, "resourceVersion")}};
  Message delete_options{{Of(1, "gracePeriodSeconds", Type::kInt, true), Sub(2, "preconditions", preconditions),
                          Of(3, "orphanDependents", Type::kBool, true), OptionalText(4, "propagationPolicy"),
                          Texts(5, "dryRun")}};
  Message eviction{{Sub(1, "metadata", meta), Sub(2, "deleteOptions", delete_options)}};
  Message binding{{Sub(1, "metadata", meta), Sub(2, "target", reference)}};

  Message service_account{{Sub(1, "metadata", meta), Sub(2, "secrets", reference, true),
                           Sub(3, "imagePullSecrets", hint, true),
                           Of(4, "automountServiceAccountToken", Type::kBool, true)}};
  Message rule{{Texts(1, "verbs"), Texts(2, "apiGroups"), Texts(3, "resources"), Texts(4, "resourceNames"),
                Texts(5, "nonResourceURLs")}};
  Message role{{Sub(1, "metadata", meta), Sub(2, "rules", rule, true)}};
  Message subject{{Text_(1, "kind"), Text_(2, "apiGroup"), Text_(3, "name"), Text_(4, "namespace")}};
  Message role_ref{{Text_(1, "apiGroup"), Text_(2, "kind"), Text_(3, "name")}};
  Message role_binding{{Sub(1, "metadata", meta), Sub(2, "subjects", subject, true), Sub(3, "roleRef", role_ref)}};

  Message token_spec{{Text_(1, "token"), Texts(2, "audiences")}};
  Message token_review{{Sub(1, "metadata", meta), Sub(2, "spec", token_spec)}};
  Message bound_object{{Text_(1, "kind"), Text_(2, "apiVersion"), Text_(3, "name"), Text_(4, "uid")}};
  Message token_request_spec{
      {Texts(1, "audiences"), Sub(3, "boundObjectRef", bound_object), Of(4, "expirationSeconds", Type::kInt, true)}};
  Message token_request{{Sub(1, "metadata", meta), Sub(2, "spec", token_request_spec)}};
  Message resource_attributes{{Text_(1, "namespace"), Text_(2, "verb"), Text_(3, "group"), Text_(4, "version"),
                               Text_(5, "resource"), Text_(6, "subresource"), Text_(7, "name")}};
  Message path_attributes{{Text_(1, "path"), Text_(2, "verb")}};
  Message access_spec{{Sub(1, "resourceAttributes", resource_attributes),
                       Sub(2, "nonResourceAttributes", path_attributes), Text_(3, "user"), Texts(4, "groups"),
                       Text_(6, "uid")}};
  Message access_review{{Sub(1, "metadata", meta), Sub(2, "spec", access_spec)}};
  Message self_review{{Sub(1, "metadata", meta)}};

  const Message* Find(std::string_view api_version, std::string_view kind) const {
    if (kind == "Event") return api_version == "v1" ? &event : &events_v1;
    const std::array<std::pair<std::string_view, const Message*>, 18> by_kind = {
        {{"Namespace", &namespace_},
         {"Service", &service},
         {"EndpointSlice", &slice},
         {"Lease", &lease},
         {"DeleteOptions", &delete_options},
         {"Eviction", &eviction},
         {"Binding", &binding},
         {"ServiceAccount", &service_account},
         {"Role", &role},
         {"ClusterRole", &role},
         {"RoleBinding", &role_binding},
         {"ClusterRoleBinding", &role_binding},
         {"TokenReview", &token_review},
         {"TokenRequest", &token_request},
         {"SubjectAccessReview", &access_review},
         {"LocalSubjectAccessReview", &access_review},
         {"SelfSubjectAccessReview", &access_review},
         {"SelfSubjectReview", &self_review}}};
    for (const auto& [name, message] : by_kind) {
      if (name == kind) return message;
    }
    return nullptr;
  }
};

const Schema& TheSchema() {
  static const Schema schema;
  return schema;
}

}  // namespace

const Message* MessageOf(std::string_view api_version, std::string_view kind) {
  return TheSchema().Find(api_version, kind);
}

}  // namespace epslice::sim::protobuf

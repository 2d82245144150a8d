// Tables of Pod and Node: what kubelets, schedulers and ordinary manifests
// fill in. Fields of rare use (volumes of single clouds, affinity, windows
// options) are not here and so not sent.
#include <utility>

#include "sim/serve/protobuf_whole.h"

namespace epslice::sim::protobuf {
namespace {

Field Str(std::uint32_t number, const char* name) { return {number, name}; }
Field Strs(std::uint32_t number, const char* name) { return {number, name, Type::kString, nullptr, true}; }
Field Is(std::uint32_t number, const char* name, Type type) { return {number, name, type}; }
// Pointers in Go.
Field OptStr(std::uint32_t number, const char* name) { return {number, name, Type::kString, nullptr, false, true}; }
Field Opt(std::uint32_t number, const char* name, Type type) { return {number, name, type, nullptr, false, true}; }
Field OptNested(std::uint32_t number, const char* name, const Message& message) {
  return {number, name, Type::kMessage, &message, false, true};
}
// Structs, which are written even where they are empty.
Field Nested(std::uint32_t number, const char* name, const Message& message) {
  return {number, name, Type::kMessage, &message};
}
Field Inlined(std::uint32_t number, const Message& message) {
  return {number, "", Type::kMessage, &message, false, false, true};
}
Field Subs(std::uint32_t number, const char* name, const Message& message) {
  return {number, name, Type::kMessage, &message, true};
}

struct MetaTables {
  Message owner{{Str(1, "kind"), Str(3, "name"), Str(4, "uid"), Str(5, "apiVersion"), Opt(6, "controller", Type::kBool),
                 Opt(7, "blockOwnerDeletion", Type::kBool)}};
  Message managed{{Str(1, "manager"), Str(2, "operation"), Str(3, "apiVersion"), Opt(4, "time", Type::kTime),
                   Str(6, "fieldsType"), Opt(7, "fieldsV1", Type::kRawJson), Str(8, "subresource")}};
  Message meta{{Str(1, "name"), Str(2, "generateName"), Str(3, "namespace"), Str(4, "selfLink"), Str(5, "uid"),
                Str(6, "resourceVersion"), Is(7, "generation", Type::kInt), Is(8, "creationTimestamp", Type::kTime),
                Opt(9, "deletionTimestamp", Type::kTime), Opt(10, "deletionGracePeriodSeconds", Type::kInt),
                Is(11, "labels", Type::kStringMap), Is(12, "annotations", Type::kStringMap),
                Subs(13, "ownerReferences", owner), Strs(14, "finalizers"), Subs(17, "managedFields", managed)}};
};

// What fills volumes and the environment.
struct SourceTables {
  Message local{{Str(1, "name")}};
  Message field_ref{{Str(1, "apiVersion"), Str(2, "fieldPath")}};
  Message resource_ref{{Str(1, "containerName"), Str(2, "resource"), Is(3, "divisor", Type::kQuantity)}};
  Message key_ref{{Inlined(1, local), Str(2, "key"), Opt(3, "optional", Type::kBool)}};
  Message env_source{{OptNested(1, "fieldRef", field_ref), OptNested(2, "resourceFieldRef", resource_ref),
                      OptNested(3, "configMapKeyRef", key_ref), OptNested(4, "secretKeyRef", key_ref)}};
  Message env{{Str(1, "name"), Str(2, "value"), OptNested(3, "valueFrom", env_source)}};
  Message env_ref{{Inlined(1, local), Opt(2, "optional", Type::kBool)}};
  Message env_from{{Str(1, "prefix"), OptNested(2, "configMapRef", env_ref), OptNested(3, "secretRef", env_ref)}};

  Message key_to_path{{Str(1, "key"), Str(2, "path"), Opt(3, "mode", Type::kInt)}};
  Message host_path{{Str(1, "path"), OptStr(2, "type")}};
  Message empty_dir{{Str(1, "medium"), Opt(2, "sizeLimit", Type::kQuantity)}};
  Message secret{{Str(1, "secretName"), Subs(2, "items", key_to_path), Opt(3, "defaultMode", Type::kInt),
                  Opt(4, "optional", Type::kBool)}};
  Message claim{{Str(1, "claimName"), Is(2, "readOnly", Type::kBool)}};
  Message config_map{{Inlined(1, local), Subs(2, "items", key_to_path), Opt(3, "defaultMode", Type::kInt),
                      Opt(4, "optional", Type::kBool)}};
  Message downward_file{{Str(1, "path"), OptNested(2, "fieldRef", field_ref),
                         OptNested(3, "resourceFieldRef", resource_ref), Opt(4, "mode", Type::kInt)}};
  Message downward{{Subs(1, "items", downward_file), Opt(2, "defaultMode", Type::kInt)}};
  Message projected_secret{{Inlined(1, local), Subs(2, "items", key_to_path), Opt(4, "optional", Type::kBool)}};
  Message projected_downward{{Subs(1, "items", downward_file)}};
  Message projected_config_map{{Inlined(1, local), Subs(2, "items", key_to_path), Opt(4, "optional", Type::kBool)}};
  Message token{{Str(1, "audience"), Opt(2, "expirationSeconds", Type::kInt), Str(3, "path")}};
  Message projection{{OptNested(1, "secret", projected_secret), OptNested(2, "downwardAPI", projected_downward),
                      OptNested(3, "configMap", projected_config_map), OptNested(4, "serviceAccountToken", token)}};
  Message projected{{Subs(1, "sources", projection), Opt(2, "defaultMode", Type::kInt)}};
  Message volume_source{{OptNested(1, "hostPath", host_path), OptNested(2, "emptyDir", empty_dir),
                         OptNested(6, "secret", secret), OptNested(10, "persistentVolumeClaim", claim),
                         OptNested(16, "downwardAPI", downward), OptNested(19, "configMap", config_map),
                         OptNested(26, "projected", projected)}};
  Message volume{{Str(1, "name"), Inlined(2, volume_source)}};
};

struct ContainerTables {
  SourceTables sources;
  Message port{{Str(1, "name"), Is(2, "hostPort", Type::kInt), Is(3, "containerPort", Type::kInt), Str(4, "protocol"),
                Str(5, "hostIP")}};
  Message resources{{Is(1, "limits", Type::kQuantityMap), Is(2, "requests", Type::kQuantityMap)}};
  Message mount{{Str(1, "name"), Is(2, "readOnly", Type::kBool), Str(3, "mountPath"), Str(4, "subPath"),
                 OptStr(5, "mountPropagation"), Str(6, "subPathExpr")}};
  Message exec{{Strs(1, "command")}};
  Message header{{Str(1, "name"), Str(2, "value")}};
  Message http_get{{Str(1, "path"), Is(2, "port", Type::kIntOrString), Str(3, "host"), Str(4, "scheme"),
                    Subs(5, "httpHeaders", header)}};
  Message tcp{{Is(1, "port", Type::kIntOrString), Str(2, "host")}};
  Message grpc{{Is(1, "port", Type::kInt), OptStr(2, "service")}};
  Message action{{OptNested(1, "exec", exec), OptNested(2, "httpGet", http_get), OptNested(3, "tcpSocket", tcp),
                  OptNested(4, "grpc", grpc)}};
  Message hook{{OptNested(1, "exec", exec), OptNested(2, "httpGet", http_get), OptNested(3, "tcpSocket", tcp)}};
  Message lifecycle{{OptNested(1, "postStart", hook), OptNested(2, "preStop", hook)}};
  Message probe{{Inlined(1, action), Is(2, "initialDelaySeconds", Type::kInt), Is(3, "timeoutSeconds", Type::kInt),
                 Is(4, "periodSeconds", Type::kInt), Is(5, "successThreshold", Type::kInt),
                 Is(6, "failureThreshold", Type::kInt), Opt(7, "terminationGracePeriodSeconds", Type::kInt)}};
  Message seccomp{{Str(1, "type"), OptStr(2, "localhostProfile")}};
  Message capabilities{{Strs(1, "add"), Strs(2, "drop")}};
  Message security{{OptNested(1, "capabilities", capabilities), Opt(2, "privileged", Type::kBool),
                    Opt(4, "runAsUser", Type::kInt), Opt(5, "runAsNonRoot", Type::kBool),
                    Opt(6, "readOnlyRootFilesystem", Type::kBool), Opt(7, "allowPrivilegeEscalation", Type::kBool),
                    Opt(8, "runAsGroup", Type::kInt), OptNested(11, "seccompProfile", seccomp)}};
  Message container{{Str(1, "name"),
                     Str(2, "image"),
                     Strs(3, "command"),
                     Strs(4, "args"),
                     Str(5, "workingDir"),
                     Subs(6, "ports", port),
                     Subs(7, "env", sources.env),
                     Nested(8, "resources", resources),
                     Subs(9, "volumeMounts", mount),
                     OptNested(10, "livenessProbe", probe),
                     OptNested(11, "readinessProbe", probe),
                     OptNested(12, "lifecycle", lifecycle),
                     Str(13, "terminationMessagePath"),
                     Str(14, "imagePullPolicy"),
                     OptNested(15, "securityContext", security),
                     Is(16, "stdin", Type::kBool),
                     Is(17, "stdinOnce", Type::kBool),
                     Is(18, "tty", Type::kBool),
                     Subs(19, "envFrom", sources.env_from),
                     Str(20, "terminationMessagePolicy"),
                     OptNested(22, "startupProbe", probe),
                     OptStr(24, "restartPolicy")}};

  Message waiting{{Str(1, "reason"), Str(2, "message")}};
  Message running{{Is(1, "startedAt", Type::kTime)}};
  Message terminated{{Is(1, "exitCode", Type::kInt), Is(2, "signal", Type::kInt), Str(3, "reason"), Str(4, "message"),
                      Is(5, "startedAt", Type::kTime), Is(6, "finishedAt", Type::kTime), Str(7, "containerID")}};
  Message state{
      {OptNested(1, "waiting", waiting), OptNested(2, "running", running), OptNested(3, "terminated", terminated)}};
  Message status{{Str(1, "name"), Nested(2, "state", state), Nested(3, "lastState", state), Is(4, "ready", Type::kBool),
                  Is(5, "restartCount", Type::kInt), Str(6, "image"), Str(7, "imageID"), Str(8, "containerID"),
                  Opt(9, "started", Type::kBool)}};
};

struct PodTables {
  MetaTables meta;
  ContainerTables containers;
  Message toleration{
      {Str(1, "key"), Str(2, "operator"), Str(3, "value"), Str(4, "effect"), Opt(5, "tolerationSeconds", Type::kInt)}};
  Message security{{Opt(2, "runAsUser", Type::kInt), Opt(3, "runAsNonRoot", Type::kBool), Opt(5, "fsGroup", Type::kInt),
                    Opt(6, "runAsGroup", Type::kInt), OptStr(9, "fsGroupChangePolicy"),
                    OptNested(10, "seccompProfile", containers.seccomp)}};
  Message gate{{Str(1, "conditionType")}};
  Message spec{{Subs(1, "volumes", containers.sources.volume),
                Subs(2, "containers", containers.container),
                Str(3, "restartPolicy"),
                Opt(4, "terminationGracePeriodSeconds", Type::kInt),
                Opt(5, "activeDeadlineSeconds", Type::kInt),
                Str(6, "dnsPolicy"),
                Is(7, "nodeSelector", Type::kStringMap),
                Str(8, "serviceAccountName"),
                Str(9, "serviceAccount"),
                Str(10, "nodeName"),
                Is(11, "hostNetwork", Type::kBool),
                Is(12, "hostPID", Type::kBool),
                Is(13, "hostIPC", Type::kBool),
                OptNested(14, "securityContext", security),
                Subs(15, "imagePullSecrets", containers.sources.local),
                Str(16, "hostname"),
                Str(17, "subdomain"),
                Str(19, "schedulerName"),
                Subs(20, "initContainers", containers.container),
                Opt(21, "automountServiceAccountToken", Type::kBool),
                Subs(22, "tolerations", toleration),
                Str(24, "priorityClassName"),
                Opt(25, "priority", Type::kInt),
                Opt(27, "shareProcessNamespace", Type::kBool),
                Subs(28, "readinessGates", gate),
                OptStr(29, "runtimeClassName"),
                Opt(30, "enableServiceLinks", Type::kBool),
                OptStr(31, "preemptionPolicy"),
                Opt(35, "setHostnameAsFQDN", Type::kBool)}};
  Message condition{{Str(1, "type"), Str(2, "status"), Is(3, "lastProbeTime", Type::kTime),
                     Is(4, "lastTransitionTime", Type::kTime), Str(5, "reason"), Str(6, "message"),
                     Is(7, "observedGeneration", Type::kInt)}};
  Message ip{{Str(1, "ip")}};
  Message status{
      {Str(1, "phase"), Subs(2, "conditions", condition), Str(3, "message"), Str(4, "reason"), Str(5, "hostIP"),
       Str(6, "podIP"), Opt(7, "startTime", Type::kTime), Subs(8, "containerStatuses", containers.status),
       Str(9, "qosClass"), Subs(10, "initContainerStatuses", containers.status), Str(11, "nominatedNodeName"),
       Subs(12, "podIPs", ip), Str(14, "resize"), Subs(16, "hostIPs", ip), Is(17, "observedGeneration", Type::kInt)}};
  Message pod{{Nested(1, "metadata", meta.meta), Nested(2, "spec", spec), Nested(3, "status", status)}};
};

struct NodeTables {
  MetaTables meta;
  Message taint{{Str(1, "key"), Str(2, "value"), Str(3, "effect"), Opt(4, "timeAdded", Type::kTime)}};
  Message spec{{Str(1, "podCIDR"), Str(2, "externalID"), Str(3, "providerID"), Is(4, "unschedulable", Type::kBool),
                Subs(5, "taints", taint), Strs(7, "podCIDRs")}};
  Message condition{{Str(1, "type"), Str(2, "status"), Is(3, "lastHeartbeatTime", Type::kTime),
                     Is(4, "lastTransitionTime", Type::kTime), Str(5, "reason"), Str(6, "message")}};
  Message address{{Str(1, "type"), Str(2, "address")}};
  Message daemon{{Is(1, "Port", Type::kInt)}};
  Message daemons{{Nested(1, "kubeletEndpoint", daemon)}};
  Message info{{Str(1, "machineID"), Str(2, "systemUUID"), Str(3, "bootID"), Str(4, "kernelVersion"), Str(5, "osImage"),
                Str(6, "containerRuntimeVersion"), Str(7, "kubeletVersion"), Str(8, "kubeProxyVersion"),
                Str(9, "operatingSystem"), Str(10, "architecture")}};
  Message image{{Strs(1, "names"), Is(2, "sizeBytes", Type::kInt)}};
  Message status{{Is(1, "capacity", Type::kQuantityMap), Is(2, "allocatable", Type::kQuantityMap), Str(3, "phase"),
                  Subs(4, "conditions", condition), Subs(5, "addresses", address),
                  Nested(6, "daemonEndpoints", daemons), Nested(7, "nodeInfo", info), Subs(8, "images", image),
                  Strs(9, "volumesInUse")}};
  Message node{{Nested(1, "metadata", meta.meta), Nested(2, "spec", spec), Nested(3, "status", status)}};
};

}  // namespace

const Message* WholeMessageOf(Kind kind) {
  static const PodTables pods;
  static const NodeTables nodes;
  if (kind == Kind::kPod) return &pods.pod;
  if (kind == Kind::kNode) return &nodes.node;
  return nullptr;
}

}  // namespace epslice::sim::protobuf

#include "test/bench/live/synthetic.h"

#include <array>
#include <cstdio>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

namespace epslice::bench {
namespace {

constexpr std::string_view kCreated = "2026-01-02T03:04:05Z";

using Values = std::vector<std::pair<std::string_view, std::string>>;

// The text with each {NAME} replaced by its value.
std::string Fill(std::string_view text, const Values& values) {
  std::string out;
  out.reserve(text.size() + 512);
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '@') {
      const std::size_t end = text.find('@', i + 1);
      const std::string_view name = text.substr(i + 1, end - i - 1);
      for (const auto& [key, value] : values) {
        if (key == name) out += value;
      }
      i = end + 1;
      continue;
    }
    if (text[i] != '\n') out += text[i];
    ++i;
  }
  return out;
}

std::string Hex(std::uint64_t value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%0*llx", digits, static_cast<unsigned long long>(value));
  return text.data();
}

// Looks like a UUID, is another for each (kind, index).
std::string Uid(unsigned kind, int index) {
  const auto mixed = static_cast<std::uint64_t>(index) * 0x9e3779b97f4a7c15U;
  return Hex(mixed >> 32, 8) + "-" + Hex(kind, 4) + "-4" + Hex(mixed >> 20 & 0xfff, 3) + "-9" +
         Hex(mixed >> 8 & 0xfff, 3) + "-" + Hex(static_cast<std::uint64_t>(index), 12);
}

std::string NodeName(int node) { return "ip-10-0-" + std::to_string(node / 250) + "-" + std::to_string(node % 250); }
std::string PodHash(int service) { return Hex(static_cast<std::uint64_t>(service) * 2654435761U & 0xffffffffff, 10); }

constexpr std::string_view kNode = R"json({"apiVersion":"v1","kind":"Node","metadata":{"name":"@NAME@","uid":"@UID@",
"resourceVersion":"@VERSION@","creationTimestamp":"@CREATED@","labels":{"beta.kubernetes.io/arch":"amd64",
"beta.kubernetes.io/instance-type":"m6i.2xlarge","beta.kubernetes.io/os":"linux",
"failure-domain.beta.kubernetes.io/region":"eu-central-1","failure-domain.beta.kubernetes.io/zone":"@ZONE@",
"kubernetes.io/arch":"amd64","kubernetes.io/hostname":"@NAME@","kubernetes.io/os":"linux",
"node.kubernetes.io/instance-type":"m6i.2xlarge","topology.kubernetes.io/region":"eu-central-1",
"topology.kubernetes.io/zone":"@ZONE@"},"annotations":{"node.alpha.kubernetes.io/ttl":"0",
"volumes.kubernetes.io/controller-managed-attach-detach":"true"},"managedFields":[{"manager":"kubelet",
"operation":"Update","apiVersion":"v1","time":"@CREATED@","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{
"f:annotations":{".":{},"f:volumes.kubernetes.io/controller-managed-attach-detach":{}},"f:labels":{".":{},
"f:beta.kubernetes.io/arch":{},"f:beta.kubernetes.io/os":{},"f:kubernetes.io/arch":{},"f:kubernetes.io/hostname":{},
"f:kubernetes.io/os":{}}},"f:spec":{"f:providerID":{}}}},{"manager":"kubelet","operation":"Update","apiVersion":"v1",
"time":"@CREATED@","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{
"k:{\"type\":\"DiskPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"MemoryPressure\"}":{"f:lastHeartbeatTime":{}},
"k:{\"type\":\"PIDPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"Ready\"}":{"f:lastHeartbeatTime":{},
"f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{}}},"f:images":{}}},"subresource":"status"}]},
"spec":{"podCIDR":"10.@SUBNET@.0/24","podCIDRs":["10.@SUBNET@.0/24"],"providerID":"aws:///@ZONE@/i-@HEX@"},
"status":{"capacity":{"cpu":"8","ephemeral-storage":"83873772Ki","hugepages-1Gi":"0","hugepages-2Mi":"0",
"memory":"32386544Ki","pods":"58"},"allocatable":{"cpu":"7910m","ephemeral-storage":"76224326324","hugepages-1Gi":"0",
"hugepages-2Mi":"0","memory":"31369712Ki","pods":"58"},"conditions":[
{"type":"MemoryPressure","status":"False","lastHeartbeatTime":"@CREATED@","lastTransitionTime":"@CREATED@",
"reason":"KubeletHasSufficientMemory","message":"kubelet has sufficient memory available"},
{"type":"DiskPressure","status":"False","lastHeartbeatTime":"@CREATED@","lastTransitionTime":"@CREATED@",
"reason":"KubeletHasNoDiskPressure","message":"kubelet has no disk pressure"},
{"type":"PIDPressure","status":"False","lastHeartbeatTime":"@CREATED@","lastTransitionTime":"@CREATED@",
"reason":"KubeletHasSufficientPID","message":"kubelet has sufficient PID available"},
{"type":"Ready","status":"True","lastHeartbeatTime":"@CREATED@","lastTransitionTime":"@CREATED@",
"reason":"KubeletReady","message":"kubelet is posting ready status"}],"addresses":[
{"type":"InternalIP","address":"10.0.@HOST@"},{"type":"Hostname","address":"@NAME@"}],
"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"machineID":"@HEX@@HEX@","systemUUID":"@UID@",
"bootID":"@UID@","kernelVersion":"6.12.0-amd64","osImage":"Debian GNU/Linux 12 (bookworm)",
"containerRuntimeVersion":"containerd://2.1.4","kubeletVersion":"v1.36.0","kubeProxyVersion":"",
"operatingSystem":"linux","architecture":"amd64"},"images":[
{"names":["registry.example/shop/app@DIGEST@","registry.example/shop/app:1.2.3"],"sizeBytes":81234567},
{"names":["registry.example/pause@DIGEST@","registry.example/pause:3.10"],"sizeBytes":320368}]}})json";

constexpr std::string_view kService = R"json({"apiVersion":"v1","kind":"Service","metadata":{"name":"@NAME@",
"namespace":"@NS@","uid":"@UID@","resourceVersion":"@VERSION@","creationTimestamp":"@CREATED@",
"labels":{"app.kubernetes.io/name":"@NAME@","app.kubernetes.io/part-of":"shop","app.kubernetes.io/managed-by":"Helm"}},
"spec":{"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":"http"},
{"name":"metrics","protocol":"TCP","port":9090,"targetPort":9090}],
"selector":{"app.kubernetes.io/name":"@NAME@","app.kubernetes.io/instance":"prod"},"clusterIP":"10.96.@HOST@",
"clusterIPs":["10.96.@HOST@"],"type":"ClusterIP","sessionAffinity":"None","ipFamilies":["IPv4"],
"ipFamilyPolicy":"SingleStack","internalTrafficPolicy":"Cluster"},"status":{"loadBalancer":{}}})json";

constexpr std::string_view kPod = R"json({"apiVersion":"v1","kind":"Pod","metadata":{"name":"@NAME@",
"generateName":"@APP@-@HASH@-","namespace":"@NS@","uid":"@UID@","resourceVersion":"@VERSION@","generation":1,
"creationTimestamp":"@CREATED@","labels":{"app.kubernetes.io/instance":"prod","app.kubernetes.io/name":"@APP@",
"app.kubernetes.io/part-of":"shop","app.kubernetes.io/version":"1.2.3","pod-template-hash":"@HASH@"},
"annotations":{"checksum/config":"@HEX@@HEX@@HEX@@HEX@"},"ownerReferences":[{"apiVersion":"apps/v1",
"kind":"ReplicaSet","name":"@APP@-@HASH@","uid":"@OWNER@","controller":true,"blockOwnerDeletion":true}],
"managedFields":[{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"@CREATED@",
"fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},
"f:lastTransitionTime":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:phase":{},"f:podIP":{},
"f:podIPs":{".":{},"k:{\"ip\":\"@IP@\"}":{".":{},"f:ip":{}}},"f:startTime":{}}},"subresource":"status"}]},
"spec":{"volumes":[{"name":"config","configMap":{"name":"@APP@","defaultMode":420}},{"name":"kube-api-access-x7k2p",
"projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{
"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace",
"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],
"containers":[{"name":"app","image":"registry.example/shop/app:1.2.3","args":["--config=/etc/app/config.yaml"],
"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},{"name":"metrics","containerPort":9090,
"protocol":"TCP"}],"env":[{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1",
"fieldPath":"metadata.name"}}},{"name":"DATABASE_URL","value":"postgres://db.@NS@.svc.cluster.local:5432/app"},
{"name":"LOG_LEVEL","value":"info"}],"resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"100m",
"memory":"256Mi"}},"volumeMounts":[{"name":"config","mountPath":"/etc/app"},{"name":"kube-api-access-x7k2p",
"readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
"readinessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,
"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log",
"terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always",
"terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default",
"serviceAccount":"default","nodeName":"@NODE@","securityContext":{},"schedulerName":"default-scheduler",
"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute",
"tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",
"tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},
"status":{"phase":"Running","conditions":[
{"type":"PodReadyToStartContainers","status":"True","lastProbeTime":null,"lastTransitionTime":"@CREATED@"},
{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"@CREATED@"},
{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"@CREATED@"},
{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"@CREATED@"},
{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"@CREATED@"}],
"hostIP":"10.0.@HOST@","hostIPs":[{"ip":"10.0.@HOST@"}],"podIP":"@IP@","podIPs":[{"ip":"@IP@"}],
"startTime":"@CREATED@","containerStatuses":[{"name":"app","state":{"running":{"startedAt":"@CREATED@"}},
"lastState":{},"ready":true,"restartCount":0,"image":"registry.example/shop/app:1.2.3",
"imageID":"registry.example/shop/app@DIGEST@","containerID":"containerd://@HEX@@HEX@@HEX@@HEX@","started":true}],
"qosClass":"Burstable"}})json";

std::string Digest(const std::string& hex) { return "@sha256:" + hex + hex + hex + hex; }

std::string HostOf(int node) { return std::to_string(node / 250) + "." + std::to_string(node % 250 + 1); }

}  // namespace

std::string SyntheticCluster::PodName(int pod) const {
  // The last part names the pod of its Service, as a ReplicaSet's does.
  return ServiceName(ServiceOf(pod)) + "-" + PodHash(ServiceOf(pod)) + "-" + Hex(static_cast<std::uint64_t>(pod), 5);
}

std::string PodJson(const SyntheticCluster& cluster, int pod, int version) {
  const int service = cluster.ServiceOf(pod);
  const int node = pod * 7 % cluster.nodes;
  const std::string hex = Hex(static_cast<std::uint64_t>(pod) * 0x9e3779b97f4a7c15U, 16);
  const std::string ip = "10." + std::to_string(100 + pod / 62'500) + "." + std::to_string(pod / 250 % 250) + "." +
                         std::to_string(pod % 250 + 1);
  return Fill(kPod, {{"NAME", cluster.PodName(pod)},
                     {"APP", SyntheticCluster::ServiceName(service)},
                     {"HASH", PodHash(service)},
                     {"NS", cluster.NamespaceOf(service)},
                     {"UID", Uid(1, pod)},
                     {"OWNER", Uid(2, service)},
                     {"VERSION", std::to_string(version)},
                     {"CREATED", std::string(kCreated)},
                     {"HEX", hex},
                     {"DIGEST", Digest(hex)},
                     {"IP", ip},
                     {"NODE", NodeName(node)},
                     {"HOST", HostOf(node)}});
}

void WriteDump(const SyntheticCluster& cluster, std::ostream& out) {
  int version = 1000;
  const auto make_namespace = [&](const std::string& name) {
    ++version;
    out << R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")" << name << R"(","uid":")" << Uid(3, version)
        << R"(","resourceVersion":")" << version << R"("},"status":{"phase":"Active"}})"
        << "\n";
  };
  make_namespace("kube-system");
  for (int i = 0; i < cluster.namespaces && cluster.services > 0; ++i) make_namespace(cluster.NamespaceOf(i));
  for (int i = 0; i < cluster.nodes; ++i) {
    const std::string hex = Hex(static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15U, 16);
    out << Fill(kNode, {{"NAME", NodeName(i)},
                        {"UID", Uid(4, i)},
                        {"VERSION", std::to_string(++version)},
                        {"CREATED", std::string(kCreated)},
                        {"ZONE", std::string("eu-central-1") + "abc"[i % 3]},
                        {"HEX", hex},
                        {"DIGEST", Digest(hex)},
                        {"SUBNET", std::to_string(200 + i / 250) + "." + std::to_string(i % 250)},
                        {"HOST", HostOf(i)}})
        << "\n";
  }
  for (int i = 0; i < cluster.services; ++i) {
    out << Fill(kService, {{"NAME", SyntheticCluster::ServiceName(i)},
                           {"NS", cluster.NamespaceOf(i)},
                           {"UID", Uid(5, i)},
                           {"VERSION", std::to_string(++version)},
                           {"CREATED", std::string(kCreated)},
                           {"HOST", std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)}})
        << "\n";
  }
  for (int i = 0; i < cluster.pods; ++i) out << PodJson(cluster, i, ++version) << "\n";
}

}  // namespace epslice::bench

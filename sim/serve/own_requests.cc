#include "sim/serve/own_requests.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "apis/concat.h"
#include "apis/discovery.h"
#include "apis/json.h"
#include "apis/json_writer.h"
#include "sim/cluster/any_object.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kKubelet = "kubelet";
constexpr std::string_view kScheduler = "kube-scheduler";
constexpr std::string_view kReplicaSets = "replicaset-controller";
constexpr std::string_view kNodes = "node-controller";
constexpr std::string_view kNamespaces = "namespace-controller";
constexpr std::string_view kCollector = "generic-garbage-collector";
constexpr std::string_view kSlices = "endpointslice-controller";
constexpr std::string_view kAdmin = "kubectl";

constexpr int kCreated = 201;

// `node`: of a kubelet.
void SetWriter(std::string_view program, const Text& node, OwnRequest* request) {
  request->user_agent = Concat(kServesOwnAgent, program);
  UserInfo user;
  if (program == kKubelet) {
    user = {Concat("system:node:", node), "", {"system:nodes"}};
  } else if (program == kScheduler) {
    user.name = "system:kube-scheduler";
  } else if (program == kAdmin) {
    user = {"kubernetes-admin", "", {std::string(kGroupMasters)}};
  } else {
    user.name = ServiceAccountUser("kube-system", program);
  }
  request->user = WithImpliedGroups(std::move(user));
}

OwnRequest Make(std::string_view verb, std::string_view subresource, const AnyObject& object, std::string_view program,
                const Text& node = Text()) {
  const KindInfo& info = InfoOf(object.kind());
  OwnRequest out;
  out.object = object;
  out.attributes.verb = verb;
  out.attributes.group = info.group;
  out.attributes.version = info.version;
  out.attributes.resource = info.resource;
  out.attributes.subresource = subresource;
  out.attributes.namespace_ = object.meta().namespace_.str();
  out.attributes.name = object.meta().name.str();
  SetWriter(program, node, &out);
  return out;
}

Text NodeOf(const AnyObject& object) {
  if (const auto pod = object.As<Pod>()) return pod->nodeName;
  return object.kind() == Kind::kNode ? object.meta().name : Text();
}

std::string_view CreatorOf(const AnyObject& object) {
  switch (object.kind()) {
    case Kind::kPod: return kReplicaSets;
    case Kind::kNode: return kKubelet;
    default: return kAdmin;
  }
}

std::string_view DeleterOf(const AnyObject& object, bool gone, bool for_client) {
  switch (object.kind()) {
    case Kind::kPod:
      if (gone && !NodeOf(object).empty()) return kKubelet;
      return for_client ? kCollector : kReplicaSets;
    case Kind::kNode: return kNodes;
    case Kind::kNamespace: return kNamespaces;
    case Kind::kService: return for_client ? kCollector : kAdmin;
    default: return kCollector;
  }
}

OwnRequest DeleteOf(const AnyObject& object, bool gone, Timestamp now, bool for_client) {
  OwnRequest out = Make("delete", "", object, DeleterOf(object, gone, for_client), NodeOf(object));
  out.body = OwnRequest::Body::kDeleteOptions;
  out.gone = gone;
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (!gone) {
    out.grace = std::max<std::int64_t>((object.meta().deletionTimestamp.nanos - now.nanos + kSecond - 1) / kSecond, 0);
  }
  return out;
}

// Whether `after` is `before` but for what the status of such an object says,
// and the version.
template <typename T>
bool StatusAlone(T before, const T& after) {
  before.metadata.resourceVersion = after.metadata.resourceVersion;
  CopyStatus(after, &before);
  return before == after;
}

void AddPodChange(const AnyObject& object, const Pod& before, std::vector<OwnRequest>* out) {
  const auto after = object.As<Pod>();
  Pod bound = before;
  if (bound.nodeName.empty() && !after->nodeName.empty()) {
    OwnRequest binding = Make("create", "binding", object, kScheduler);
    binding.body = OwnRequest::Body::kBinding;
    out->push_back(std::move(binding));
    bound.nodeName = after->nodeName;
    bound.metadata.resourceVersion = after->metadata.resourceVersion;
    if (bound == *after) return;
  }
  if (StatusAlone(std::move(bound), *after)) {
    out->push_back(after->nodeName.empty() ? Make("update", "status", object, kReplicaSets)
                                           : Make("update", "status", object, kKubelet, after->nodeName));
  } else {
    out->push_back(Make("update", "", object, kReplicaSets));
  }
}

void AddNodeChange(const AnyObject& object, const Node& before, std::vector<OwnRequest>* out) {
  const auto after = object.As<Node>();
  if (!StatusAlone(before, *after)) return out->push_back(Make("update", "", object, kAdmin));
  const bool given_up = before.ready && !after->ready;
  out->push_back(Make("update", "status", object, given_up ? kNodes : kKubelet, after->metadata.name));
}

}  // namespace

std::vector<OwnRequest> OwnRequestsOf(const WatchEvent& event, const AnyObject& before, Timestamp now,
                                      bool for_client) {
  const AnyObject& object = event.object;
  std::vector<OwnRequest> out;
  if (event.type == WatchEventType::kDeleted) {
    out.push_back(DeleteOf(object, true, now, for_client));
    return out;
  }
  const bool was_going = before.has_value() && before.meta().deletionTimestamp.is_set();
  const bool asked_to_go = object.meta().deletionTimestamp.is_set() && !was_going;
  if (event.type == WatchEventType::kModified && asked_to_go) {
    // Of a namespace it is the client's own.
    if (object.kind() != Kind::kNamespace || !for_client) out.push_back(DeleteOf(object, false, now, for_client));
    return out;
  }
  if (for_client) return out;
  const auto pod = before.As<Pod>();
  const auto node = before.As<Node>();
  if (!before.has_value()) {
    out.push_back(Make("create", "", object, CreatorOf(object), NodeOf(object)));
  } else if (pod != nullptr) {
    AddPodChange(object, *pod, &out);
  } else if (node != nullptr) {
    AddNodeChange(object, *node, &out);
  } else {
    out.push_back(Make("update", "", object, object.kind() == Kind::kNamespace ? kNamespaces : kAdmin));
  }
  return out;
}

OwnRequest CreateRequestOf(const AnyObject& object) {
  const bool controllers =
      object.kind() == Kind::kEndpointSlice && object.meta().labels.Get(kLabelManagedBy) == kDefaultControllerName;
  return Make("create", "", object, controllers ? kSlices : CreatorOf(object), NodeOf(object));
}

std::string TargetOf(const AccessAttributes& a) {
  const bool collection = a.verb == "create" && a.subresource.empty();
  return Concat(a.group.empty() ? std::string("/api") : Concat("/apis/", a.group), "/", a.version,
                a.namespace_.empty() ? std::string() : Concat("/namespaces/", a.namespace_), "/", a.resource,
                collection ? std::string() : Concat("/", a.name),
                a.subresource.empty() ? std::string() : Concat("/", a.subresource));
}

std::string BodyOf(const OwnRequest& request) {
  std::string out;
  if (request.body == OwnRequest::Body::kObject) {
    AppendJson(request.object, &out);
    return out;
  }
  JsonWriter json(&out);
  json.BeginObject();
  if (request.body == OwnRequest::Body::kDeleteOptions) {
    json.Field("kind", "DeleteOptions");
    json.Field("apiVersion", "v1");
    // A pod's alone; what else lingers does so for its finalizers.
    if (request.gone || request.object.kind() == Kind::kPod) json.IntField("gracePeriodSeconds", request.grace);
  } else {
    const BasicMeta& meta = request.object.meta();
    json.Field("kind", "Binding");
    json.Field("apiVersion", "v1");
    json.Key("metadata");
    json.BeginObject();
    json.Field("name", meta.name);
    json.Field("namespace", meta.namespace_);
    json.Field("uid", meta.uid);
    json.EndObject();
    json.Key("target");
    json.BeginObject();
    json.Field("kind", "Node");
    json.Field("name", NodeOf(request.object));
    json.EndObject();
  }
  json.EndObject();
  return out;
}

HttpAnswer AnswerOf(const OwnRequest& request) {
  HttpAnswer answer;
  if (request.gone || request.body == OwnRequest::Body::kBinding) {
    answer = AnswerStatus({});
  } else {
    AppendJson(request.object, &answer.body);
    answer.said = Answered{.object = request.object};
  }
  if (request.attributes.verb == "create") answer.code = kCreated;
  return answer;
}

}  // namespace epslice::sim

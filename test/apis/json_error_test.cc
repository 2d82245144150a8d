// Bad input: one clear line that says what is wrong and where, and what is
// accepted; and the odd input that is accepted all the same.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "apis/json.h"

namespace epslice {
namespace {

struct Case {
  Kind kind;
  std::string json;
  std::string message;
};

TEST(JsonErrors, OneLineThatNamesObjectAndField) {
  const std::string svc = R"("metadata":{"name":"cart","namespace":"shop"})";
  const std::string pod = R"("metadata":{"namespace":"shop","name":"a"})";
  const Case kCases[] = {
      {Kind::kPod, "", "holds no JSON"},
      {Kind::kPod, " \n\t", "holds no JSON"},
      {Kind::kPod, "null", "Pod: is null, not an object"},
      {Kind::kPod, "[]", "Pod: is an array, not an object"},
      {Kind::kPod, "17", "Pod: is a number, not an object"},
      {Kind::kPod, R"({"kind":"Service","apiVersion":"v1"})", R"(Pod: kind: is "Service", not "Pod")"},
      {Kind::kEndpointSlice, R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1beta1"})",
       R"(EndpointSlice: apiVersion: is "discovery.k8s.io/v1beta1", not "discovery.k8s.io/v1")"},
      {Kind::kPod, R"({"spec":{"nodeName":5},)" + pod + "}", "Pod shop/a: spec.nodeName: is a number, not a string"},
      {Kind::kPod, R"({"spec":[],)" + pod + "}", "Pod shop/a: spec: is an array, not an object"},
      {Kind::kPod, R"({"spec":{"containers":[{},{"ports":[{"name":"x","containerPort":1.5}]}]},)" + pod + "}",
       "Pod shop/a: spec.containers[1].ports[0].containerPort: is not a whole number"},
      {Kind::kPod, R"({"status":{"podIPs":["10.0.0.1"]},)" + pod + "}",
       "Pod shop/a: status.podIPs[0]: is a string, not an object"},
      {Kind::kPod, R"({"metadata":{"name":"a\n\u0001","labels":{"app\n":7}}})",
       R"(Pod a\n\x01: metadata.labels.app\n: is a number, not a string)"},
      {Kind::kPod, R"({"metadata":{"name":["x"]}})", "Pod: metadata.name: is an array, not a string"},
      {Kind::kService, R"({"spec":{"ports":[{"port":2147483648}]},)" + svc + "}",
       "Service shop/cart: spec.ports[0].port: 2147483648 does not fit 32 bits"},
      {Kind::kService, R"({"spec":{"ports":[{"port":18446744073709551615}]},)" + svc + "}",
       "Service shop/cart: spec.ports[0].port: does not fit 64 bits"},
      {Kind::kService, R"({"spec":{"ports":[{"targetPort":true}]},)" + svc + "}",
       "Service shop/cart: spec.ports[0].targetPort: is a boolean, not a number or a string"},
      {Kind::kService, R"({"spec":{"ports":{}},)" + svc + "}",
       "Service shop/cart: spec.ports: is an object, not an array"},
      {Kind::kService, R"({"spec":{"selector":{"app":["a"]}},)" + svc + "}",
       "Service shop/cart: spec.selector.app: is an array, not a string"},
      {Kind::kService, R"({"spec":{"publishNotReadyAddresses":"yes"},)" + svc + "}",
       "Service shop/cart: spec.publishNotReadyAddresses: is a string, not a boolean"},
      {Kind::kLease, R"({"spec":{"leaseDurationSeconds":"15"}})",
       "Lease: spec.leaseDurationSeconds: is a string, not a whole number"},
      {Kind::kPod, "{\n  \"metadata\": {\n    \"name\": \"a\"\n",
       "line 4, column 1: the text ends where ',' or '}' is expected"},
      {Kind::kPod, "{\"a\": \"b", "line 1, column 7: a string without an end"},
      {Kind::kPod, "{\"a\": 1,\n}", "line 2, column 1: expected a key in double quotes, found '}'"},
      {Kind::kPod, "{\"a\" 1}", "line 1, column 6: expected ':', found '1'"},
      {Kind::kPod, "{\"a\": [1 2]}", "line 1, column 10: expected ',' or ']', found '2'"},
      {Kind::kPod, "{\"a\": tru}", "line 1, column 7: expected a value, found 't'"},
      {Kind::kPod, "{\"a\": \x01}", "line 1, column 7: expected a value, found byte 0x01"},
      {Kind::kPod, "{} {}", "line 1, column 4: more text follows the end of the JSON value"},
      {Kind::kPod, "{\"a\": 01}", "line 1, column 7: a number with a leading zero"},
      {Kind::kPod, "{\"a\": 1.}", "line 1, column 9: expected a digit, found '}'"},
      {Kind::kPod, "{\"a\": 123456789012345678901234567890}", "line 1, column 7: a number that does not fit 64 bits"},
      {Kind::kPod, "{\"a\": \"\\x\"}", "line 1, column 8: an escape that JSON does not have"},
      {Kind::kPod, "{\"a\": \"\\u12g4\"}", "line 1, column 8: \\u without four hexadecimal digits"},
      {Kind::kPod, "{\"a\": \"\\ud800\"}", "line 1, column 8: half of a surrogate pair"},
      {Kind::kPod, "{\"a\": \"tab\there\"}", "line 1, column 11: a control character within a string"},
      {Kind::kPod, "{\"a\": \"\xff\"}", "line 1, column 8: a byte that is not UTF-8"},
      {Kind::kPod, "{\"a\": \"\xc0\x80\"}", "line 1, column 8: a byte that is not UTF-8"},
      {Kind::kPod, "{\"a\": \"\xed\xa0\x80\"}", "line 1, column 8: a byte that is not UTF-8"},
      {Kind::kPod, std::string(10'000, '['), "line 1, column 65: nested more than 64 deep"},
      {Kind::kPod, "{\"a\":" + std::string(63, '[') + "0" + std::string(63, ']') + "}", ""},
      {Kind::kPod, "{\"a\":" + std::string(64, '[') + "0" + std::string(64, ']') + "}",
       "line 1, column 69: nested more than 64 deep"},
  };
  for (const Case& c : kCases) {
    const absl::StatusOr<AnyObject> object = DecodeObjectJson(c.kind, c.json, true);
    EXPECT_EQ(std::string(object.status().message()), c.message) << c.json.substr(0, 200);
    EXPECT_EQ(object.ok(), c.message.empty());
    EXPECT_EQ(absl::IsInvalidArgument(object.status()), !c.message.empty());
    EXPECT_EQ(object.status().message().find('\n'), std::string::npos);
  }
}

TEST(JsonErrors, TimesAndQuantitiesSayWhatIsAccepted) {
  const std::string time(
      DecodeJson<Pod>(R"({"metadata":{"name":"a","creationTimestamp":"yesterday"}})").status().message());
  EXPECT_EQ(time.rfind("Pod a: metadata.creationTimestamp: ", 0), 0U) << time;
  EXPECT_NE(time.find("yesterday"), std::string::npos) << time;
  const std::string cpu(
      DecodeJson<Node>(R"({"metadata":{"name":"n"},"status":{"allocatable":{"cpu":"many"}}})").status().message());
  EXPECT_EQ(cpu.rfind("Node n: status.allocatable.cpu: ", 0), 0U) << cpu;
  EXPECT_NE(cpu.find("many"), std::string::npos) << cpu;
}

TEST(JsonErrors, Lists) {
  const Case kCases[] = {
      {Kind::kPod, R"({"kind":"ServiceList","apiVersion":"v1"})", R"(PodList: kind: is "ServiceList", not "PodList")"},
      {Kind::kPod, R"({"kind":"Status","apiVersion":"v1"})", R"(PodList: kind: is "Status", not "PodList")"},
      {Kind::kPod, R"({"kind":"PodList","apiVersion":"v2"})", R"(PodList: apiVersion: is "v2", not "v1")"},
      {Kind::kPod, "[]", "PodList: is an array, not an object"},
      {Kind::kPod, "null", "PodList: is null, not an object"},
      {Kind::kPod, R"({"items":{}})", "PodList: items: is an object, not an array"},
      {Kind::kPod, R"({"metadata":{"remainingItemCount":"x"},"items":[]})",
       "PodList: metadata.remainingItemCount: is a string, not a whole number"},
      {Kind::kPod, R"({"items":[{},7]})", "Pod items[1]: is a number, not an object"},
      {Kind::kPod, R"({"items":[null]})", "Pod items[0]: is null, not an object"},
      {Kind::kPod, R"({"items":[{},{"spec":{"hostname":{}}}]})",
       "Pod items[1]: spec.hostname: is an object, not a string"},
      {Kind::kPod, R"({"items":[{"metadata":{"name":"x"},"spec":{"hostname":{}}},{"spec":3}]})",
       "Pod x: spec.hostname: is an object, not a string"},
      {Kind::kPod, R"({"kind":"List","apiVersion":"v1","items":[{"kind":"Service"}]})",
       R"(Pod items[0]: kind: is "Service", not "Pod")"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(std::string(DecodeListJson(c.kind, c.json, false).status().message()), c.message) << c.json;
  }
}

TEST(JsonErrors, WatchEvents) {
  const Case kCases[] = {
      {Kind::kPod, "", "holds no JSON"},
      {Kind::kPod, "null", "watch event: is null, not an object"},
      {Kind::kPod, "{}", R"(watch event: type: is ""; accepted are ADDED, MODIFIED, DELETED, BOOKMARK and ERROR)"},
      {Kind::kPod, R"({"type":"added","object":{}})",
       R"(watch event: type: is "added"; accepted are ADDED, MODIFIED, DELETED, BOOKMARK and ERROR)"},
      {Kind::kPod, R"({"type":"ADDED"})", "watch event: object: is missing"},
      {Kind::kPod, R"({"type":"ERROR","object":null})", "watch event: object: is missing"},
      {Kind::kPod, R"({"type":"ADDED","object":{"metadata":{"name":"a"},"spec":1}})",
       "Pod a: spec: is a number, not an object"},
      {Kind::kPod, R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":1}}})",
       "watch event: object.metadata.resourceVersion: is a number, not a string"},
      {Kind::kPod, R"({"type":"ERROR","object":{"kind":"Pod"}})",
       R"(watch event: object.kind: is "Pod", not "Status")"},
      {Kind::kPod, R"({"type":"ERROR","object":{"details":{"causes":[3]}}})",
       "watch event: object.details.causes[0]: is a number, not an object"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(std::string(DecodeWatchEventJson(c.kind, c.json, false).status().message()), c.message) << c.json;
  }
  EXPECT_EQ(std::string(DecodeStatusJson("null").status().message()), "Status: is null, not an object");
  EXPECT_EQ(std::string(DecodeStatusJson("404 page not found").status().message()),
            "line 1, column 5: more text follows the end of the JSON value");
}

TEST(JsonErrors, Limits) {
  JsonLimits limits;
  limits.max_bytes = 10;
  EXPECT_TRUE(DecodeJson<Pod>(R"({"a":1}   )", limits).ok());
  EXPECT_EQ(std::string(DecodeJson<Pod>(R"({"a":1}    )", limits).status().message()),
            "holds 11 bytes, more than the 10 accepted");
  limits = {};
  limits.max_depth = 2;
  EXPECT_TRUE(DecodeJson<Pod>(R"({"a":[0]})", limits).ok());
  EXPECT_FALSE(DecodeJson<Pod>(R"({"a":[[0]]})", limits).ok());
  // The parser is shared by calls with different limits.
  EXPECT_TRUE(DecodeJson<Pod>(R"({"a":[[[0]]]})").ok());
  // However deep a caller would go, the stack is safe.
  limits.max_depth = 1'000'000;
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(std::string(DecodeObjectJson(Kind::kPod, deep, true, limits).status().message()),
            "line 1, column 1005: nested more than 1000 deep");
}

TEST(JsonErrors, EveryCutOfATextIsAnError) {
  Service service;
  service.metadata.name = "a\xc3\xbc\"";
  service.spec.selector = {{"k", "v"}};
  service.spec.ports = {{"p", "TCP", std::nullopt, 80, 0, {0, "x"}}};
  const std::string json = EncodeJson(service);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const absl::StatusOr<Service> cut = DecodeJson<Service>(json.substr(0, i));
    ASSERT_FALSE(cut.ok()) << json.substr(0, i);
    EXPECT_EQ(cut.status().message().find(i == 0 ? "holds no JSON" : "line 1, column "), 0U) << cut.status();
  }
}

TEST(JsonErrors, ParsersOfThreadsAreApart) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      Pod pod;
      pod.metadata.name = "pod-" + std::to_string(t);
      const std::string json = EncodeJson(pod);
      for (int i = 0; i < 200; ++i) EXPECT_EQ(*DecodeJson<Pod>(json), pod);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JsonLeniency, LastOfEqualKeysCounts) {
  const absl::StatusOr<Pod> pod = DecodeJson<Pod>(
      R"({"metadata":{"name":"first","labels":{"a":"1","a":"2"}},"spec":{"nodeName":"n","nodeName":null},)"
      R"("metadata":{"uid":"u","labels":{"b":"1","b":"2"}}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->metadata.name, "");
  EXPECT_EQ(pod->metadata.uid, "u");
  EXPECT_EQ(pod->metadata.labels, StringMap({{"b", "2"}}));
  EXPECT_EQ(pod->nodeName, "");
}

TEST(JsonLeniency, NullCountsAsAbsent) {
  EXPECT_EQ(*DecodeJson<Pod>(R"({"apiVersion":null,"kind":null,"metadata":null,"spec":null,"status":null})"), Pod());
  EXPECT_EQ(*DecodeJson<Pod>(R"({"metadata":{"creationTimestamp":null,"labels":null,"name":null},)"
                             R"("spec":{"containers":null},"status":{"conditions":null,"podIPs":null}})"),
            Pod());
  EXPECT_EQ(*DecodeJson<Service>(R"({"spec":{"selector":null,"ports":null,"trafficDistribution":null}})"), Service());
  EXPECT_EQ(*DecodeJson<EndpointSlice>(R"({"endpoints":null,"ports":null})"), EndpointSlice());
  EXPECT_EQ(*DecodeJson<Lease>(R"({"spec":{"holderIdentity":null,"renewTime":null,"leaseTransitions":null}})"),
            Lease());
  EXPECT_TRUE(DecodeListJson(Kind::kPod, R"({"items":null})", false)->items.empty());
  // A null inside a map of strings is "", as in Go.
  EXPECT_EQ(DecodeJson<Pod>(R"({"metadata":{"labels":{"a":null}}})")->metadata.labels, StringMap({{"a", ""}}));
}

TEST(JsonLeniency, PodProjection) {
  const absl::StatusOr<Pod> pod = DecodeJson<Pod>(R"({
    "spec": {
      "containers": [
        {"name": "a", "ports": [{"containerPort": 1}, {"name": "", "containerPort": 2}, {"name": "x", "containerPort": 3}]},
        {"name": "b"},
        {"name": "c", "ports": [{"name": "y", "containerPort": 4, "protocol": "UDP"}, {"name": "x", "containerPort": 5}]}],
      "initContainers": [
        {"name": "i", "ports": [{"name": "once", "containerPort": 6}]},
        {"name": "j", "restartPolicy": "Always", "ports": [{"name": "sidecar", "containerPort": 7}]}]},
    "status": {
      "phase": "Running",
      "conditions": [
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T00:00:00.5+01:00"},
        {"type": "Ready", "status": "False"}],
      "podIP": "010.1.2.3",
      "podIPs": [{"ip": "010.1.2.3"}, {"ip": "nonsense"}, {}, {"ip": "FD00:0:0::1"}]}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  const std::vector<NamedPort> ports = {{"x", "TCP", 3}, {"y", "UDP", 4}, {"x", "TCP", 5}, {"sidecar", "TCP", 7}};
  ASSERT_NE(pod->namedPorts, nullptr);
  EXPECT_EQ(*pod->namedPorts, ports);
  EXPECT_TRUE(pod->ready);
  EXPECT_EQ(pod->readyTransitionTime.nanos, 1767308400LL * 1'000'000'000);
  ASSERT_EQ(pod->podIPs.size(), 2U);
  EXPECT_EQ(pod->podIPs[0].text, "10.1.2.3");
  EXPECT_EQ(pod->podIPs[1].text, "fd00::1");
  EXPECT_EQ(pod->podIPs[1].family, IpFamily::kIPv6);
  EXPECT_TRUE(pod->hasPodIP);

  EXPECT_FALSE(DecodeJson<Pod>(R"({"status":{"podIP":"","podIPs":[]}})")->hasPodIP);
  EXPECT_TRUE(DecodeJson<Pod>(R"({"status":{"podIP":"10.0.0.1"}})")->hasPodIP);
  EXPECT_TRUE(DecodeJson<Pod>(R"({"status":{"podIPs":[{"ip":"x"}]}})")->hasPodIP);
  EXPECT_TRUE(DecodeJson<Pod>(R"({"status":{"podIPs":[{"ip":"x"}]}})")->podIPs.empty());
}

TEST(JsonLeniency, NodeProjection) {
  const auto cpu = [](const std::string& value) {
    absl::StatusOr<Node> node = DecodeJson<Node>(R"({"status":{"allocatable":{"cpu":)" + value + "}}}");
    return node.ok() ? node->allocatableCpuMilli.value_or(-1) : -2;
  };
  EXPECT_EQ(cpu("\"3920m\""), 3920);
  EXPECT_EQ(cpu("\"4\""), 4000);
  EXPECT_EQ(cpu("4"), 4000);
  EXPECT_EQ(cpu("0.5"), 500);
  EXPECT_EQ(cpu("1e1"), 10'000);
  EXPECT_EQ(cpu("null"), -1);
  EXPECT_EQ(cpu("true"), -2);
  EXPECT_FALSE(DecodeJson<Node>("{}")->allocatableCpuMilli.has_value());
  EXPECT_TRUE(DecodeJson<Node>(R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})")->ready);
  EXPECT_FALSE(DecodeJson<Node>(R"({"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}})")->ready);
}

TEST(JsonLeniency, DefaultsAndTargetPorts) {
  const absl::StatusOr<Service> service = DecodeJson<Service>(
      R"({"spec":{"ports":[{"port":1},{"port":2,"protocol":"","targetPort":"8080"},{"port":3,"targetPort":9}]}})");
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_EQ(service->spec.ports[0].protocol, "TCP");
  EXPECT_EQ(service->spec.ports[0].targetPort, IntOrString());
  EXPECT_EQ(service->spec.ports[1].protocol, "TCP");
  EXPECT_EQ(service->spec.ports[1].targetPort.name, "8080");
  EXPECT_EQ(service->spec.ports[2].targetPort.number, 9);
  EXPECT_EQ(DecodeJson<EndpointSlice>(R"({"ports":[{}]})")->ports[0], EndpointPort());
}

TEST(JsonLeniency, SiblingsShareLabelsAndPorts) {
  const std::string pod = R"({"metadata":{"labels":{"a":"1","b":"2"}},)"
                          R"("spec":{"containers":[{"ports":[{"name":"x","containerPort":1}]}]}})";
  const absl::StatusOr<ObjectList> list =
      DecodeListJson(Kind::kPod, R"({"items":[)" + pod + "," + pod + R"(,{"metadata":{"labels":{"a":"1"}}}]})", false);
  ASSERT_TRUE(list.ok()) << list.status();
  const auto a = list->items[0].As<Pod>();
  const auto b = list->items[1].As<Pod>();
  EXPECT_EQ(a->namedPorts, b->namedPorts);
  EXPECT_EQ(a->metadata.labels.begin(), b->metadata.labels.begin());
  EXPECT_EQ(list->items[2].As<Pod>()->metadata.labels, StringMap({{"a", "1"}}));
  EXPECT_EQ(list->items[2].As<Pod>()->namedPorts, nullptr);
}

TEST(JsonLeniency, KeptTextIsTheWholeObject) {
  const absl::StatusOr<ObjectList> list =
      DecodeListJson(Kind::kEvent, R"({"kind":"EventList","apiVersion":"events.k8s.io/v1","items":[
        {"note": "n", "unknown": [1, -2.5, 18446744073709551615, true, null, "\u00fc\n", {"k": {}}]}]})",
                     true);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items[0].As<Event>()->message, "n");
  EXPECT_EQ(*list->items[0].json(),
            "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"note\":\"n\",\"unknown\":"
            "[1,-2.5,18446744073709551615,true,null,\"\xc3\xbc\\n\",{\"k\":{}}]}");
  EXPECT_EQ(DecodeObjectJson(Kind::kEvent, "{}", false)->json(), nullptr);
}

}  // namespace
}  // namespace epslice

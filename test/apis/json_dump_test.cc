// Dumps: what kubectl and others leave in a file, and what is wrong with it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/json.h"

namespace epslice {
namespace {

struct Seen {
  std::vector<std::string> objects;  // "Pod shop/a"
  std::vector<std::string> others;   // "apps/v1 Deployment"
  std::string error;
};

Seen Visit(std::string_view json, const JsonLimits& limits = {}) {
  Seen seen;
  DumpVisitor visitor;
  visitor.object = [&](AnyObject object) {
    seen.objects.push_back(std::string(InfoOf(object.kind()).name) + " " + KeyOf(object.meta()).ToString());
    return absl::OkStatus();
  };
  visitor.other = [&](std::string_view api_version, std::string_view kind) {
    seen.others.push_back(std::string(api_version) + " " + std::string(kind));
  };
  seen.error = std::string(VisitDumpJson(json, visitor, limits).message());
  return seen;
}

constexpr std::string_view kPod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop"}})";
constexpr std::string_view kNode = R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}})";

using Strings = std::vector<std::string>;

TEST(JsonDump, Shapes) {
  const std::string pod(kPod);
  const std::string node(kNode);
  const struct {
    std::string json;
    Strings objects;
    Strings others;
  } kCases[] = {
      {pod, {"Pod shop/a"}, {}},
      {"\xef\xbb\xbf\n" + pod + "\n", {"Pod shop/a"}, {}},
      {pod + node, {"Pod shop/a", "Node n"}, {}},
      {pod + "\n\n" + node + "\r\n", {"Pod shop/a", "Node n"}, {}},
      {R"({"apiVersion":"v1","kind":"List","items":[)" + pod + "," + node + "]}", {"Pod shop/a", "Node n"}, {}},
      {R"({"kind":"List","items":null} )" + pod, {"Pod shop/a"}, {}},
      {R"({"items":[{"metadata":{"name":"x"}}],"kind":"PodList","apiVersion":"v1"})", {"Pod x"}, {}},
      {R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","items":[{"metadata":{"name":"x"}}]})",
       {"EndpointSlice x"},
       {}},
      {R"({"kind":"DeploymentList","apiVersion":"apps/v1","items":[{},{}]})",
       {},
       {"apps/v1 Deployment", "apps/v1 Deployment"}},
      {R"({"kind":"AllowList","apiVersion":"x.io/v1","spec":{}})", {}, {"x.io/v1 AllowList"}},
      {R"({"kind":"Service","apiVersion":"serving.knative.dev/v1"})" + node,
       {"Node n"},
       {"serving.knative.dev/v1 Service"}},
      {R"({"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"e"}})", {"Event e"}, {}},
      {R"({"kind":"List","items":[{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"x"}}]}]})",
       {"Pod x"},
       {}},
      {R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"\"}{\\"},"x":"}\\\""})" + node,
       {"Pod \"}{\\", "Node n"},
       {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.json);
    const Seen seen = Visit(c.json);
    EXPECT_EQ(seen.error, "");
    EXPECT_EQ(seen.objects, c.objects);
    EXPECT_EQ(seen.others, c.others);
  }
}

TEST(JsonDump, Errors) {
  const std::string pod(kPod);
  const struct {
    std::string json;
    std::string message;
  } kCases[] = {
      {"", "holds no JSON"},
      {"\n \r\n", "holds no JSON"},
      {"{}", "line 1: an object without kind"},
      {pod + "\n" + R"({"metadata":{}})", "line 2: an object without kind"},
      {R"({"kind":"Pod","metadata":{}})", "line 1: a Pod without apiVersion"},
      {R"({"kind":7})", "line 1: kind: is a number, not a string"},
      {"\n\n[" + pod + "]", R"(line 3: expected a JSON object, found "[")"},
      {pod + "\n}", R"(line 2: expected a JSON object, found "}")"},
      {"---\nkind: Pod", R"(line 1: expected a JSON object, found "-")"},
      {"{\"kind\":\"List\",\"items\":[" + pod + ",{}]}", "line 1: items[1]: an object without kind"},
      {"{\"kind\":\"List\",\"items\":[" + pod + ",3]}", "line 1: items[1]: is a number, not an object"},
      {"{\"kind\":\"List\",\"items\":[null]}", "line 1: items[0]: is null, not an object"},
      {"{\"kind\":\"List\",\"items\":{}}", "line 1: items: is an object, not an array"},
      {R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"nodeName":1}})",
       "Pod a: spec.nodeName: is a number, not a string"},
      {"\n"
       R"({"kind":"Pod","apiVersion":"v1","spec":{"nodeName":1}})",
       "Pod at line 2: spec.nodeName: is a number, not a string"},
      {R"({"kind":"PodList","apiVersion":"v1","items":[{"spec":1}]})",
       "Pod at line 1: items[0]: spec: is a number, not an object"},
      {pod + "\n{\n\"kind\": \"Pod\",\n\"spec\": }\n", "line 4, column 9: expected a value, found '}'"},
      {pod + "\n" + pod.substr(0, pod.size() - 3), "line 2, column 68: a string without an end"},
      {pod + "\n{\"kind\": \"x", "line 2, column 10: a string without an end"},
      {pod + "\n{\"kind\": \"x\",", "line 2, column 14: the text ends where a key in double quotes is expected"},
      {pod + "\n{]", "line 2, column 2: expected a key in double quotes, found ']'"},
      {pod + "\n{\"kind\":\"\xff\"}", "line 2, column 10: a byte that is not UTF-8"},
      {pod + "\n{\"a\":" + std::string(10'000, '['), "line 2, column 69: nested more than 64 deep"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Visit(c.json).error, c.message) << c.json.substr(0, 200);
  }
  JsonLimits limits;
  limits.max_bytes = pod.size();
  EXPECT_EQ(Visit(pod, limits).error, "");
  EXPECT_EQ(Visit(pod + " ", limits).error.find("holds "), 0U);
}

TEST(JsonDump, TheVisitorMayStop) {
  int calls = 0;
  DumpVisitor visitor;
  visitor.object = [&](const AnyObject&) {
    return ++calls == 2 ? absl::ResourceExhaustedError("enough") : absl::OkStatus();
  };
  const std::string pod(kPod);
  const absl::Status status =
      VisitDumpJson(R"({"kind":"List","items":[)" + pod + "," + pod + "," + pod + "]}", visitor);
  EXPECT_EQ(status, absl::ResourceExhaustedError("enough"));
  EXPECT_EQ(calls, 2);
}

TEST(JsonDump, TheVisitorMayDecode) {
  std::vector<std::string> names;
  DumpVisitor visitor;
  visitor.object = [&](const AnyObject& object) {
    EXPECT_TRUE(DecodeJson<Node>(kNode).ok());
    names.push_back(object.meta().name.str());
    return absl::OkStatus();
  };
  std::string list = R"({"kind":"PodList","apiVersion":"v1","items":[)";
  for (int i = 0; i < 100; ++i) {
    list += (i > 0 ? "," : "") + std::string(R"({"metadata":{"name":"pod-)") + std::to_string(i) + "\"}}";
  }
  EXPECT_TRUE(VisitDumpJson(list + "]}", visitor).ok());
  ASSERT_EQ(names.size(), 100U);
  EXPECT_EQ(names[99], "pod-99");
}

TEST(JsonDump, KeptTextSaysWhatItIs) {
  std::vector<std::string> texts;
  DumpVisitor visitor;
  visitor.keep_json = true;
  visitor.object = [&](const AnyObject& object) {
    texts.push_back(*object.json());
    return absl::OkStatus();
  };
  EXPECT_TRUE(VisitDumpJson(R"({"kind":"PodList","apiVersion":"v1","items":[ {"spec": {"x": [1, 2.5]}} ]})"
                            R"({"spec":{"y":"z"},"kind":"Pod","apiVersion":"v1"})",
                            visitor)
                  .ok());
  EXPECT_EQ(texts, (Strings{R"({"apiVersion":"v1","kind":"Pod","spec":{"x":[1,2.5]}})",
                            R"({"apiVersion":"v1","kind":"Pod","spec":{"y":"z"}})"}));
}

}  // namespace
}  // namespace epslice

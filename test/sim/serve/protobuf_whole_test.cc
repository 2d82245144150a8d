// What is written by the tables, against the bytes that a real kube-apiserver
// v1.36 sent for the same objects.
#include "sim/serve/protobuf_whole.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "apis/json.h"

namespace epslice::sim {
namespace {

std::string WireFile(const std::string& name) {
  std::ifstream file(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/wire/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

class WholeWire : public testing::TestWithParam<std::tuple<Kind, const char*>> {};

TEST_P(WholeWire, ObjectsAreTheBytesOfARealServer) {
  const auto& [kind, resource] = GetParam();
  const std::string real = WireFile(std::string("proto-list-") + resource + ".body");
  const auto list = nlohmann::ordered_json::parse(WireFile(std::string("list-") + resource + ".body"));
  ASSERT_FALSE(list["items"].empty());
  for (const auto& item : list["items"]) {
    std::string message;
    ASSERT_TRUE(protobuf::AppendMessage(*protobuf::WholeMessageOf(kind), item.dump(), &message));
    EXPECT_NE(real.find(message), std::string::npos) << item["metadata"]["name"];
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, WholeWire,
                         testing::Values(std::make_tuple(Kind::kPod, "pods"), std::make_tuple(Kind::kNode, "nodes")));

constexpr const char* kPod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop",
  "uid":"u1","resourceVersion":"7","labels":{"b":"2","a":"1"},"annotations":{"x":"y"},
  "managedFields":[{"manager":"kubelet","operation":"Update","fieldsV1":{"f:status":{}}}]},
  "spec":{"nodeName":"n1","hostname":"h","subdomain":"s","volumes":[{"name":"v","configMap":{"name":"c"}}],
    "initContainers":[{"name":"side","restartPolicy":"Always","ports":[{"name":"p","containerPort":9,"protocol":"UDP"}]}],
    "containers":[{"name":"c","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],
      "resources":{"limits":{"memory":"1Gi","cpu":"1"}}}]},
  "status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],
    "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-02T03:04:05Z"}]}})";

AnyObject PodOf(const std::string& json) {
  return AnyObject::Of(*DecodeJson<Pod>(kPod), std::make_shared<const std::string>(json));
}

TEST(ProtobufWhole, ReadsBackAsTheSameStruct) {
  const AnyObject pod = PodOf(kPod);
  std::string bytes;
  AppendWholeProtobuf(pod, &bytes);
  EXPECT_NE(bytes.find("kubelet"), std::string::npos);  // in managedFields, which no struct has
  const auto back = DecodeProtobuf<Pod>(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, *pod.As<Pod>());

  const std::string list = EncodeWholeListProtobuf(Kind::kPod, {"9", "more", 3, {pod, pod}}, EventSpelling::kCore);
  const auto items = DecodeListProtobuf(Kind::kPod, list);
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ(items->resourceVersion, "9");
  EXPECT_EQ(items->continueToken, "more");
  EXPECT_EQ(items->remainingItemCount, 3);
  ASSERT_EQ(items->items.size(), 2U);
  EXPECT_EQ(*items->items[1].As<Pod>(), *pod.As<Pod>());
  EXPECT_GT(list.size(), 2 * bytes.size() - 100);

  WatchEvent event;
  event.type = WatchEventType::kModified;
  event.object = pod;
  const auto frame =
      DecodeWatchEventProtobuf(Kind::kPod, EncodeWholeWatchEventProtobuf(Kind::kPod, event, EventSpelling::kCore));
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->type, WatchEventType::kModified);
  EXPECT_EQ(*frame->object.As<Pod>(), *pod.As<Pod>());
}

// JSON that was taken although a field is of another type is no reason not to
// answer.
TEST(ProtobufWhole, WithoutFittingJsonTheStructIsWritten) {
  const AnyObject whole = PodOf(kPod);
  for (const std::string json : {R"({"metadata":{"name":7}})", R"({"spec":{"volumes":{}}})",
                                 R"({"metadata":{"labels":[]}})", R"({"status":{"startTime":"soon"}})", "[]", "{"}) {
    const AnyObject pod = PodOf(json);
    std::string bytes;
    AppendWholeProtobuf(pod, &bytes);
    EXPECT_EQ(bytes, EncodeProtobuf(*pod.As<Pod>())) << json;
    const ObjectList list{"1", "", 0, {whole, pod}};
    EXPECT_EQ(EncodeWholeListProtobuf(Kind::kPod, list, EventSpelling::kCore), EncodeListProtobuf(Kind::kPod, list))
        << json;
  }
}

}  // namespace
}  // namespace epslice::sim

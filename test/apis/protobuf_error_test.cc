// Bytes that are no protobuf, or too much of it: one line that says where.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apis/protobuf.h"
#include "random_objects.h"

namespace epslice {
namespace {

std::string Varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string Bytes(std::uint32_t number, const std::string& value) {
  return Varint(number << 3 | 2) + Varint(value.size()) + value;
}
std::string Number(std::uint32_t number, std::uint64_t value) { return Varint(number << 3) + Varint(value); }
std::string Envelope(const std::string& kind, const std::string& raw, const std::string& api_version = "v1") {
  return std::string("k8s\0", 4) + Bytes(1, Bytes(1, api_version) + Bytes(2, kind)) + Bytes(2, raw);
}
const std::string kMeta = Bytes(1, Bytes(1, "a") + Bytes(3, "shop"));

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(ProtobufError, SaysWhatAndWhere) {
  const std::string cut = Bytes(1, "name").substr(0, 3);
  const struct {
    std::string bytes;
    const char* error;
  } kCases[] = {
      {"", R"(Pod: does not begin with "k8s\0")"},
      {"{}", R"(Pod: does not begin with "k8s\0")"},
      {Envelope("Node", ""), R"(Pod: kind: is "Node", not "Pod")"},
      {Envelope("Pod", "", "v2"), R"(Pod: apiVersion: is "v2", not "v1")"},
      {Envelope("P\n", ""), R"(Pod: kind: is "P\n", not "Pod")"},
      {std::string("k8s\0", 4) + Bytes(3, "gzip"), "Pod: has content that is encoded once more"},
      {std::string("k8s\0\x12\x05", 6), "Pod: ends in the middle of a field"},
      {Envelope("Pod", kMeta + cut), "Pod shop/a: ends in the middle of a field"},
      {Envelope("Pod", kMeta + Bytes(2, cut)), "Pod shop/a: spec: ends in the middle of a field"},
      {Envelope("Pod", kMeta + Bytes(2, Number(10, 3))), "Pod shop/a: spec.nodeName: is a number, not text"},
      {Envelope("Pod", kMeta + Bytes(2, Bytes(10, "\xff"))), "Pod shop/a: spec.nodeName: is not UTF-8"},
      {Envelope("Pod", Bytes(1, Bytes(1, "\xc3"))), "Pod: metadata.name: is not UTF-8"},
      {Envelope("Pod", Bytes(1, Bytes(11, Bytes(1, "\xc3")))), "Pod: metadata.labels: is not UTF-8"},
      {Envelope("Pod", Number(1, 3)), "Pod: metadata: is a number, not text"},
      {Envelope("Pod", Bytes(1, Bytes(8, Number(1, 9'999'999'999'999)))),
       "Pod: metadata.creationTimestamp: a time that is outside the years 1678 to 2261"},
      {Envelope("Pod", Bytes(1, Bytes(8, Number(2, 1'000'000'000)))),
       "Pod: metadata.creationTimestamp: a time with nanoseconds outside 0 to 999999999"},
      {Envelope("Pod", Bytes(2, Bytes(2, Bytes(6, Bytes(1, "p") + Number(3, 1ULL << 32))))),
       "Pod: spec.containers.ports.containerPort: 4294967296 does not fit 32 bits"},
      {Envelope("Pod", Bytes(2, Bytes(2, Bytes(6, Bytes(3, ""))))),
       "Pod: spec.containers.ports.containerPort: is no whole number"},
      {Envelope("Pod", std::string("\x0f", 1)), "Pod: has a field of a form that does not exist"},
      {Envelope("Pod", std::string("\x00\x00", 2)), "Pod: has a field number that does not exist"},
      {Envelope("Pod", "\x08" + std::string(11, '\xff')), "Pod: metadata: is a number, not text"},
      {Envelope("Pod", "\x20" + std::string(11, '\xff')), "Pod: has a number of more than ten bytes"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<AnyObject> object = DecodeObjectProtobuf(Kind::kPod, c.bytes);
    EXPECT_EQ(object.status().code(), absl::StatusCode::kInvalidArgument) << c.error;
    EXPECT_EQ(Message(object.status()), c.error);
  }
}

TEST(ProtobufError, InListsWatchesAndStatuses) {
  const std::string bad_item = Bytes(2, Bytes(1, Number(1, 3)));
  const std::string named = Bytes(2, Bytes(1, Bytes(1, "n") + Number(7, 1)) + Bytes(3, Bytes(2, "\x0a\x05")));
  EXPECT_EQ(Message(DecodeListProtobuf(Kind::kNode, Envelope("NodeList", named.substr(0, 0) + bad_item)).status()),
            "Node items[0]: metadata.name: is a number, not text");
  EXPECT_EQ(Message(DecodeListProtobuf(Kind::kNode, Envelope("NodeList", named)).status()),
            "Node n: status.allocatable: ends in the middle of a field");
  EXPECT_EQ(Message(DecodeListProtobuf(Kind::kNode, Envelope("PodList", "")).status()),
            R"(NodeList: kind: is "PodList", not "NodeList")");
  EXPECT_EQ(Message(DecodeListProtobuf(Kind::kNode, Envelope("NodeList", Bytes(1, Number(2, 1)))).status()),
            "NodeList: metadata.resourceVersion: is a number, not text");
  const std::string quantity = Bytes(2, Bytes(1, "cpu") + Bytes(2, Bytes(1, "x")));
  EXPECT_EQ(Message(DecodeObjectProtobuf(Kind::kNode, Envelope("Node", Bytes(3, quantity))).status())
                .rfind("Node: status", 0),
            0U);

  EXPECT_EQ(Message(DecodeWatchEventProtobuf(Kind::kPod, "").status()),
            R"(watch event: type: is ""; accepted are ADDED, MODIFIED, DELETED, BOOKMARK and ERROR)");
  EXPECT_EQ(Message(DecodeWatchEventProtobuf(Kind::kPod, Bytes(1, "ADDED")).status()),
            R"(watch event: does not begin with "k8s\0")");
  EXPECT_EQ(
      Message(
          DecodeWatchEventProtobuf(Kind::kPod, Bytes(1, "ADDED") + Bytes(2, Bytes(1, Envelope("Node", "")))).status()),
      R"(watch event: kind: is "Node", not "Pod")");
  EXPECT_EQ(Message(DecodeStatusProtobuf(Envelope("Pod", "")).status()), R"(Status: kind: is "Pod", not "Status")");
}

TEST(ProtobufError, Limits) {
  Pod pod;
  Maker(3).Make(&pod);
  const std::string bytes = EncodeProtobuf(pod);
  EXPECT_TRUE(DecodeObjectProtobuf(Kind::kPod, bytes, {.max_bytes = bytes.size()}).ok());
  EXPECT_EQ(Message(DecodeObjectProtobuf(Kind::kPod, bytes, {.max_bytes = bytes.size() - 1}).status()),
            "holds " + std::to_string(bytes.size()) + " bytes, more than the " + std::to_string(bytes.size() - 1) +
                " accepted");
  std::string items;
  for (int i = 0; i < 10; ++i) items += Bytes(2, "");
  EXPECT_TRUE(DecodeListProtobuf(Kind::kPod, Envelope("PodList", items), {.max_elements = 10}).ok());
  EXPECT_EQ(Message(DecodeListProtobuf(Kind::kPod, Envelope("PodList", items), {.max_elements = 9}).status()),
            "PodList: holds more elements than are accepted");
  std::string endpoints;
  for (int i = 0; i < 10; ++i) endpoints += Bytes(2, "");
  EXPECT_FALSE(DecodeObjectProtobuf(Kind::kEndpointSlice, Envelope("EndpointSlice", endpoints, "discovery.k8s.io/v1"),
                                    {.max_elements = 9})
                   .ok());
}

TEST(ProtobufError, UnknownFieldsAreSkipped) {
  const std::string odd = Number(100, 7) + Bytes(101, "\xff\xff") + Varint(102 << 3 | 1) + std::string(8, 'x') +
                          Varint(103 << 3 | 5) + std::string(4, 'x');
  const std::string meta = Bytes(1, odd + Bytes(1, "a") + odd);
  const absl::StatusOr<Pod> pod =
      DecodeProtobuf<Pod>(Envelope("Pod", odd + meta + Bytes(2, odd + Bytes(10, "n")) + odd));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->metadata.name, "a");
  EXPECT_EQ(pod->nodeName, "n");
}

TEST(ProtobufError, InitContainersThatEndDoNotCount) {
  const auto container = [](const std::string& name, const std::string& policy) {
    return Bytes(24, policy) + Bytes(6, Bytes(1, name) + Number(3, 80));
  };
  const std::string spec = Bytes(20, container("init", "")) + Bytes(20, container("sidecar", "Always")) +
                           Bytes(2, container("main", "")) + Bytes(2, Bytes(6, Number(3, 1)));
  const absl::StatusOr<Pod> pod = DecodeProtobuf<Pod>(Envelope("Pod", Bytes(2, spec)));
  ASSERT_TRUE(pod.ok()) << pod.status();
  ASSERT_NE(pod->namedPorts, nullptr);
  EXPECT_EQ(*pod->namedPorts, (std::vector<NamedPort>{{"main", "TCP", 80}, {"sidecar", "TCP", 80}}));
}

// Cut off anywhere, or with any byte changed, it is an error of one line or an
// object, and never more than that.
template <typename T>
class ProtobufDamage : public testing::Test {};
using AllKinds = testing::Types<Namespace, Node, Pod, Service, EndpointSlice, Event, Lease>;
TYPED_TEST_SUITE(ProtobufDamage, AllKinds);

TYPED_TEST(ProtobufDamage, IsNoticedOrHarmless) {
  TypeParam object;
  Maker(7).Make(&object);
  const std::string good = EncodeProtobuf(object);
  std::size_t refused = 0;
  for (std::size_t n = 0; n < good.size(); ++n) {
    const absl::StatusOr<AnyObject> cut = DecodeObjectProtobuf(TypeParam::kKind, good.substr(0, n));
    refused += cut.ok() ? 0 : 1;
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::string changed = good;
      changed[n] = static_cast<char>(changed[n] ^ mask);
      const absl::StatusOr<AnyObject> odd = DecodeObjectProtobuf(TypeParam::kKind, changed);
      if (odd.ok()) continue;
      ++refused;
      EXPECT_EQ(Message(odd.status()).find('\n'), std::string::npos);
    }
  }
  EXPECT_GT(refused, good.size());
}

}  // namespace
}  // namespace epslice

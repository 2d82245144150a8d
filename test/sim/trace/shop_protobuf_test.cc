// Every object of a recorded cluster, from JSON to protobuf and back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {
namespace {

template <typename T>
void ExpectSurvives(const Dump& dump, std::size_t at_least) {
  ObjectList list;
  for (const auto& object : dump.Of<T>()) {
    const absl::StatusOr<T> back = DecodeProtobuf<T>(EncodeProtobuf(*object));
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_TRUE(*back == *object) << EncodeJson(*object);
    list.items.emplace_back(object);
  }
  EXPECT_GE(list.items.size(), at_least);
  const absl::StatusOr<ObjectList> back = DecodeListProtobuf(T::kKind, EncodeListProtobuf(T::kKind, list));
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->items.size(), list.items.size());
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    EXPECT_TRUE(*back->items[i].As<T>() == *list.items[i].As<T>()) << i;
  }
}

TEST(ShopProtobuf, EveryObjectSurvives) {
  const std::string shop = std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/shop/";
  for (const std::string time : {"start", "end"}) {
    std::vector<std::string> files;
    for (const char* kind : {"services", "pods", "nodes", "endpointslices"}) {
      files.push_back(shop + time + "-" + kind + ".json.xz");
    }
    const absl::StatusOr<Dump> dump = ReadDump(files);
    ASSERT_TRUE(dump.ok()) << dump.status();
    ExpectSurvives<Service>(*dump, 8);
    ExpectSurvives<Pod>(*dump, 150);
    ExpectSurvives<Node>(*dump, 25);
    ExpectSurvives<EndpointSlice>(*dump, 8);
  }
}

}  // namespace
}  // namespace epslice::sim

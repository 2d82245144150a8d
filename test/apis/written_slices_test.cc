#include "apis/written_slices.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "informers/random.h"
#include "random_objects.h"

namespace epslice {
namespace {

using SlicePtr = std::shared_ptr<const EndpointSlice>;

SlicePtr RandomSlice(std::uint64_t seed) {
  auto slice = std::make_shared<EndpointSlice>();
  Maker(seed).Make(slice.get());
  return slice;
}

// `slice` as the server has it afterwards.
std::string Frame(EndpointSlice slice, WatchEventType type = WatchEventType::kModified) {
  ++slice.metadata.generation;
  slice.metadata.resourceVersion = "77";
  WatchEvent event;
  event.type = type;
  event.object = AnyObject::Of(std::move(slice));
  return EncodeWatchEventProtobuf(Kind::kEndpointSlice, event);
}

SlicePtr Decoded(const absl::StatusOr<WatchEvent>& event) {
  EXPECT_TRUE(event.ok()) << event.status();
  return event.ok() ? event->object.As<EndpointSlice>() : std::make_shared<const EndpointSlice>();
}

bool SharesTexts(const EndpointSlice& a, const EndpointSlice& b) {
  for (std::size_t i = 0; i < a.endpoints.size(); ++i) {
    if (a.endpoints[i].hostname.identity() != b.endpoints[i].hostname.identity()) return false;
  }
  return true;
}

EndpointSlice Numbered(int number) {
  EndpointSlice slice;
  slice.metadata.name = "web-x";
  slice.addressType = "IPv4";
  slice.endpoints.resize(10);
  for (Endpoint& endpoint : slice.endpoints) endpoint.hostname = "host-" + std::to_string(1000 + number);
  slice.ports = {{"http", "TCP", 80, std::nullopt}};
  return slice;
}

// Whatever comes, it is decoded as if nothing was remembered.
TEST(WrittenSlices, EchoesAreWhatDecodingGives) {
  Random random(1);
  int echoes = 0;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const SlicePtr slice = RandomSlice(seed);
    WrittenSlices written(1 << 20);
    written.Remember(EncodeProtobuf(*slice), slice);
    std::string frame = Frame(*slice);
    const bool changed = random.Chance(0.7);
    if (changed) frame[random.Below(frame.size())] = static_cast<char>(random.Below(256));
    if (random.Chance(0.1)) frame.resize(random.Below(frame.size()));
    const auto plain = DecodeWatchEventProtobuf(Kind::kEndpointSlice, frame);
    const auto echo = DecodeWatchEventProtobuf(Kind::kEndpointSlice, frame, {}, &written);
    ASSERT_EQ(plain.ok(), echo.ok()) << seed;
    if (!plain.ok()) {
      EXPECT_EQ(plain.status(), echo.status());
      ++refused;
      continue;
    }
    ASSERT_EQ(plain->type, echo->type);
    ASSERT_EQ(plain->object.has_value(), echo->object.has_value());
    if (!plain->object.has_value()) continue;
    ASSERT_EQ(*plain->object.As<EndpointSlice>(), *echo->object.As<EndpointSlice>()) << seed;
    if (!changed && !slice->endpoints.empty() && SharesTexts(*slice, *echo->object.As<EndpointSlice>())) ++echoes;
  }
  EXPECT_GT(echoes, 200);
  EXPECT_GT(refused, 200);
}

TEST(WrittenSlices, AreSharedOnceAndNotByDeletions) {
  const auto slice = std::make_shared<const EndpointSlice>(Numbered(1));
  WrittenSlices written(1 << 20);
  written.Remember(EncodeProtobuf(*slice), slice);
  const auto decode = [&](WatchEventType type) {
    return Decoded(DecodeWatchEventProtobuf(Kind::kEndpointSlice, Frame(*slice, type), {}, &written));
  };
  EXPECT_FALSE(SharesTexts(*slice, *decode(WatchEventType::kDeleted)));
  const SlicePtr echo = decode(WatchEventType::kAdded);
  EXPECT_TRUE(SharesTexts(*slice, *echo));
  EXPECT_EQ(echo->metadata.resourceVersion, "77");
  EXPECT_FALSE(SharesTexts(*slice, *decode(WatchEventType::kModified)));
  // Nobody is sure of what is no message at all.
  EXPECT_EQ(WrittenSlices::ContentOf(""), "");
  EXPECT_EQ(WrittenSlices::ContentOf("\x12\x01x"), "");
  EXPECT_EQ(WrittenSlices::ContentOf("\x0a\x01xrest"), "rest");
}

TEST(WrittenSlices, TheOldestAreForgotten) {
  const std::size_t size = EncodeProtobuf(Numbered(0)).size();
  for (const std::size_t room : {std::size_t{3}, std::size_t{1000}}) {
    WrittenSlices written(room * size);
    std::vector<SlicePtr> slices;
    for (int i = 0; i < 200; ++i) {
      slices.push_back(std::make_shared<const EndpointSlice>(Numbered(i)));
      written.Remember(EncodeProtobuf(*slices.back()), slices.back());
    }
    std::size_t known = 0;
    for (const SlicePtr& slice : slices) {
      const auto event = DecodeWatchEventProtobuf(Kind::kEndpointSlice, Frame(*slice), {}, &written);
      known += SharesTexts(*slice, *Decoded(event)) ? 1 : 0;
    }
    EXPECT_GE(known, room == 3 ? 3U : 64U);
    EXPECT_LE(known, room == 3 ? 5U : 64U);
  }
}

// So that echoes from an API server are recognised: it writes what we would.
TEST(WrittenSlices, ApiServersWriteEndpointsAsWeDo) {
  std::ifstream in(EPSLICE_SOURCE_DIR "/test/testdata/wire/proto-list-endpointslices.body", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const absl::StatusOr<ObjectList> list = DecodeListProtobuf(Kind::kEndpointSlice, bytes);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_FALSE(list->items.empty());
  std::size_t endpoints = 0;
  for (const AnyObject& item : list->items) {
    EndpointSlice slice = *item.As<EndpointSlice>();
    endpoints += slice.endpoints.size();
    slice.metadata = {};
    slice.metadata.name = "n";
    const std::string ours = EncodeProtobuf(slice);
    const std::string metadata = "\x0a\x03\x0a\x01n";
    const std::size_t begin = ours.find(metadata);
    ASSERT_NE(begin, std::string::npos);
    EXPECT_NE(bytes.find(ours.substr(begin + metadata.size())), std::string::npos) << EncodeJson(slice);
  }
  EXPECT_GT(endpoints, 3U);
}

}  // namespace
}  // namespace epslice

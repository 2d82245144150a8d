// Answers of a real API server in protobuf say the same as their twins in JSON.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"

namespace epslice {
namespace {

std::string Wire(const std::string& name) {
  std::ifstream in(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/wire/" + name + ".body", std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

// Frames of a watch, without their lengths.
std::vector<std::string> Frames(const std::string& bytes) {
  std::vector<std::string> frames;
  for (std::size_t at = 0; at + 4 <= bytes.size();) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[at++]);
    EXPECT_LE(at + size, bytes.size());
    frames.push_back(bytes.substr(at, size));
    at += size;
  }
  return frames;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

template <typename T>
void ExpectSame(const AnyObject& a, const AnyObject& b) {
  ASSERT_TRUE(a.As<T>() != nullptr && b.As<T>() != nullptr);
  EXPECT_TRUE(*a.As<T>() == *b.As<T>()) << EncodeJson(*a.As<T>()) << "\n" << EncodeJson(*b.As<T>());
}

void ExpectSame(const AnyObject& a, const AnyObject& b) {
  ASSERT_EQ(a.kind(), b.kind());
  switch (a.kind()) {
    case Kind::kNamespace: return ExpectSame<Namespace>(a, b);
    case Kind::kNode: return ExpectSame<Node>(a, b);
    case Kind::kPod: return ExpectSame<Pod>(a, b);
    case Kind::kService: return ExpectSame<Service>(a, b);
    case Kind::kEndpointSlice: return ExpectSame<EndpointSlice>(a, b);
    case Kind::kEvent: return ExpectSame<Event>(a, b);
    case Kind::kLease: return ExpectSame<Lease>(a, b);
  }
}

TEST(ProtobufWire, ListsAreTheirJsonTwins) {
  const struct {
    Kind kind;
    const char* name;
  } kCases[] = {{Kind::kPod, "list-pods"},
                {Kind::kNode, "list-nodes"},
                {Kind::kService, "list-services"},
                {Kind::kEndpointSlice, "list-endpointslices"},
                {Kind::kLease, "list-leases"}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    absl::StatusOr<ObjectList> json = DecodeListJson(c.kind, Wire(c.name), false);
    const absl::StatusOr<ObjectList> protobuf = DecodeListProtobuf(c.kind, Wire("proto-" + std::string(c.name)));
    ASSERT_TRUE(json.ok()) << json.status();
    ASSERT_TRUE(protobuf.ok()) << protobuf.status();
    EXPECT_FALSE(protobuf->resourceVersion.empty());
    if (!json->continueToken.empty()) {  // the twin came in two pages
      const absl::StatusOr<ObjectList> page2 = DecodeListJson(c.kind, Wire(c.name + std::string("-page2")), false);
      ASSERT_TRUE(page2.ok()) << page2.status();
      json->items.insert(json->items.end(), page2->items.begin(), page2->items.end());
    }
    ASSERT_EQ(protobuf->items.size(), json->items.size());
    for (std::size_t i = 0; i < json->items.size(); ++i) {
      SCOPED_TRACE(i);
      ExpectSame(protobuf->items[i], json->items[i]);
      // Written by us and read again it is the same, too.
      const absl::StatusOr<AnyObject> back = DecodeObjectProtobuf(c.kind, EncodeProtobuf(json->items[i]));
      ASSERT_TRUE(back.ok()) << back.status();
      ExpectSame(*back, json->items[i]);
    }
  }
}

TEST(ProtobufWire, PodsShareWhatTheyHaveInCommon) {
  const absl::StatusOr<ObjectList> list = DecodeListProtobuf(Kind::kPod, Wire("proto-list-pods"));
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->items.size(), 6U);
  const auto a = list->items[3].As<Pod>();
  const auto b = list->items[4].As<Pod>();
  EXPECT_EQ(a->metadata.namespace_.identity(), b->metadata.namespace_.identity());
  EXPECT_EQ(a->metadata.labels.begin(), b->metadata.labels.begin());
  ASSERT_NE(a->namedPorts, nullptr);
  EXPECT_EQ(a->namedPorts, b->namedPorts);
  // With what came from JSON, too.
  EXPECT_EQ(a->nodeName.identity(), Text::Intern(a->nodeName).identity());
  EXPECT_EQ(a->metadata.labels.begin()->first.identity(), Text::Intern(a->metadata.labels.begin()->first).identity());
}

TEST(ProtobufWire, WatchesAreTheirJsonTwins) {
  const struct {
    Kind kind;
    const char* name;
    bool bookmark;
  } kCases[] = {{Kind::kEndpointSlice, "watch-endpointslices", false},
                {Kind::kService, "watchlist-services", true},
                {Kind::kPod, "error-410-watch", false}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::vector<std::string> frames = Frames(Wire("proto-" + std::string(c.name)));
    const std::vector<std::string> lines = Lines(Wire(c.name));
    // The two were recorded one after the other: what both have is the same.
    ASSERT_FALSE(frames.empty());
    bool ended = false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      SCOPED_TRACE(i);
      const absl::StatusOr<WatchEvent> event = DecodeWatchEventProtobuf(c.kind, frames[i]);
      ASSERT_TRUE(event.ok()) << event.status();
      ended = ended || event->initialEventsEnd;
      ASSERT_LT(i, lines.size());
      const absl::StatusOr<WatchEvent> twin = DecodeWatchEventJson(c.kind, lines[i], false);
      ASSERT_TRUE(twin.ok()) << twin.status();
      EXPECT_EQ(event->type, twin->type);
      EXPECT_EQ(event->initialEventsEnd, twin->initialEventsEnd);
      EXPECT_EQ(event->resourceVersion.empty(), twin->resourceVersion.empty());
      EXPECT_EQ(event->status, twin->status);
      ASSERT_EQ(event->object.has_value(), twin->object.has_value());
      if (event->object.has_value()) ExpectSame(event->object, twin->object);
    }
    EXPECT_EQ(ended, c.bookmark);
  }
}

TEST(ProtobufWire, ErrorsAreStatuses) {
  const absl::StatusOr<Status> protobuf = DecodeStatusProtobuf(Wire("proto-error-404"));
  const absl::StatusOr<Status> json = DecodeStatusJson(Wire("error-404"));
  ASSERT_TRUE(protobuf.ok()) << protobuf.status();
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(*protobuf, *json);
  EXPECT_EQ(protobuf->code, 404);
  EXPECT_EQ(protobuf->reason, "NotFound");
  EXPECT_EQ(protobuf->detailsKind, "pods");
}

}  // namespace
}  // namespace epslice

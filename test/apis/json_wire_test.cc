// Answers of a real API server, and a recording of one through kubectl.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "apis/json.h"

namespace epslice {
namespace {

std::string ReadTestData(const std::string& name) {
  std::ifstream in(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> FullLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// What was read is written and read again, the same.
template <typename T>
void ExpectStable(const AnyObject& object) {
  ASSERT_NE(object.As<T>(), nullptr);
  const T& value = *object.As<T>();
  const std::string json = EncodeJson(value);
  const absl::StatusOr<T> back = DecodeJson<T>(json);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == value) << json;
  EXPECT_EQ(EncodeJson(*back), json);
  // The kept text says the same as the struct.
  ASSERT_NE(object.json(), nullptr);
  const absl::StatusOr<T> kept = DecodeJson<T>(*object.json());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_TRUE(*kept == value) << *object.json();
}

void ExpectStable(const AnyObject& object) {
  switch (object.kind()) {
    case Kind::kNamespace: return ExpectStable<Namespace>(object);
    case Kind::kNode: return ExpectStable<Node>(object);
    case Kind::kPod: return ExpectStable<Pod>(object);
    case Kind::kService: return ExpectStable<Service>(object);
    case Kind::kEndpointSlice: return ExpectStable<EndpointSlice>(object);
    case Kind::kEvent: return ExpectStable<Event>(object);
    case Kind::kLease: return ExpectStable<Lease>(object);
  }
}

TEST(JsonWire, Lists) {
  const struct {
    Kind kind;
    const char* file;
    std::size_t items;
    bool more;
  } kCases[] = {{Kind::kPod, "list-pods", 3, true},
                {Kind::kPod, "list-pods-page2", 3, false},
                {Kind::kNode, "list-nodes", 6, false},
                {Kind::kService, "list-services", 2, false},
                {Kind::kEndpointSlice, "list-endpointslices", 2, false},
                {Kind::kLease, "list-leases", 2, false},
                {Kind::kEvent, "list-events-core", 3, false},
                {Kind::kEvent, "list-events-v1", 3, false}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.file);
    const absl::StatusOr<ObjectList> list =
        DecodeListJson(c.kind, ReadTestData("wire/" + std::string(c.file) + ".body"), true);
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->items.size(), c.items);
    EXPECT_EQ(!list->continueToken.empty(), c.more);
    EXPECT_EQ(list->remainingItemCount > 0, c.more);
    EXPECT_FALSE(list->resourceVersion.empty());
    for (const AnyObject& item : list->items) {
      EXPECT_EQ(item.kind(), c.kind);
      EXPECT_FALSE(item.meta().name.empty());
      ExpectStable(item);
    }
  }
}

TEST(JsonWire, EventsAreTheSameInBothSpellings) {
  const absl::StatusOr<ObjectList> core =
      DecodeListJson(Kind::kEvent, ReadTestData("wire/list-events-core.body"), false);
  const absl::StatusOr<ObjectList> v1 = DecodeListJson(Kind::kEvent, ReadTestData("wire/list-events-v1.body"), false);
  ASSERT_TRUE(core.ok() && v1.ok());
  ASSERT_EQ(core->items.size(), v1->items.size());
  for (std::size_t i = 0; i < core->items.size(); ++i) {
    EXPECT_TRUE(*core->items[i].As<Event>() == *v1->items[i].As<Event>()) << i;
    EXPECT_FALSE(core->items[i].As<Event>()->message.empty());
    EXPECT_FALSE(core->items[i].As<Event>()->involvedObject.name.empty());
    EXPECT_FALSE(core->items[i].As<Event>()->sourceComponent.empty());
  }
}

TEST(JsonWire, SingleObjects) {
  const struct {
    Kind kind;
    const char* file;
    const char* name;
  } kCases[] = {{Kind::kEndpointSlice, "get-endpointslice", "svc-0-tnpxt"},
                {Kind::kEndpointSlice, "update-unconditional", "svc-0-tnpxt"},
                {Kind::kLease, "create-lease", "demo"},
                {Kind::kService, "create-service", "fresh"},
                {Kind::kPod, "delete-pod-graceful", "p-0-0"},
                {Kind::kPod, "delete-pod-now", "p-0-0"},
                {Kind::kNamespace, "delete-namespace", "shop"},
                {Kind::kPod, "patch-strategic", "p-0-1"}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.file);
    const absl::StatusOr<AnyObject> object =
        DecodeObjectJson(c.kind, ReadTestData("wire/" + std::string(c.file) + ".body"), true);
    ASSERT_TRUE(object.ok()) << object.status();
    EXPECT_EQ(object->meta().name, c.name);
    EXPECT_FALSE(object->meta().uid.empty());
    EXPECT_TRUE(object->meta().creationTimestamp.is_set());
    ExpectStable(*object);
  }
}

TEST(JsonWire, EndpointSliceInFull) {
  const absl::StatusOr<EndpointSlice> slice = DecodeJson<EndpointSlice>(ReadTestData("wire/get-endpointslice.body"));
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_EQ(slice->metadata.generation, 3);
  EXPECT_EQ(slice->metadata.labels.Get(kLabelServiceName), "svc-0");
  EXPECT_EQ(slice->metadata.annotations.Get(kAnnotationTriggerTime), "2026-11-22T23:40:57Z");
  ASSERT_EQ(slice->metadata.ownerReferences.size(), 1U);
  EXPECT_EQ(slice->metadata.ownerReferences[0].blockOwnerDeletion, true);
  EXPECT_EQ(slice->addressType, "IPv4");
  ASSERT_EQ(slice->endpoints.size(), 3U);
  const Endpoint& e = slice->endpoints[1];
  EXPECT_EQ(e.addresses, TextList{"10.100.0.2"});
  EXPECT_EQ(e.conditions, (EndpointConditions{true, true, false}));
  EXPECT_EQ(e.nodeName, "node-2");
  EXPECT_EQ(e.zone, "zone-c");
  ASSERT_TRUE(e.targetRef.has_value() && e.hints.has_value());
  EXPECT_EQ(e.targetRef->name, "p-0-2");
  EXPECT_EQ(e.hints->forZones, TextList{"zone-c"});
  ASSERT_EQ(slice->ports.size(), 2U);
  EXPECT_EQ(slice->ports[1], (EndpointPort{"m", "TCP", 9090, std::nullopt}));
}

TEST(JsonWire, WatchAndStreamingList) {
  const struct {
    Kind kind;
    const char* file;
    bool ends_initial_events;
  } kCases[] = {{Kind::kEndpointSlice, "watch-endpointslices", false}, {Kind::kService, "watchlist-services", true}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.file);
    bool ended = false;
    for (const std::string& line : FullLines(ReadTestData("wire/" + std::string(c.file) + ".body"))) {
      const absl::StatusOr<WatchEvent> event = DecodeWatchEventJson(c.kind, line, true);
      ASSERT_TRUE(event.ok()) << event.status();
      if (event->type == WatchEventType::kBookmark) {
        EXPECT_FALSE(event->resourceVersion.empty());
        ended = ended || event->initialEventsEnd;
      } else {
        ExpectStable(event->object);
      }
    }
    EXPECT_EQ(ended, c.ends_initial_events);
  }
}

TEST(JsonWire, Errors) {
  const struct {
    const char* file;
    int code;
    const char* reason;
  } kCases[] = {{"error-400-json", 400, "BadRequest"},
                {"error-400-selector", 400, "BadRequest"},
                {"error-401", 401, "Unauthorized"},
                {"error-403", 403, "Forbidden"},
                {"error-403-terminating", 403, "Forbidden"},
                {"error-404", 404, "NotFound"},
                {"error-405", 405, "MethodNotAllowed"},
                {"error-409-exists", 409, "AlreadyExists"},
                {"error-409-update", 409, "Conflict"},
                {"error-410-continue", 410, "Expired"},
                {"error-415", 415, "UnsupportedMediaType"},
                {"error-422-addresstype", 422, "Invalid"},
                {"error-422-badip", 422, "Invalid"},
                {"error-422-watchlist", 422, "Invalid"},
                {"error-504-future", 504, "Timeout"},
                {"create-event-v1", 422, "Invalid"},
                {"delete-endpointslice", 200, ""}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.file);
    const absl::StatusOr<Status> status = DecodeStatusJson(ReadTestData("wire/" + std::string(c.file) + ".body"));
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->code, c.code);
    EXPECT_EQ(status->reason, c.reason);
    EXPECT_EQ(*DecodeStatusJson(EncodeJson(*status)), *status);
  }
  EXPECT_TRUE(DecodeStatusJson(ReadTestData("wire/error-403-terminating.body"))->HasCause(kCauseNamespaceTerminating));
  EXPECT_FALSE(DecodeStatusJson(ReadTestData("wire/error-404-path.body")).ok());

  const absl::StatusOr<WatchEvent> gone =
      DecodeWatchEventJson(Kind::kPod, ReadTestData("wire/error-410-watch.body"), false);
  ASSERT_TRUE(gone.ok()) << gone.status();
  EXPECT_EQ(gone->type, WatchEventType::kError);
  EXPECT_EQ(gone->status.code, 410);
  EXPECT_EQ(gone->status.reason, "Expired");
}

TEST(JsonWire, KubectlDumpsAndWatch) {
  std::size_t objects = 0;
  DumpVisitor visitor;
  visitor.keep_json = true;
  visitor.object = [&](AnyObject object) {
    ++objects;
    ExpectStable(object);
    return absl::OkStatus();
  };
  visitor.other = [](std::string_view, std::string_view kind) { ADD_FAILURE() << kind; };
  const std::string all =
      ReadTestData("shop/services.json") + ReadTestData("shop/pods.json") + ReadTestData("shop/nodes.json");
  const absl::Status status = VisitDumpJson(all, visitor);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(objects, 8U + 4U + 3U);

  for (const std::string& line : FullLines(ReadTestData("shop/watch-pods.jsonl"))) {
    const absl::StatusOr<WatchEvent> event = DecodeWatchEventJson(Kind::kPod, line, true);
    ASSERT_TRUE(event.ok()) << event.status();
    ExpectStable(event->object);
  }
}

}  // namespace
}  // namespace epslice

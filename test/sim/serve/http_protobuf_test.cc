// The live transport against the API server in memory, in protobuf and, at its
// side, in JSON: the same answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "informers/http/http_transport.h"
#include "informers/informer.h"
#include "sim/serve/protobuf_whole.h"
#include "test/sim/serve/http_fixture.h"

namespace epslice::sim {
namespace {

class HttpProtobufTest : public HttpServerTest {
 protected:
  void StartBoth(HttpServerOptions options = {}) {
    std::signal(SIGPIPE, SIG_IGN);
    Start(std::move(options));
    protobuf_ = Connect("application/vnd.kubernetes.protobuf");
    json_ = Connect("application/json");
  }
  std::unique_ptr<HttpTransport> Connect(const std::string& content_type, HttpTransportOptions options = {}) {
    options.base_url = "http://127.0.0.1:" + std::to_string(http_->port());
    options.content_type = content_type;
    options.qps = 0;
    options.on_fallback = [this](const Status&) { ++fallbacks_; };
    auto transport = HttpTransport::Create(options, &clock_);
    EXPECT_TRUE(transport.ok()) << transport.status();
    return *std::move(transport);
  }

  std::unique_ptr<HttpTransport> protobuf_, json_;
  int fallbacks_ = 0;
};

EndpointSlice Slice(const std::string& name) {
  EndpointSlice slice;
  slice.metadata.name = name;
  slice.metadata.namespace_ = "shop";
  slice.metadata.labels = {{kLabelServiceName, "web"}};
  slice.addressType = "IPv4";
  Endpoint endpoint;
  endpoint.addresses = {"10.0.0.1"};
  endpoint.conditions = {true, true, false};
  endpoint.nodeName = "n1";
  slice.endpoints = {endpoint};
  slice.ports = {{"http", "TCP", 80, std::nullopt}};
  return slice;
}

Request Make(Verb verb, Kind kind, std::string name = "") {
  Request r;
  r.verb = verb;
  r.kind = kind;
  r.namespace_ = "shop";
  r.name = std::move(name);
  return r;
}

Request Write(Verb verb, AnyObject object) {
  Request r = Make(verb, object.kind(), object.meta().name.str());
  r.object = std::move(object);
  return r;
}

// As long as the endpoints of one slice are, the answer to a write is not.
TEST_F(HttpProtobufTest, MetadataOfWhatIsWritten) {
  StartBoth();
  HttpTransportOptions options;
  options.metadata_of_written_suffices = true;
  std::size_t bytes = 0;
  options.observe_bytes = [&](const Request&, std::size_t n) { bytes = n; };
  const std::unique_ptr<HttpTransport> transport = Connect("application/vnd.kubernetes.protobuf", std::move(options));
  EndpointSlice slice = Slice("");
  slice.metadata.generateName = "web-";
  slice.endpoints.resize(100, slice.endpoints[0]);
  for (std::size_t i = 0; i < 100; ++i) slice.endpoints[i].addresses = {Text("10.0.0." + std::to_string(i + 1))};

  const Response created = transport->Do(Write(Verb::kCreate, AnyObject::Of(slice)), nullptr);
  ASSERT_EQ(created.status.code, 201) << created.status.ToString();
  EXPECT_LT(bytes, 500U);
  const auto metadata = created.object.As<EndpointSlice>();
  const auto get = [&] {
    return protobuf_->Do(Make(Verb::kGet, Kind::kEndpointSlice, metadata->metadata.name.str()), nullptr);
  };
  EXPECT_EQ(metadata->metadata, get().object.As<EndpointSlice>()->metadata);
  EXPECT_TRUE(metadata->endpoints.empty());

  slice.metadata = metadata->metadata;
  slice.endpoints.pop_back();
  const Response updated = transport->Do(Write(Verb::kUpdate, AnyObject::Of(slice)), nullptr);
  ASSERT_EQ(updated.status.code, 200) << updated.status.ToString();
  EXPECT_LT(bytes, 500U);
  EXPECT_EQ(updated.object.As<EndpointSlice>()->metadata, get().object.As<EndpointSlice>()->metadata);
  EXPECT_EQ(get().object.As<EndpointSlice>()->endpoints.size(), 99U);
  // What is refused is told as ever.
  EXPECT_EQ(transport->Do(Write(Verb::kUpdate, AnyObject::Of(slice)), nullptr).status.code, 409);

  // Any object, to whoever asks, in JSON, too; lists are whole.
  const std::string kPath = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
  const httplib::Headers accept = {
      {"Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"}};
  const auto json = client_->Get(kPath + "/" + slice.metadata.name.str(), accept);
  ASSERT_TRUE(json && json->status == 200);
  EXPECT_THAT(json->body,
              testing::HasSubstr(R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{)"));
  EXPECT_THAT(json->body, testing::Not(testing::HasSubstr("endpoints\"")));
  EXPECT_THAT(client_->Get(kPath, accept)->body, testing::HasSubstr(R"("kind":"EndpointSliceList")"));
}

TEST_F(HttpProtobufTest, WritesAndTheirRefusals) {
  StartBoth();
  const Response created = protobuf_->Do(Write(Verb::kCreate, AnyObject::Of(Slice("s"))), nullptr);
  EXPECT_EQ(created.status.code, 201) << created.status.ToString();
  ASSERT_TRUE(created.object.has_value());
  const EndpointSlice first = *created.object.As<EndpointSlice>();
  EXPECT_EQ(first.metadata.generation, 1);
  EXPECT_EQ(first.endpoints, Slice("s").endpoints);
  EXPECT_EQ(*json_->Do(Make(Verb::kGet, Kind::kEndpointSlice, "s"), nullptr).object.As<EndpointSlice>(), first);

  EndpointSlice next = first;
  next.endpoints.clear();
  const Response updated = protobuf_->Do(Write(Verb::kUpdate, AnyObject::Of(next)), nullptr);
  ASSERT_EQ(updated.status.code, 200) << updated.status.ToString();
  EXPECT_EQ(updated.object.As<EndpointSlice>()->metadata.generation, 2);
  EXPECT_TRUE(updated.object.As<EndpointSlice>()->endpoints.empty());

  // Stale; there already; not there; invalid: as the same in JSON, word by word.
  EndpointSlice invalid = Slice("bad");
  invalid.addressType = "IPv5";
  Request gone = Make(Verb::kDelete, Kind::kEndpointSlice, "s");
  gone.deletion.preconditionUid = "another";
  const std::vector<std::pair<Request, int>> refused = {
      {Write(Verb::kUpdate, AnyObject::Of(first)), 409},     {Write(Verb::kCreate, AnyObject::Of(Slice("s"))), 409},
      {Make(Verb::kGet, Kind::kEndpointSlice, "none"), 404}, {Write(Verb::kUpdate, AnyObject::Of(Slice("none"))), 404},
      {Write(Verb::kCreate, AnyObject::Of(invalid)), 422},   {gone, 409},
  };
  for (const auto& [request, code] : refused) {
    const Response a = protobuf_->Do(request, nullptr);
    const Response b = json_->Do(request, nullptr);
    EXPECT_EQ(a.status.code, code) << a.status.ToString();
    EXPECT_EQ(a.status, b.status) << a.status.ToString() << "\n" << b.status.ToString();
  }

  Request remove = Make(Verb::kDelete, Kind::kEndpointSlice, "s");
  remove.deletion.preconditionUid = first.metadata.uid.str();
  const Response removed = protobuf_->Do(remove, nullptr);
  EXPECT_EQ(removed.status.code, 200) << removed.status.ToString();
  EXPECT_EQ(removed.status.detailsUid, first.metadata.uid.view());
  EXPECT_EQ(protobuf_->Do(remove, nullptr).status.code, 404);
  EXPECT_EQ(fallbacks_, 0);
}

TEST_F(HttpProtobufTest, EventsAndLeases) {
  StartBoth();
  Event event;
  event.metadata.name = "e";
  event.metadata.namespace_ = "shop";
  event.involvedObject = {"Service", "shop", "web", "u", "v1", "", ""};
  event.reason = "R";
  event.message = "M";
  event.type = "Normal";
  event.count = 1;
  event.sourceComponent = "c";
  event.firstTimestamp = event.lastTimestamp = Timestamp::FromSeconds(1'000'000'000);
  const Response created = protobuf_->Do(Write(Verb::kCreate, AnyObject::Of(event)), nullptr);
  ASSERT_EQ(created.status.code, 201) << created.status.ToString();
  Event stored = *created.object.As<Event>();
  EXPECT_EQ(stored.message, "M");
  EXPECT_EQ(stored.lastTimestamp, event.lastTimestamp);
  EXPECT_EQ(*json_->Do(Make(Verb::kGet, Kind::kEvent, "e"), nullptr).object.As<Event>(), stored);
  // The other spelling, as protobuf.
  const auto v1 = client_->Get("/apis/events.k8s.io/v1/namespaces/shop/events/e",
                               {{"Accept", "application/vnd.kubernetes.protobuf"}});
  ASSERT_TRUE(v1);
  EXPECT_EQ(v1->get_header_value("Content-Type"), "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(*DecodeProtobuf<Event>(v1->body), stored);
  EXPECT_NE(v1->body.find("events.k8s.io/v1"), std::string::npos);
  const auto list = client_->Get("/apis/events.k8s.io/v1/events", {{"Accept", "application/vnd.kubernetes.protobuf"}});
  ASSERT_TRUE(list);
  const absl::StatusOr<ObjectList> events = DecodeListProtobuf(Kind::kEvent, list->body);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->items.size(), 1U);
  EXPECT_EQ(*events->items[0].As<Event>(), stored);
  event.metadata.name = "e2";
  Request write = Write(Verb::kCreate, AnyObject::Of(event));
  write.eventsV1 = true;
  const Response second = protobuf_->Do(write, nullptr);
  ASSERT_EQ(second.status.code, 201) << second.status.ToString();
  EXPECT_EQ(second.object.As<Event>()->message, "M");
  EXPECT_EQ(*json_->Do(Make(Verb::kGet, Kind::kEvent, "e2"), nullptr).object.As<Event>(), *second.object.As<Event>());

  Lease lease;
  lease.metadata.name = "l";
  lease.metadata.namespace_ = "shop";
  lease.holderIdentity = "me";
  lease.leaseDurationSeconds = 15;
  lease.renewTime = Timestamp{1'000'000'000'123'456'000};
  const Response held = protobuf_->Do(Write(Verb::kCreate, AnyObject::Of(lease)), nullptr);
  ASSERT_EQ(held.status.code, 201) << held.status.ToString();
  EXPECT_EQ(held.object.As<Lease>()->renewTime, lease.renewTime);
  EXPECT_EQ(*json_->Do(Make(Verb::kGet, Kind::kLease, "l"), nullptr).object.As<Lease>(), *held.object.As<Lease>());
  EXPECT_EQ(fallbacks_, 0);
}

TEST_F(HttpProtobufTest, ListsInPages) {
  StartBoth();
  for (int i = 0; i < 7; ++i) CreatePod("p" + std::to_string(i));
  Request list = Make(Verb::kList, Kind::kPod);
  list.list.limit = 3;
  std::size_t pods = 0;
  std::size_t pages = 0;
  do {
    const Response a = protobuf_->Do(list, nullptr);
    const Response b = json_->Do(list, nullptr);
    ASSERT_TRUE(a.status.ok() && b.status.ok()) << a.status.ToString();
    EXPECT_EQ(a.list.resourceVersion, b.list.resourceVersion);
    EXPECT_EQ(a.list.remainingItemCount, b.list.remainingItemCount);
    ASSERT_EQ(a.list.items.size(), b.list.items.size());
    for (std::size_t i = 0; i < a.list.items.size(); ++i) {
      EXPECT_TRUE(*a.list.items[i].As<Pod>() == *b.list.items[i].As<Pod>()) << i;
    }
    pods += a.list.items.size();
    ++pages;
    list.list.continueToken = a.list.continueToken;
  } while (!list.list.continueToken.empty());
  EXPECT_EQ(pods, 7U);
  EXPECT_EQ(pages, 3U);
}

TEST_F(HttpProtobufTest, WatchesWithInitialEventsAndBookmarks) {
  StartBoth();
  CreatePod("a");
  Request watch = Make(Verb::kWatch, Kind::kPod);
  watch.list.sendInitialEvents = true;
  watch.list.resourceVersionMatch = "NotOlderThan";
  watch.list.allowWatchBookmarks = true;
  watch.list.timeoutSeconds = 60;
  std::string seen;
  const Status end = protobuf_->Watch(watch, nullptr, [&](const WatchEvent& e) {
    seen += std::string(WatchEventTypeName(e.type)) + ":";
    if (e.object.has_value()) seen += e.object.meta().name.str();
    if (e.initialEventsEnd) {
      seen += "end";
      CreatePod("b");
    }
    seen += " ";
    return !e.object.has_value() || e.object.meta().name != "b";
  });
  EXPECT_TRUE(end.ok()) << end.ToString();
  EXPECT_EQ(seen, "ADDED:a BOOKMARK:end ADDED:b ");
  const auto raw = client_->Get("/api/v1/pods?watch=true&timeoutSeconds=1&resourceVersion=0",
                                {{"Accept", "application/vnd.kubernetes.protobuf;stream=watch"}});
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->get_header_value("Content-Type"), "application/vnd.kubernetes.protobuf;stream=watch");
}

// An informer whose list is the beginning of its watch: one request.
TEST_F(HttpProtobufTest, ListsAsStreams) {
  std::mutex mu;
  std::vector<std::string> targets;
  HttpServerOptions server_options;
  server_options.access_log = [&](const AccessRecord& record) {
    std::lock_guard<std::mutex> lock(mu);
    if (record.target.rfind("/api/v1/pods", 0) == 0) targets.push_back(record.target);
  };
  StartBoth(server_options);
  for (int i = 0; i < 600; ++i) CreatePod("p" + std::to_string(i));
  Request remove = Make(Verb::kDelete, Kind::kPod, "p7");
  remove.deletion.gracePeriodSeconds = 0;
  for (HttpTransport* transport : {protobuf_.get(), json_.get()}) {
    const std::uint64_t version = memory_->resource_version();
    WatcherOptions options;
    options.stream_lists = true;
    Informer<Pod> informer(options);
    const Watcher::Action action = informer.watcher().Next(clock_.Now());
    ASSERT_EQ(action.kind, Watcher::Action::Kind::kWatch);
    bool ended = false;
    const Status end = transport->Watch(action.request, nullptr, [&](const WatchEvent& e) {
      WatchUpdate update;
      EXPECT_TRUE(informer.watcher().OnEvent(e, clock_.Now(), &update));
      informer.Apply(update);
      if (!e.initialEventsEnd) return !ended;
      ended = true;
      EXPECT_EQ(informer.store().size(), 600U);
      EXPECT_EQ(informer.watcher().resource_version(), std::to_string(version));
      EXPECT_EQ(memory_->Handle(remove).status.code, 200);
      return true;
    });
    EXPECT_TRUE(end.ok()) << end.ToString();
    EXPECT_EQ(informer.store().size(), 599U);
    CreatePod("p7");
  }
  std::lock_guard<std::mutex> lock(mu);
  ASSERT_EQ(targets.size(), 2U);
  for (const std::string& target : targets) {
    EXPECT_EQ(target.rfind("/api/v1/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true", 0), 0U) << target;
  }
}

TEST_F(HttpProtobufTest, TooOldToWatch) {
  StartBoth();
  CreatePod("a");
  memory_->CompactHistory();
  Request watch = Make(Verb::kWatch, Kind::kPod);
  watch.list.resourceVersion = "1";
  std::vector<Status> errors;
  const auto collect = [&errors](const WatchEvent& e) {
    if (e.type == WatchEventType::kError) errors.push_back(e.status);
    return true;
  };
  EXPECT_TRUE(protobuf_->Watch(watch, nullptr, collect).ok());
  EXPECT_TRUE(json_->Watch(watch, nullptr, collect).ok());
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].code, 410);
  EXPECT_EQ(errors[0], errors[1]);
  // Refused before it begins.
  watch.list.resourceVersion = "x";
  const Status refused = protobuf_->Watch(watch, nullptr, collect);
  EXPECT_EQ(refused.code, 400);
  EXPECT_EQ(refused, json_->Watch(watch, nullptr, collect));
}

// A pod and a node of a real cluster, sent in protobuf, are what they would be
// sent in JSON.
TEST_F(HttpProtobufTest, TakesPodsAndNodes) {
  StartBoth();
  struct Sample {
    std::string resource, kind, path;
  };
  for (const Sample& sample :
       {Sample{"pods", "Pod", "/api/v1/namespaces/shop/pods"}, {"nodes", "Node", "/api/v1/nodes"}}) {
    const std::string& path = sample.path;
    std::ifstream file(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/wire/list-" + sample.resource + ".body");
    Json object = Json::parse(file)["items"][0];
    object["apiVersion"] = "v1";
    object["kind"] = sample.kind;
    for (const char* field : {"uid", "resourceVersion", "creationTimestamp", "namespace", "ownerReferences"}) {
      object["metadata"].erase(field);
    }
    const auto send = [&](const std::string& name, const char* type) {
      object["metadata"]["name"] = name;
      std::string body = object.dump();
      if (type != std::string(kJson)) {
        const Kind of = sample.kind == "Pod" ? Kind::kPod : Kind::kNode;
        const auto decoded = DecodeObjectJson(of, body, /*keep_json=*/true);
        EXPECT_TRUE(decoded.ok()) << decoded.status();
        body.clear();
        AppendWholeProtobuf(*decoded, &body);
      }
      const auto answer = client_->Post(path, body, type);
      EXPECT_TRUE(answer && answer->status == 201) << (answer ? answer->body : "no answer");
      Json got = Json::parse(client_->Get(path + "/" + name)->body);
      for (const char* field : {"uid", "resourceVersion", "creationTimestamp", "name"}) got["metadata"].erase(field);
      // Of what is empty JSON says more than protobuf.
      for (Json& condition : got["status"]["conditions"]) condition.erase("lastProbeTime");
      return got;
    };
    const Json as_json = send("j", kJson);
    const Json as_protobuf = send("p", "application/vnd.kubernetes.protobuf");
    EXPECT_EQ(as_protobuf["spec"], as_json["spec"]);
    EXPECT_EQ(as_protobuf["metadata"], as_json["metadata"]);
    EXPECT_EQ(as_protobuf["status"]["conditions"], as_json["status"]["conditions"]);
    EXPECT_FALSE(as_json["spec"].empty());
  }
}

TEST_F(HttpProtobufTest, JsonOnly) {
  HttpServerOptions options;
  options.protobuf = false;
  StartBoth(options);
  CreatePod("a");
  const auto pods = client_->Get(kPods, {{"Accept", "application/vnd.kubernetes.protobuf,application/json"}});
  ASSERT_TRUE(pods);
  EXPECT_EQ(pods->get_header_value("Content-Type"), "application/json");
  // Who takes no JSON gets nothing; our transport always does.
  const auto none = client_->Get(kPods, {{"Accept", "application/vnd.kubernetes.protobuf"}});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->status, 406);
  EXPECT_EQ(protobuf_->Do(Make(Verb::kList, Kind::kPod), nullptr).list.items.size(), 1U);
  EXPECT_EQ(protobuf_->Do(Write(Verb::kCreate, AnyObject::Of(Slice("s"))), nullptr).status.code, 201);
  EXPECT_EQ(fallbacks_, 0);
}

}  // namespace
}  // namespace epslice::sim

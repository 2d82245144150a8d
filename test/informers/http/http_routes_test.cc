#include "informers/http/http_routes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"

namespace epslice {
namespace {

Request Make(Verb verb, Kind kind, std::string ns = "", std::string name = "", std::string subresource = "") {
  Request r;
  r.verb = verb;
  r.kind = kind;
  r.namespace_ = std::move(ns);
  r.name = std::move(name);
  r.subresource = std::move(subresource);
  return r;
}

AnyObject MakeSlice(std::string_view ns, std::string_view name) {
  EndpointSlice slice;
  slice.metadata.namespace_ = ns;
  slice.metadata.name = name;
  slice.addressType = "IPv4";
  return AnyObject::Of(std::move(slice));
}

std::string Line(const absl::StatusOr<HttpRequest>& http) {
  return http.ok() ? http->method + " " + http->target : "error";
}

TEST(HttpRoutes, Paths) {
  Request create = Make(Verb::kCreate, Kind::kEndpointSlice);
  create.object = MakeSlice("shop", "");
  Request update = Make(Verb::kUpdate, Kind::kEndpointSlice);
  update.object = MakeSlice("shop", "a-x1");
  Request eviction = Make(Verb::kCreate, Kind::kPod, "shop", "p", "eviction");
  eviction.object = AnyObject::Of(Pod());
  const struct {
    Request request;
    const char* want;
  } kCases[] = {
      {Make(Verb::kGet, Kind::kService, "shop", "web"), "GET /api/v1/namespaces/shop/services/web"},
      {Make(Verb::kGet, Kind::kNode, "", "n1"), "GET /api/v1/nodes/n1"},
      {Make(Verb::kGet, Kind::kNamespace, "", "shop"), "GET /api/v1/namespaces/shop"},
      {Make(Verb::kGet, Kind::kLease, "kube-system", "l"),
       "GET /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l"},
      {Make(Verb::kList, Kind::kPod), "GET /api/v1/pods"},
      {Make(Verb::kList, Kind::kPod, "shop"), "GET /api/v1/namespaces/shop/pods"},
      {Make(Verb::kWatch, Kind::kEndpointSlice), "GET /apis/discovery.k8s.io/v1/endpointslices?watch=true"},
      {create, "POST /apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"},
      {update, "PUT /apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/a-x1"},
      {eviction, "POST /api/v1/namespaces/shop/pods/p/eviction"},
      {Make(Verb::kPatch, Kind::kNode, "", "n1", "status"), "PATCH /api/v1/nodes/n1/status"},
      {Make(Verb::kDelete, Kind::kPod, "shop", "p"), "DELETE /api/v1/namespaces/shop/pods/p"},
      // What would change the path is encoded or refused.
      {Make(Verb::kGet, Kind::kPod, "shop", "a/b?c#d%e f"), "GET /api/v1/namespaces/shop/pods/a%2Fb%3Fc%23d%25e%20f"},
      {Make(Verb::kGet, Kind::kPod, "shop", ".."), "error"},
      {Make(Verb::kGet, Kind::kPod, "..", "p"), "error"},
      {Make(Verb::kGet, Kind::kPod, "shop", "p", "."), "error"},
      {Make(Verb::kGet, Kind::kPod, "shop"), "error"},
      {Make(Verb::kGet, Kind::kPod, "", "p"), "error"},
      {Make(Verb::kDelete, Kind::kNode, "shop", "n"), "error"},
      {Make(Verb::kList, Kind::kPod, "shop", "", "status"), "error"},
      {Make(Verb::kCreate, Kind::kPod, "shop"), "error"},
      {Make(Verb::kUpdate, Kind::kPod, "shop", "p"), "error"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Line(ToHttpRequest(c.request)), c.want) << DescribeRequest(c.request);
  EXPECT_EQ(Line(ToHttpRequest(kCases[1].request, "/k8s/clusters/c-1")), "GET /k8s/clusters/c-1/api/v1/nodes/n1");
}

TEST(HttpRoutes, Queries) {
  Request list = Make(Verb::kList, Kind::kPod);
  list.list.limit = 500;
  list.list.resourceVersion = "0";
  list.list.labelSelector = "a=b,c in (d,e)";
  list.list.fieldSelector = "spec.nodeName!=x";
  EXPECT_EQ(Line(ToHttpRequest(list)),
            "GET /api/v1/pods?limit=500&resourceVersion=0&labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29"
            "&fieldSelector=spec.nodeName%21%3Dx");
  list.list = {};
  list.list.limit = 500;
  list.list.continueToken = "eyJ2+/==&x";
  EXPECT_EQ(Line(ToHttpRequest(list)), "GET /api/v1/pods?limit=500&continue=eyJ2%2B%2F%3D%3D%26x");

  Request watch = Make(Verb::kWatch, Kind::kPod);
  watch.list.resourceVersion = "77";
  watch.list.allowWatchBookmarks = true;
  watch.list.timeoutSeconds = 301;
  watch.list.limit = 500;  // has no meaning for a watch
  EXPECT_EQ(Line(ToHttpRequest(watch)),
            "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds=301&resourceVersion=77");
  watch.list = {};
  watch.list.sendInitialEvents = true;
  watch.list.resourceVersionMatch = "NotOlderThan";
  EXPECT_EQ(Line(ToHttpRequest(watch)),
            "GET /api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
}

TEST(HttpRoutes, Bodies) {
  Request update = Make(Verb::kUpdate, Kind::kEndpointSlice);
  update.object = MakeSlice("shop", "a");
  auto http = ToHttpRequest(update);
  ASSERT_TRUE(http.ok());
  EXPECT_EQ(http->content_type, "application/json");
  auto back = DecodeJson<EndpointSlice>(http->body);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, *update.object.As<EndpointSlice>());

  const struct {
    PatchType type;
    const char* want;
  } kPatches[] = {{PatchType::kMerge, "application/merge-patch+json"},
                  {PatchType::kStrategicMerge, "application/strategic-merge-patch+json"},
                  {PatchType::kJson, "application/json-patch+json"}};
  for (const auto& p : kPatches) {
    Request patch = Make(Verb::kPatch, Kind::kPod, "shop", "p");
    patch.patchType = p.type;
    patch.patch = "{}";
    http = ToHttpRequest(patch);
    ASSERT_TRUE(http.ok());
    EXPECT_EQ(http->content_type, p.want);
    EXPECT_EQ(http->body, "{}");
  }

  Request del = Make(Verb::kDelete, Kind::kPod, "shop", "p");
  EXPECT_EQ(ToHttpRequest(del)->body, "");
  del.deletion.gracePeriodSeconds = 0;
  del.deletion.preconditionUid = "u\"1";
  del.deletion.preconditionResourceVersion = "5";
  del.deletion.propagationPolicy = "Background";
  EXPECT_EQ(ToHttpRequest(del)->body,
            R"({"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,)"
            R"("preconditions":{"uid":"u\"1","resourceVersion":"5"},"propagationPolicy":"Background"})");
}

TEST(HttpRoutes, DryRuns) {
  Request update = Make(Verb::kUpdate, Kind::kEndpointSlice);
  update.object = MakeSlice("shop", "a");
  update.dryRun = true;
  EXPECT_EQ(Line(ToHttpRequest(update)), "PUT /apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/a?dryRun=All");
  Request patch = Make(Verb::kPatch, Kind::kPod, "shop", "p");
  patch.patch = "{}";
  patch.dryRun = true;
  EXPECT_EQ(Line(ToHttpRequest(patch)), "PATCH /api/v1/namespaces/shop/pods/p?dryRun=All");
  // The server looks at the options of the body alone.
  Request del = Make(Verb::kDelete, Kind::kPod, "shop", "p");
  del.dryRun = true;
  for (const WireFormat format : {WireFormat::kJson, WireFormat::kProtobuf}) {
    const auto http = ToHttpRequest(del, "", format);
    EXPECT_EQ(http->target, "/api/v1/namespaces/shop/pods/p");
    EXPECT_EQ(http->body, R"({"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]})");
    EXPECT_EQ(http->content_type, "application/json");
  }
}

TEST(HttpRoutes, WhatIsSentAsProtobuf) {
  const auto type = [](const Request& request) {
    const absl::StatusOr<HttpRequest> http = ToHttpRequest(request, "", WireFormat::kProtobuf);
    EXPECT_TRUE(http.ok()) << http.status();
    EXPECT_EQ(IsProtobuf(http->body), http->content_type == kProtobufMediaType);
    return http->content_type;
  };
  Request update = Make(Verb::kUpdate, Kind::kEndpointSlice);
  update.object = MakeSlice("shop", "a");
  EXPECT_EQ(type(update), kProtobufMediaType);
  EXPECT_EQ(*DecodeProtobuf<EndpointSlice>(ToHttpRequest(update, "", WireFormat::kProtobuf)->body),
            *update.object.As<EndpointSlice>());
  Request status = update;
  status.subresource = "status";
  EXPECT_EQ(type(status), "application/json");
  // An object that is there whole is sent whole.
  Request whole = update;
  whole.object = *DecodeObjectJson(Kind::kEndpointSlice, ToHttpRequest(update)->body, true);
  EXPECT_EQ(type(whole), "application/json");
  Pod pod;
  pod.metadata.name = "p";
  pod.metadata.namespace_ = "shop";
  Request create = Make(Verb::kCreate, Kind::kPod, "shop");
  create.object = AnyObject::Of(pod);
  EXPECT_EQ(type(create), "application/json");
  Request patch = Make(Verb::kPatch, Kind::kService, "shop", "s");
  patch.patch = "{}";
  EXPECT_EQ(type(patch), "application/merge-patch+json");
  Request remove = Make(Verb::kDelete, Kind::kPod, "shop", "p");
  EXPECT_EQ(type(remove), "");
  remove.deletion.gracePeriodSeconds = 0;
  EXPECT_EQ(type(remove), kProtobufMediaType);
}

TEST(HttpRoutes, MediaTypes) {
  EXPECT_EQ(FormatOf(""), WireFormat::kJson);
  EXPECT_EQ(FormatOf("application/json"), WireFormat::kJson);
  EXPECT_EQ(FormatOf("application/vnd.kubernetes.protobuf+x"), WireFormat::kJson);
  EXPECT_EQ(FormatOf("application/vnd.kubernetes.protobuf"), WireFormat::kProtobuf);
  EXPECT_EQ(FormatOf("Application/Vnd.kubernetes.protobuf ;stream=watch"), WireFormat::kProtobuf);
  EXPECT_EQ(AcceptHeader(Verb::kWatch, WireFormat::kJson), "application/json");
  EXPECT_EQ(AcceptHeader(Verb::kUpdate, WireFormat::kJson, true), "application/json");
  EXPECT_EQ(AcceptHeader(Verb::kGet, WireFormat::kProtobuf, true),
            "application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(AcceptHeader(Verb::kUpdate, WireFormat::kProtobuf, true),
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
            "application/vnd.kubernetes.protobuf,application/json");
}

TEST(HttpRoutes, AnswersInProtobuf) {
  const AnyObject slice = MakeSlice("shop", "a");
  const std::string type(kProtobufMediaType);
  const Request get = Make(Verb::kGet, Kind::kEndpointSlice, "shop", "a");
  Response r = FromHttpReply(get, {200, EncodeProtobuf(slice), "", type}, /*keep_json=*/true);
  ASSERT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_EQ(*r.object.As<EndpointSlice>(), *slice.As<EndpointSlice>());
  EXPECT_EQ(r.object.json(), nullptr);
  ObjectList list;
  list.resourceVersion = "9";
  list.items = {slice};
  r = FromHttpReply(Make(Verb::kList, Kind::kEndpointSlice),
                    {200, EncodeListProtobuf(Kind::kEndpointSlice, list), "", type});
  EXPECT_EQ(r.list.resourceVersion, "9");
  EXPECT_EQ(r.list.items.size(), 1U);
  // A delete answers with the object or with a Status.
  const Request remove = Make(Verb::kDelete, Kind::kEndpointSlice, "shop", "a");
  EXPECT_TRUE(FromHttpReply(remove, {200, EncodeProtobuf(slice), "", type}).object.has_value());
  Status done;
  done.detailsUid = "u";
  r = FromHttpReply(remove, {200, EncodeProtobuf(done), "", type});
  EXPECT_TRUE(r.status.ok());
  EXPECT_EQ(r.status.detailsUid, "u");
  r = FromHttpReply(get, {409, EncodeProtobuf(StatusConflict(Kind::kEndpointSlice, "a", "why")), "7", type});
  EXPECT_EQ(r.status.code, 409);
  EXPECT_EQ(r.status.reason, "Conflict");
  EXPECT_EQ(r.status.retryAfterSeconds, 7);
}

TEST(HttpRoutes, AnswersWithObjects) {
  const AnyObject slice = MakeSlice("shop", "a");
  std::string json;
  AppendJson(slice, &json);
  const Request get = Make(Verb::kGet, Kind::kEndpointSlice, "shop", "a");
  Response r = FromHttpReply(get, {200, json, ""});
  EXPECT_TRUE(r.status.ok());
  ASSERT_NE(r.object.As<EndpointSlice>(), nullptr);
  EXPECT_EQ(*r.object.As<EndpointSlice>(), *slice.As<EndpointSlice>());
  EXPECT_EQ(r.object.json(), nullptr);
  EXPECT_NE(FromHttpReply(get, {200, json, ""}, /*keep_json=*/true).object.json(), nullptr);

  r = FromHttpReply(Make(Verb::kCreate, Kind::kEndpointSlice, "shop"), {201, json, ""});
  EXPECT_EQ(r.status.code, 201);
  EXPECT_TRUE(r.object.has_value());

  ObjectList list;
  list.resourceVersion = "9";
  list.continueToken = "t";
  list.items = {slice};
  r = FromHttpReply(Make(Verb::kList, Kind::kEndpointSlice), {200, EncodeListJson(Kind::kEndpointSlice, list), ""});
  EXPECT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_EQ(r.list.resourceVersion, "9");
  EXPECT_EQ(r.list.continueToken, "t");
  EXPECT_EQ(r.list.items.size(), 1u);
}

TEST(HttpRoutes, ADeleteAnswersWithTheObjectOrAStatus) {
  const Request del = Make(Verb::kDelete, Kind::kEndpointSlice, "shop", "a");
  Response r = FromHttpReply(del, {200, R"({"kind":"Status","apiVersion":"v1","status":"Success"})", ""});
  EXPECT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_FALSE(r.object.has_value());
  std::string json;
  AppendJson(MakeSlice("shop", "a"), &json);
  r = FromHttpReply(del, {202, json, ""});
  EXPECT_EQ(r.status.code, 202);
  EXPECT_TRUE(r.object.has_value());
}

TEST(HttpRoutes, AnswersThatMakeNoSenseHaveNoOutcome) {
  const char* kBodies[] = {"", "<html>hello</html>", "{", R"({"kind":"Pod","apiVersion":"v1"})", "[]"};
  for (const char* body : kBodies) {
    for (const Verb verb : {Verb::kGet, Verb::kList, Verb::kUpdate, Verb::kDelete}) {
      const Response r = FromHttpReply(Make(verb, Kind::kService, "a", "b"), {200, body, ""});
      EXPECT_EQ(r.status.code, 0) << body;
      EXPECT_EQ(r.status.reason, "InvalidResponse") << body;
      EXPECT_FALSE(r.status.message.empty()) << body;
    }
  }
}

TEST(HttpRoutes, Errors) {
  const std::string gone =
      R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"Expired","code":410})";
  const struct {
    HttpReply reply;
    const char* reason;
    const char* message;
    std::int64_t retry_after;
  } kCases[] = {
      {{410, gone, ""}, "Expired", "too old", 0},
      {{503, gone, "7"}, "Expired", "too old", 7},
      {{429, R"({"kind":"Status","message":"m","details":{"retryAfterSeconds":3}})", ""}, "TooManyRequests", "m", 3},
      {{429, R"({"kind":"Status","message":"m","details":{"retryAfterSeconds":3}})", "5"}, "TooManyRequests", "m", 5},
      {{502, "<html>", ""}, "Unknown", "\"<html>\"", 0},
      {{404, "404 page not found\n", ""}, "NotFound", "\"404 page not found?\"", 0},
      {{500, "{\"kind\":\"Pod\"}", "soon"}, "InternalError", "\"{?kind?:?Pod?}\"", 0},
      {{503, "", "99999999999999999999"}, "ServiceUnavailable", "\"\"", 0},
      {{503, "", "-4"}, "ServiceUnavailable", "\"\"", 0},
      {{302, "", ""}, "Unknown", "\"\"", 0},
  };
  for (const auto& c : kCases) {
    const Status s = FromHttpReply(Make(Verb::kGet, Kind::kPod, "a", "b"), c.reply).status;
    EXPECT_EQ(s.code, c.reply.status);
    EXPECT_FALSE(s.ok());
    EXPECT_EQ(s.reason, c.reason) << c.reply.body;
    if (c.reply.body.find("Pod") == std::string::npos) {
      EXPECT_EQ(s.message, c.message);
    }
    EXPECT_EQ(s.retryAfterSeconds, c.retry_after) << c.reply.body;
  }
}

TEST(HttpRoutes, Urls) {
  const struct {
    const char* url;
    const char* want;
  } kCases[] = {
      {"http://127.0.0.1:8001", "127.0.0.1 8001 "},
      {"http://localhost", "localhost 80 "},
      {"http://localhost/", "localhost 80 "},
      {"http://a.b:80/k8s/x/", "a.b 80 /k8s/x"},
      {"http://[::1]:6443/p", "::1 6443 /p"},
      {"http://[::1]", "::1 80 "},
      {"https://a:1/x/", "a 1 /x tls"},
      {"https://[::1]", "::1 443  tls"},
      {"HTTPS://a", "a 443  tls"},
      {"https://[fe80::1%25eth0]:6443/p", "fe80::1%eth0 6443 /p tls"},
      {"https://[fe80::1%25en%2D1.5]", "fe80::1%en-1.5 443  tls"},
      {"https://[fe80::1%eth0]", "error"},
      {"https://[fe80::1%25]", "error"},
      {"https://[fe80::1%25a%2Fb]", "error"},
      {"https://[fe80::1%25a%2]", "error"},
      {"https://[fe80::1%25a%zz]", "error"},
      {"https://a%25b", "error"},
      {"Http://a", "a 80 "},
      {"httpss://a", "error"},
      {"a:1", "error"},
      {"http://", "error"},
      {"http://:80", "error"},
      {"http://a:", "error"},
      {"http://a:0", "error"},
      {"http://a:65536", "error"},
      {"http://a:8x", "error"},
      {"http://a:-1", "error"},
      {"http://u@a", "error"},
      {"http://a/?q", "error"},
      {"http://a b", "error"},
      {"http://a\r\nX: y", "error"},
      {"http://[::1", "error"},
      {"http://[::1]x", "error"},
      {"http://[::1]:", "error"},
  };
  for (const auto& c : kCases) {
    const auto e = ParseHttpUrl(c.url);
    EXPECT_EQ(e.ok() ? e->host + " " + std::to_string(e->port) + " " + e->prefix + (e->tls ? " tls" : "") : "error",
              c.want)
        << c.url;
  }
}

TEST(HttpRoutes, EventsHaveTwoGroups) {
  Event event;
  event.metadata.namespace_ = "shop";
  event.metadata.name = "e";
  event.message = "hello";
  Request create = Make(Verb::kCreate, Kind::kEvent);
  create.object = AnyObject::Of(event);
  EXPECT_EQ(Line(ToHttpRequest(create)), "POST /api/v1/namespaces/shop/events");
  create.eventsV1 = true;
  const auto http = ToHttpRequest(create);
  EXPECT_EQ(Line(http), "POST /apis/events.k8s.io/v1/namespaces/shop/events");
  EXPECT_EQ(http->body, EncodeEventsV1Json(event));
  const auto protobuf = ToHttpRequest(create, "", WireFormat::kProtobuf);
  EXPECT_EQ(Line(protobuf), Line(http));
  EXPECT_EQ(protobuf->content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(protobuf->body, EncodeEventsV1Protobuf(event));
  Request patch = Make(Verb::kPatch, Kind::kEvent, "shop", "e");
  patch.eventsV1 = true;
  EXPECT_EQ(Line(ToHttpRequest(patch)), "PATCH /apis/events.k8s.io/v1/namespaces/shop/events/e");
  // Of other kinds it means nothing.
  Request get = Make(Verb::kGet, Kind::kPod, "shop", "p");
  get.eventsV1 = true;
  EXPECT_EQ(Line(ToHttpRequest(get)), "GET /api/v1/namespaces/shop/pods/p");
}

TEST(HttpRoutes, ErrorsDoNotHoldThePasswordOfAnUrl) {
  const absl::Status status = ParseHttpUrl("https://user:s3cret@host").status();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(std::string(status.message()).find("s3cret"), std::string::npos) << status;
}

TEST(HttpRoutes, PercentEncodesEveryByteThatIsNotUnreserved) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode(std::string_view("\0\n\xff/", 4)), "%00%0A%FF%2F");
}

}  // namespace
}  // namespace epslice

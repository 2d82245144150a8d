// HttpTransport speaking protobuf, to servers that do, that do not, and that
// pretend to.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "apis/protobuf.h"
#include "gzip.h"
#include "informers/http/http_transport.h"
#include "raw_server.h"
#include "transport_test_util.h"

namespace epslice {
namespace {

HttpTransportOptions Protobuf() {
  HttpTransportOptions options;
  options.content_type = "application/vnd.kubernetes.protobuf";
  return options;
}

std::string Answer(int code, std::string_view type, std::string_view body, std::string_view headers = "") {
  return "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" +
         std::string(body);
}

bool Has(const std::string& request, std::string_view header) {
  return request.find("\r\n" + std::string(header) + "\r\n") != std::string::npos;
}

Request ListNodes() {
  Request r;
  r.verb = Verb::kList;
  r.kind = Kind::kNode;
  return r;
}

Request UpdateLease() {
  Lease lease;
  lease.metadata.name = "l";
  lease.metadata.namespace_ = "kube-system";
  lease.holderIdentity = "me";
  Request r;
  r.verb = Verb::kUpdate;
  r.kind = Kind::kLease;
  r.object = AnyObject::Of(lease);
  return r;
}

ObjectList TwoNodes() {
  ObjectList list;
  list.resourceVersion = "7";
  list.items = {MakeNode("a", "1"), MakeNode("b", "2")};
  return list;
}

TEST(HttpTransportProtobuf, RefusesOtherContentTypes) {
  HttpTransportOptions options = Protobuf();
  options.base_url = "http://127.0.0.1:1";
  EXPECT_TRUE(HttpTransport::Create(options, &Real()).ok());
  options.content_type = "application/yaml";
  EXPECT_FALSE(HttpTransport::Create(options, &Real()).ok());
}

TEST(HttpTransportProtobuf, AsksForItAndSendsIt) {
  std::mutex mu;
  std::vector<std::string> requests;
  RawServer server([&](RawConnection& c, int) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      const bool list = request.find("/nodes ") != std::string::npos;
      {
        std::lock_guard<std::mutex> lock(mu);
        requests.push_back(std::move(request));
      }
      // Compressed, as a long list would be.
      if (list) {
        const std::string body = Gzip(EncodeListProtobuf(Kind::kNode, TwoNodes()));
        c.Send(Answer(200, kProtobufMediaType, body, "Content-Encoding: gzip\r\n"));
      } else {
        c.Send(Answer(200, kProtobufMediaType, EncodeProtobuf(UpdateLease().object)));
      }
    }
  });
  HttpTransportOptions options = Protobuf();
  std::vector<std::size_t> bytes;
  options.observe_bytes = [&bytes](const Request&, std::size_t n) { bytes.push_back(n); };
  auto transport = Connect(server.url(), options);
  const Response list = transport->Do(ListNodes(), nullptr);
  EXPECT_EQ(bytes, std::vector<std::size_t>{EncodeListProtobuf(Kind::kNode, TwoNodes()).size()}) << "decompressed";
  EXPECT_TRUE(list.status.ok()) << list.status.ToString();
  EXPECT_EQ(list.list.resourceVersion, "7");
  ASSERT_EQ(list.list.items.size(), 2U);
  EXPECT_EQ(list.list.items[1].meta().name, "b");
  const Response update = transport->Do(UpdateLease(), nullptr);
  ASSERT_TRUE(update.status.ok()) << update.status.ToString();
  EXPECT_EQ(update.object.As<Lease>()->holderIdentity, "me");
  Request patch = UpdateLease();
  patch.verb = Verb::kPatch;
  patch.patch = "{}";
  EXPECT_TRUE(transport->Do(patch, nullptr).status.ok());

  std::lock_guard<std::mutex> lock(mu);
  ASSERT_EQ(requests.size(), 3U);
  for (const std::string& r : requests) {
    EXPECT_TRUE(Has(r, "Accept: application/vnd.kubernetes.protobuf,application/json")) << r;
  }
  EXPECT_TRUE(Has(requests[0], "Accept-Encoding: gzip")) << requests[0];
  EXPECT_TRUE(Has(requests[1], "Content-Type: application/vnd.kubernetes.protobuf")) << requests[1];
  const std::string body = requests[1].substr(requests[1].find("\r\n\r\n") + 4);
  EXPECT_EQ(DecodeProtobuf<Lease>(body)->holderIdentity, "me");
  EXPECT_TRUE(Has(requests[2], "Content-Type: application/merge-patch+json")) << requests[2];
}

TEST(HttpTransportProtobuf, AnswersAreReadAsTheySayTheyAre) {
  const std::string node = EncodeProtobuf(MakeNode("a", "1"));
  Status gone = StatusExpired("too old");
  const struct {
    const char* name;
    std::string answer;
    int code;
    const char* reason;
  } kCases[] = {
      {"protobuf", Answer(200, "application/vnd.kubernetes.protobuf", node), 200, ""},
      {"with a parameter", Answer(200, "Application/vnd.Kubernetes.protobuf ; x=y", node), 200, ""},
      {"JSON", Answer(200, "application/json", NodeJson("a", "1")), 200, ""},
      {"a Status", Answer(410, kProtobufMediaType, EncodeProtobuf(gone)), 410, "Expired"},
      {"a Status in JSON", Answer(404, "application/json", StatusJson(404, "NotFound")), 404, "NotFound"},
      {"JSON that says it is protobuf", Answer(200, kProtobufMediaType, NodeJson("a", "1")), 0, "InvalidResponse"},
      {"protobuf that says it is JSON", Answer(200, "application/json", node), 0, "InvalidResponse"},
      {"cut short", Answer(200, kProtobufMediaType, node.substr(0, node.size() - 3)), 0, "InvalidResponse"},
      {"an error that is no Status", Answer(500, kProtobufMediaType, "k8s"), 500, "InternalError"},
      {"another kind", Answer(200, kProtobufMediaType, EncodeProtobuf(Pod())), 0, "InvalidResponse"},
  };
  for (const auto& c : kCases) {
    RawServer server([&](RawConnection& connection, int) {
      if (!connection.ReadRequest().empty()) connection.Send(c.answer);
    });
    auto transport = Connect(server.url(), Protobuf());
    const Response r = transport->Do(Get("a"), nullptr);
    EXPECT_EQ(r.status.code, c.code) << c.name << ": " << r.status.ToString();
    EXPECT_EQ(r.status.reason, c.reason) << c.name;
    if (c.code == 200) {
      EXPECT_EQ(r.object.meta().name, "a") << c.name;
    }
  }
}

// A server without protobuf: told once, and never asked again.
TEST(HttpTransportProtobuf, FallsBackToJsonForGood) {
  const struct {
    const char* name;
    Request request;
    int refusal;
  } kCases[] = {{"as an answer", Get("l"), 406}, {"as a body", UpdateLease(), 415}, {"to a watch", WatchNodes(), 406}};
  for (const auto& c : kCases) {
    std::atomic<int> asked{0};
    std::atomic<int> requests{0};
    RawServer server([&](RawConnection& connection, int) {
      for (std::string r = connection.ReadRequest(); !r.empty(); r = connection.ReadRequest()) {
        ++requests;
        if (r.find("protobuf") != std::string::npos) {
          ++asked;
          connection.SendAnswer(c.refusal, StatusJson(c.refusal, "Refused"));
        } else if (r.find("watch=true") != std::string::npos) {
          connection.SendAnswer(200, EventLine("ADDED", NodeJson("n", "1")));
        } else if (c.request.verb == Verb::kGet) {
          connection.SendAnswer(200, NodeJson("l", "1"));
        } else {
          connection.SendAnswer(200, EncodeJson(*c.request.object.As<Lease>()));
        }
      }
    });
    HttpTransportOptions options = Protobuf();
    std::vector<int> told;
    options.on_fallback = [&told](const Status& why) { told.push_back(why.code); };
    auto transport = Connect(server.url(), options);
    for (int i = 0; i < 3; ++i) {
      if (c.request.verb == Verb::kWatch) {
        Seen seen;
        EXPECT_TRUE(transport->Watch(c.request, nullptr, seen.Collect()).ok());
        EXPECT_EQ(seen.text, "ADDED:n ");
      } else {
        const Response r = transport->Do(c.request, nullptr);
        EXPECT_TRUE(r.status.ok()) << c.name << r.status.ToString();
        EXPECT_EQ(r.object.meta().name, "l");
      }
    }
    EXPECT_EQ(told, std::vector<int>{c.refusal}) << c.name;
    EXPECT_EQ(asked, 1) << c.name;
    EXPECT_EQ(requests, 4) << c.name;
  }
}

TEST(HttpTransportProtobuf, OtherRefusalsAreNoReasonToFallBack) {
  Status unsupported;
  unsupported.code = 415;
  const std::string answer = Answer(415, kProtobufMediaType, EncodeProtobuf(unsupported));
  RawServer server([&answer](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.Send(answer);
  });
  HttpTransportOptions options = Protobuf();
  int told = 0;
  options.on_fallback = [&told](const Status&) { ++told; };
  auto transport = Connect(server.url(), options);
  Request patch = UpdateLease();
  patch.verb = Verb::kPatch;
  patch.patch = "{}";
  EXPECT_EQ(transport->Do(patch, nullptr).status.code, 415);
  EXPECT_EQ(transport->Do(Get("a"), nullptr).status.code, 415);
  EXPECT_EQ(told, 0);
}

TEST(HttpTransportProtobuf, WhoKeepsJsonAsksForIt) {
  std::atomic<bool> asked{false};
  RawServer server([&](RawConnection& c, int) {
    asked = c.ReadRequest().find("protobuf") != std::string::npos;
    c.SendAnswer(200, NodeJson("a", "1"));
  });
  HttpTransportOptions options = Protobuf();
  options.keep_json = true;
  const Response r = Connect(server.url(), options)->Do(Get("a"), nullptr);
  EXPECT_TRUE(r.status.ok());
  EXPECT_NE(r.object.json(), nullptr);
  EXPECT_FALSE(asked);
}

std::string WatchHead() {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.kubernetes.protobuf;stream=watch\r\n"
         "Transfer-Encoding: chunked\r\n\r\n";
}

std::string Frame(WatchEvent event) {
  std::string out;
  AppendWatchFrame(EncodeWatchEventProtobuf(Kind::kNode, event), &out);
  return out;
}

TEST(HttpTransportProtobuf, WatchFramesMayBeCutAnywhere) {
  WatchEvent added;
  added.object = MakeNode("a", "1");
  WatchEvent bookmark;
  bookmark.type = WatchEventType::kBookmark;
  bookmark.resourceVersion = "5";
  WatchEvent error;
  error.type = WatchEventType::kError;
  error.status = StatusExpired("too old");
  const std::string stream = Frame(added) + Frame(bookmark) + Frame(error);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, stream.size()}) {
    RawServer server([&](RawConnection& c, int) {
      EXPECT_TRUE(Has(c.ReadRequest(), "Accept: application/vnd.kubernetes.protobuf;stream=watch,application/json"));
      c.Send(WatchHead());
      for (std::size_t at = 0; at < stream.size(); at += piece) c.SendChunk(std::string_view(stream).substr(at, piece));
      c.SendChunk("");
      c.WaitForClose();
    });
    auto transport = Connect(server.url(), Protobuf());
    Seen seen;
    const Status end = transport->Watch(WatchNodes(), nullptr, seen.Collect());
    EXPECT_TRUE(end.ok()) << end.ToString();
    EXPECT_EQ(seen.text, "ADDED:a BOOKMARK:5 ERROR:410 ") << piece;
  }
}

TEST(HttpTransportProtobuf, BrokenStreams) {
  WatchEvent added;
  added.object = MakeNode("a", "1");
  const std::string good = Frame(added);
  const struct {
    const char* name;
    std::string stream;
    int code;
    const char* seen;
  } kCases[] = {
      {"ends in a frame", good + good.substr(0, 9), 0, "ADDED:a "},
      {"ends in a length", good + good.substr(0, 3), 0, "ADDED:a "},
      {"no protobuf", good + std::string("\0\0\0\2{}", 6), 502, "ADDED:a "},
      {"JSON", EventLine("ADDED", NodeJson("a", "1")), 502, ""},
      {"a frame that is too long", good + std::string("\x7f\0\0\0", 4), 502, "ADDED:a "},
  };
  for (const auto& c : kCases) {
    RawServer server([&](RawConnection& connection, int) {
      connection.ReadRequest();
      connection.Send(WatchHead());
      connection.SendChunk(c.stream);
      connection.SendChunk("");
      connection.WaitForClose();
    });
    auto transport = Connect(server.url(), Protobuf());
    Seen seen;
    const Status end = transport->Watch(WatchNodes(), nullptr, seen.Collect());
    EXPECT_EQ(end.code, c.code) << c.name << ": " << end.ToString();
    EXPECT_EQ(seen.text, c.seen) << c.name;
  }
}

}  // namespace
}  // namespace epslice

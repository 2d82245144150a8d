#include "informers/http/http_transport.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apis/json.h"
#include "informers/informer.h"
#include "raw_server.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string NodeJson(std::string_view name, std::string_view version) {
  Node node;
  node.metadata.name = name;
  node.metadata.resourceVersion = version;
  node.metadata.uid = name;
  return EncodeJson(node);
}

AnyObject MakeNode(std::string_view name, std::string_view version) {
  return AnyObject::Of(*DecodeJson<Node>(NodeJson(name, version)));
}

std::string EventLine(std::string_view type, const std::string& object) {
  return "{\"type\":\"" + std::string(type) + "\",\"object\":" + object + "}\n";
}

std::string StatusJson(int code, std::string_view reason) {
  Status s;
  s.code = code;
  s.reason = reason;
  return EncodeJson(s);
}

Request Get(std::string name) {
  Request r;
  r.verb = Verb::kGet;
  r.kind = Kind::kNode;
  r.name = std::move(name);
  return r;
}

Request Update(std::string_view name) {
  Request r;
  r.verb = Verb::kUpdate;
  r.kind = Kind::kNode;
  r.object = MakeNode(name, "1");
  return r;
}

Request WatchNodes(std::int64_t timeout = 300) {
  Request r;
  r.verb = Verb::kWatch;
  r.kind = Kind::kNode;
  r.list.timeoutSeconds = timeout;
  return r;
}

const RealClock& Real() {
  static const RealClock clock;
  return clock;
}

std::unique_ptr<HttpTransport> Connect(const std::string& url, HttpTransportOptions options = {},
                                       const Clock* clock = &Real()) {
  std::signal(SIGPIPE, SIG_IGN);
  options.base_url = url;
  auto transport = HttpTransport::Create(std::move(options), clock);
  EXPECT_TRUE(transport.ok()) << transport.status();
  return *std::move(transport);
}

// Names and types of what a watch brought.
struct Seen {
  std::string text;
  std::function<bool(const WatchEvent&)> Collect() {
    return [this](const WatchEvent& e) {
      text += std::string(WatchEventTypeName(e.type)) + ":";
      text += e.object.has_value()                  ? e.object.meta().name.str()
              : e.type == WatchEventType::kBookmark ? e.resourceVersion
                                                    : std::to_string(e.status.code);
      text += " ";
      return true;
    };
  }
};

TEST(HttpTransport, RefusesAddressesItCannotUse) {
  for (const char* url : {"", "https://x", "ftp://x", "http://"}) {
    HttpTransportOptions options;
    options.base_url = url;
    EXPECT_FALSE(HttpTransport::Create(options, &Real()).ok()) << url;
  }
}

TEST(HttpTransport, SaysWhatWasAskedAndReadsTheAnswer) {
  std::promise<std::string> got;
  RawServer server([&got](RawConnection& c, int) {
    got.set_value(c.ReadRequest());
    c.SendAnswer(200, NodeJson("n1", "8"));
  });
  HttpTransportOptions options;
  options.user_agent = "tester/1\r\nX-Evil: 1";
  auto transport = Connect(server.url() + "/prefix", options);
  const Response r = transport->Do(Update("n1"), nullptr);
  EXPECT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_EQ(r.object.meta().resourceVersion, "8");
  const std::string request = got.get_future().get();
  EXPECT_EQ(request.rfind("PUT /prefix/api/v1/nodes/n1 HTTP/1.1\r\n", 0), 0u) << request;
  EXPECT_NE(request.find("\r\nUser-Agent: tester/1X-Evil: 1\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("\r\nAccept: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("\"name\":\"n1\""), std::string::npos);
}

TEST(HttpTransport, RequestsWithoutAPathAreNotSent) {
  auto transport = Connect("http://127.0.0.1:1");
  EXPECT_EQ(transport->Do(Get(".."), nullptr).status.code, 400);
  EXPECT_EQ(transport->Do(WatchNodes(), nullptr).status.code, 400);
  EXPECT_EQ(transport->Watch(Get("a"), nullptr, [](const WatchEvent&) { return true; }).code, 400);
}

// A whole informer, over a server of the library: pages, then a watch.
TEST(HttpTransport, CarriesAnInformer) {
  httplib::Server server;
  std::mutex mu;
  std::vector<std::string> targets;
  server.Get("/api/v1/nodes", [&](const httplib::Request& req, httplib::Response& res) {
    {
      std::lock_guard<std::mutex> lock(mu);
      targets.push_back(req.target);
    }
    if (req.has_param("watch")) {
      res.set_chunked_content_provider("application/json", [](std::size_t, httplib::DataSink& sink) {
        const std::string lines =
            EventLine("MODIFIED", NodeJson("b", "11")) + EventLine("DELETED", NodeJson("a", "12"));
        sink.write(lines.data(), lines.size());
        sink.done();
        return true;
      });
      return;
    }
    ObjectList list;
    list.resourceVersion = "10";
    if (!req.has_param("continue")) {
      list.items = {MakeNode("a", "1"), MakeNode("b", "2")};
      list.continueToken = "next=1&2";
    } else if (req.get_param_value("continue") == "next=1&2") {
      list.items = {MakeNode("c", "3")};
    }
    res.set_content(EncodeListJson(Kind::kNode, list), "application/json");
  });
  server.set_tcp_nodelay(true);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&server] { server.listen_after_bind(); });
  {
    auto transport = Connect("http://127.0.0.1:" + std::to_string(port));
    Informer<Node> informer;
    std::string changes;
    while (informer.watcher().watch_restarts() == 0) {
      const Instant now = Real().Now();
      const Watcher::Action action = informer.watcher().Next(now);
      WatchUpdate update;
      if (action.kind == Watcher::Action::Kind::kList) {
        informer.watcher().OnList(transport->Do(action.request, nullptr), now, &update);
      } else {
        ASSERT_EQ(action.kind, Watcher::Action::Kind::kWatch) << informer.watcher().last_error();
        const Status end = transport->Watch(
            action.request, nullptr, [&](const WatchEvent& e) { return informer.watcher().OnEvent(e, now, &update); });
        EXPECT_TRUE(end.ok()) << end.ToString();
        informer.watcher().OnWatchEnd(end, now);
      }
      for (const auto& c : informer.Apply(update)) {
        changes += c.after == nullptr ? "-" : c.before == nullptr ? "+" : "~";
        changes += c.any().metadata.name.str() + " ";
      }
    }
    EXPECT_EQ(changes, "+a +b +c -a ~b ");
    EXPECT_EQ(informer.watcher().resource_version(), "12");
  }
  server.stop();
  thread.join();
  ASSERT_EQ(targets.size(), 3u);
  EXPECT_EQ(targets[0], "/api/v1/nodes?limit=500&resourceVersion=0");
  EXPECT_EQ(targets[1], "/api/v1/nodes?limit=500&continue=next%3D1%262");
}

TEST(HttpTransport, WatchLinesMayBeCutAnywhere) {
  const std::string stream =
      EventLine("ADDED", NodeJson("a", "1")) +
      EventLine("BOOKMARK", R"({"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"5"}})") +
      EventLine("ERROR", StatusJson(410, "Expired"));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, stream.size()}) {
    RawServer server([&](RawConnection& c, int) {
      c.ReadRequest();
      c.SendChunkedHead();
      for (std::size_t at = 0; at < stream.size(); at += piece) c.SendChunk(std::string_view(stream).substr(at, piece));
      c.SendChunk("");
      c.WaitForClose();
    });
    auto transport = Connect(server.url());
    Seen seen;
    const Status end = transport->Watch(WatchNodes(), nullptr, seen.Collect());
    EXPECT_TRUE(end.ok()) << end.ToString();
    EXPECT_EQ(seen.text, "ADDED:a BOOKMARK:5 ERROR:410 ") << piece;
  }
}

TEST(HttpTransport, AnEventIsHandedOnBeforeTheNextOneComes) {
  std::promise<void> first_seen;
  RawServer server([&](RawConnection& c, int) {
    c.ReadRequest();
    c.SendChunkedHead();
    c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
    first_seen.get_future().wait();
    c.SendChunk(EventLine("ADDED", NodeJson("b", "2")));
    c.SendChunk("");
  });
  auto transport = Connect(server.url());
  int events = 0;
  const Status end = transport->Watch(WatchNodes(), nullptr, [&](const WatchEvent&) {
    if (++events == 1) first_seen.set_value();
    return true;
  });
  EXPECT_TRUE(end.ok()) << end.ToString();
  EXPECT_EQ(events, 2);
}

// How a watch ends, by what the server does.
TEST(HttpTransport, WatchEnds) {
  const struct {
    const char* name;
    std::function<void(RawConnection&)> serve;
    int code;
    const char* reason;
    const char* seen;
  } kCases[] = {
      {"clean",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
         c.SendChunk("");
       },
       200, "", "ADDED:a "},
      {"clean, at once",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk("");
       },
       200, "", ""},
      {"closed between events",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
       },
       0, "", "ADDED:a "},
      {"closed in mid-line",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(R"({"type":"ADDED","obj)");
       },
       0, "", ""},
      {"ended in mid-line",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(R"({"type":"ADDED","obj)");
         c.SendChunk("");
       },
       0, "", ""},
      {"gone", [](RawConnection& c) { c.SendAnswer(410, StatusJson(410, "Expired")); }, 410, "Expired", ""},
      {"busy", [](RawConnection& c) { c.SendAnswer(429, "", "Retry-After: 9\r\n"); }, 429, "TooManyRequests", ""},
      {"an endless error",
       [](RawConnection& c) {
         c.Send("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n");
         for (int i = 0; i < 100; ++i) c.SendChunk(std::string(4096, 'x'));
       },
       500, "InternalError", ""},
      {"a line too long",
       [](RawConnection& c) {
         c.SendChunkedHead();
         for (int i = 0; i < 100; ++i) c.SendChunk(std::string(1000, ' '));
       },
       502, "InvalidResponse", ""},
      {"no JSON",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk("hello\n");
         c.WaitForClose();
       },
       502, "InvalidResponse", ""},
      {"no HTTP", [](RawConnection& c) { c.Send("SSH-2.0-OpenSSH_9.2\r\n"); }, 0, "", ""},
      {"closed before an answer", [](RawConnection&) {}, 0, "", ""},
  };
  for (const auto& c : kCases) {
    RawServer server([&c](RawConnection& connection, int) {
      connection.ReadRequest();
      c.serve(connection);
    });
    HttpTransportOptions options;
    options.max_watch_line_bytes = 50'000;
    auto transport = Connect(server.url(), options);
    Seen seen;
    const Status end = transport->Watch(WatchNodes(), nullptr, seen.Collect());
    EXPECT_EQ(end.code, c.code) << c.name << ": " << end.ToString();
    if (*c.reason != 0) {
      EXPECT_EQ(end.reason, c.reason) << c.name;
    }
    if (c.code == 429) {
      EXPECT_EQ(end.retryAfterSeconds, 9);
    }
    EXPECT_EQ(seen.text, c.seen) << c.name;
  }
}

TEST(HttpTransport, AWatchStopsWhenItsReaderSaysSo) {
  RawServer server([](RawConnection& c, int) {
    c.ReadRequest();
    c.SendChunkedHead();
    for (int i = 0; i < 3; ++i) c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
    c.WaitForClose();
  });
  auto transport = Connect(server.url());
  int events = 0;
  EXPECT_TRUE(transport->Watch(WatchNodes(), nullptr, [&events](const WatchEvent&) { return ++events < 2; }).ok());
  EXPECT_EQ(events, 2);
}

// What comes of a call, by what the server does.
TEST(HttpTransport, CallOutcomes) {
  const struct {
    const char* name;
    std::function<void(RawConnection&)> serve;
    int code;
    const char* reason;
  } kCases[] = {
      {"fine", [](RawConnection& c) { c.SendAnswer(200, NodeJson("a", "1")); }, 200, ""},
      {"without a length",
       [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + NodeJson("a", "1")); }, 200, ""},
      {"in chunks",
       [](RawConnection& c) {
         c.SendChunkedHead();
         for (const char b : NodeJson("a", "1")) c.SendChunk(std::string(1, b));
         c.SendChunk("");
       },
       200, ""},
      {"not found", [](RawConnection& c) { c.SendAnswer(404, StatusJson(404, "NotFound")); }, 404, "NotFound"},
      {"conflict", [](RawConnection& c) { c.SendAnswer(409, StatusJson(409, "Conflict")); }, 409, "Conflict"},
      {"unavailable", [](RawConnection& c) { c.SendAnswer(503, "", "Retry-After: 4\r\n"); }, 503, "ServiceUnavailable"},
      {"a redirect is not followed",
       [](RawConnection& c) { c.SendAnswer(302, "", "Location: http://127.0.0.1:1/\r\n"); }, 302, "Unknown"},
      {"no content", [](RawConnection& c) { c.Send("HTTP/1.1 204 X\r\n\r\n"); }, 0, "InvalidResponse"},
      {"closed in mid-body",
       [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\":"); }, 0, ""},
      {"closed in mid-head", [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Le"); }, 0, ""},
      {"closed at once", [](RawConnection&) {}, 0, ""},
      {"too large", [](RawConnection& c) { c.SendAnswer(200, std::string(20'000, ' ')); }, 0, "InvalidResponse"},
      {"compressed, unasked", [](RawConnection& c) { c.SendAnswer(200, "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"); },
       0, "InvalidResponse"},
  };
  for (const bool write : {false, true}) {
    for (const auto& c : kCases) {
      std::atomic<int> requests{0};
      RawServer server([&](RawConnection& connection, int) {
        if (connection.ReadRequest().empty()) return;
        ++requests;
        c.serve(connection);
      });
      HttpTransportOptions options;
      options.max_response_bytes = 10'000;
      auto transport = Connect(server.url(), options);
      const Response r = transport->Do(write ? Update("a") : Get("a"), nullptr);
      EXPECT_EQ(r.status.code, c.code) << c.name << ": " << r.status.ToString();
      if (*c.reason != 0) {
        EXPECT_EQ(r.status.reason, c.reason) << c.name;
      }
      if (c.code == 503) {
        EXPECT_EQ(r.status.retryAfterSeconds, 4);
      }
      EXPECT_EQ(requests, 1) << c.name;
    }
  }
}

TEST(HttpTransport, KeepsConnectionsAndDropsIdleOnes) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  FakeClock clock;
  auto transport = Connect(server.url(), {}, &clock);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 1);
  clock.Advance(seconds(60));
  EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 1);
  clock.Advance(seconds(61));
  EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  EXPECT_EQ(server.connections(), 2);
}

// The server takes a second request on a kept connection and closes instead of
// answering, as one that had just decided to close.
TEST(HttpTransport, AReadOnADeadKeptConnectionIsSentAgainAWriteIsNot) {
  for (const bool write : {false, true}) {
    std::atomic<int> requests{0};
    RawServer server([&requests](RawConnection& c, int n) {
      while (!c.ReadRequest().empty()) {
        if (++requests == 2) return;
        c.SendAnswer(200, NodeJson("a", std::to_string(n)));
      }
    });
    auto transport = Connect(server.url());
    ASSERT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
    const Response r = transport->Do(write ? Update("a") : Get("a"), nullptr);
    EXPECT_EQ(r.status.code, write ? 0 : 200) << r.status.ToString();
    EXPECT_EQ(requests, write ? 2 : 3);
    EXPECT_TRUE(transport->Do(Update("a"), nullptr).status.ok()) << "a new connection works";
  }
}

TEST(HttpTransport, ConnectionRefused) {
  int port = 0;
  {
    RawServer server([](RawConnection&, int) {});
    port = std::stoi(server.url().substr(server.url().rfind(':') + 1));
  }
  auto transport = Connect("http://127.0.0.1:" + std::to_string(port));
  const Response r = transport->Do(Get("a"), nullptr);
  EXPECT_EQ(r.status.code, 0);
  EXPECT_NE(r.status.message.find("refused"), std::string::npos) << r.status.message;
  EXPECT_EQ(transport->Watch(WatchNodes(), nullptr, [](const WatchEvent&) { return true; }).code, 0);
}

TEST(HttpTransport, ASilentServerTimesOut) {
  RawServer server([](RawConnection& c, int) { c.WaitForClose(); });
  HttpTransportOptions options;
  options.read_timeout = milliseconds(100);
  auto transport = Connect(server.url(), options);
  EXPECT_EQ(transport->Do(Get("a"), nullptr).status.code, 0);
}

TEST(HttpTransport, AnAnswerThatDripsTimesOutAsAWhole) {
  FakeClock clock;
  std::promise<void> first_half;
  RawServer server([&](RawConnection& c, int) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    first_half.get_future().wait();
    c.Send("}");
    c.WaitForClose();
  });
  auto transport = Connect(server.url(), {}, &clock);
  auto call = std::async(std::launch::async, [&] { return transport->Do(Get("a"), nullptr); });
  EXPECT_EQ(call.wait_for(milliseconds(50)), std::future_status::timeout);
  clock.Advance(std::chrono::minutes(6));
  first_half.set_value();
  const Response r = call.get();
  EXPECT_EQ(r.status.code, 0);
  EXPECT_EQ(r.status.reason, "InvalidResponse") << r.status.ToString();
}

// Cancels `run` once it is blocked; it must come back within a second.
template <typename Fn>
auto CancelWhileBlocked(CancelToken* token, std::future<void> blocked, Fn run) {
  auto result = std::async(std::launch::async, run);
  if (blocked.valid()) {
    blocked.wait();
  } else {
    EXPECT_EQ(result.wait_for(milliseconds(150)), std::future_status::timeout);
  }
  token->Cancel();
  EXPECT_EQ(result.wait_for(seconds(1)), std::future_status::ready);
  return result.get();
}

TEST(HttpTransport, CancelEndsABlockedRead) {
  const struct {
    const char* name;
    std::function<void(RawConnection&)> serve;
  } kCases[] = {
      {"before the head", [](RawConnection&) {}},
      {"in the body", [](RawConnection& c) { c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"); }},
      {"in a watch",
       [](RawConnection& c) {
         c.SendChunkedHead();
         c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
       }},
  };
  for (const auto& c : kCases) {
    for (const bool watch : {false, true}) {
      std::promise<void> asked;
      RawServer server([&](RawConnection& connection, int n) {
        connection.ReadRequest();
        c.serve(connection);
        if (n == 0) asked.set_value();
        connection.WaitForClose();
      });
      auto transport = Connect(server.url());
      CancelToken token;
      const Status status = CancelWhileBlocked(&token, asked.get_future(), [&]() -> Status {
        if (watch) return transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; });
        return transport->Do(Get("a"), &token).status;
      });
      EXPECT_EQ(status.code, 0) << c.name << ": " << status.ToString();
      EXPECT_NE(status.message.find("cancelled"), std::string::npos) << c.name << ": " << status.ToString();
      EXPECT_EQ(server.connections(), 1) << c.name << ": a cancelled call is not sent again";
    }
  }
}

TEST(HttpTransport, CancelBeforeTheCallMeansNoCall) {
  RawServer server([](RawConnection&, int) {});
  auto transport = Connect(server.url());
  CancelToken token;
  token.Cancel();
  EXPECT_EQ(transport->Do(Get("a"), &token).status.code, 0);
  EXPECT_EQ(transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; }).code, 0);
  EXPECT_EQ(server.connections(), 0);
}

// A listener whose queue is full and never emptied: connects to it hang.
class FullListener {
 public:
  FullListener() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 0) != 0) std::abort();
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < 8; ++i) {
      fillers_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(connect(fillers_.back(), reinterpret_cast<sockaddr*>(&address), size));
    }
  }
  ~FullListener() {
    for (const int fd : fillers_) close(fd);
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_ = -1;
  int port_ = 0;
  std::vector<int> fillers_;
};

TEST(HttpTransport, CancelEndsABlockedConnect) {
  FullListener listener;
  auto transport = Connect(listener.url());
  CancelToken token;
  const Status status =
      CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Get("a"), &token).status; });
  EXPECT_EQ(status.code, 0);
  EXPECT_NE(status.message.find("cancelled"), std::string::npos) << status.ToString();
}

TEST(HttpTransport, AConnectThatHangsTimesOut) {
  FullListener listener;
  HttpTransportOptions options;
  options.connect_timeout = milliseconds(200);
  const Status status = Connect(listener.url(), options)->Do(Get("a"), nullptr).status;
  EXPECT_EQ(status.code, 0);
  EXPECT_NE(status.message.find("timed out"), std::string::npos) << status.ToString();
}

// Cancelling at every possible moment: nothing hangs, nothing crashes.
TEST(HttpTransport, CancelAtAnyMoment) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) {
      c.SendChunkedHead();
      for (int i = 0; i < 20; ++i) c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
      c.SendChunk("");
    }
  });
  HttpTransportOptions options;
  options.qps = 0;
  auto transport = Connect(server.url(), options);
  for (int round = 0; round < 200; ++round) {
    CancelToken token;
    std::atomic<int> spins{0};
    std::thread canceller([&token, &spins, round] {
      while (spins < round * 200) ++spins;
      token.Cancel();
    });
    const Status status = transport->Watch(WatchNodes(), &token, [](const WatchEvent&) { return true; });
    EXPECT_TRUE(status.ok() || status.code == 0) << status.ToString();
    canceller.join();
  }
}

TEST(HttpTransport, ManyThreadsAtOnce) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  HttpTransportOptions options;
  options.qps = 0;
  std::atomic<int> observed{0};
  options.observe = [&observed](const Request&, int code, Duration took) {
    if (code == 200 && took >= Duration::zero()) ++observed;
  };
  auto transport = Connect(server.url(), options);
  std::vector<std::thread> threads;
  std::atomic<int> ok{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ok += transport->Do(i % 2 == 0 ? Get("a") : Update("a"), nullptr).status.ok();
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(ok, 300);
  EXPECT_EQ(observed, 300);
  EXPECT_LE(server.connections(), 6);
}

TEST(HttpTransport, CallsAboveTheRateWait) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) c.SendAnswer(200, NodeJson("a", "1"));
  });
  FakeClock clock;
  HttpTransportOptions options;
  options.qps = 1;
  options.burst = 2;
  auto transport = Connect(server.url(), options, &clock);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(transport->Do(Get("a"), nullptr).status.ok());
  auto third = std::async(std::launch::async, [&] { return transport->Do(Get("a"), nullptr).status; });
  EXPECT_EQ(third.wait_for(milliseconds(150)), std::future_status::timeout);
  clock.Advance(seconds(1));
  EXPECT_EQ(third.wait_for(seconds(5)), std::future_status::ready);
  EXPECT_TRUE(third.get().ok());

  CancelToken token;
  const Status status =
      CancelWhileBlocked(&token, {}, [&]() -> Status { return transport->Do(Get("a"), &token).status; });
  EXPECT_EQ(status.code, 0) << "waiting for the limiter can be cancelled";
}

TEST(HttpTransport, AWatchTakesOneTokenHoweverManyEventsItBrings) {
  RawServer server([](RawConnection& c, int) {
    while (!c.ReadRequest().empty()) {
      c.SendChunkedHead();
      for (int i = 0; i < 50; ++i) c.SendChunk(EventLine("ADDED", NodeJson("a", "1")));
      c.SendChunk("");
    }
  });
  FakeClock clock;
  HttpTransportOptions options;
  options.qps = 1;
  options.burst = 2;
  auto transport = Connect(server.url(), options, &clock);
  for (int i = 0; i < 2; ++i) {
    Seen seen;
    EXPECT_TRUE(transport->Watch(WatchNodes(), nullptr, seen.Collect()).ok());
    EXPECT_EQ(seen.text.size(), 50 * std::string("ADDED:a ").size());
  }
  EXPECT_EQ(server.connections(), 1) << "a watch that ended cleanly leaves its connection";
}

}  // namespace
}  // namespace epslice

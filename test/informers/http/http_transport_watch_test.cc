#include "informers/http/http_transport.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apis/json.h"
#include "informers/informer.h"
#include "raw_server.h"
#include "transport_test_util.h"

namespace epslice {
namespace {

// A whole informer, over a server of the library that knows no lists as
// streams: pages, then a watch.
TEST(HttpTransport, CarriesAnInformer) {
  httplib::Server server;
  std::mutex mu;
  std::vector<std::string> targets;
  server.Get("/api/v1/nodes", [&](const httplib::Request& req, httplib::Response& res) {
    {
      std::lock_guard<std::mutex> lock(mu);
      targets.push_back(req.target);
    }
    if (req.has_param("sendInitialEvents")) {
      res.status = 422;
      res.set_content(StatusJson(422, "Invalid"), "application/json");
      return;
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
    WatcherOptions options;
    options.stream_lists = true;
    Informer<Node> informer(options);
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
        EXPECT_TRUE(end.ok() || end.code == 422) << end.ToString();
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
  ASSERT_EQ(targets.size(), 4u);
  EXPECT_NE(targets[0].find("&sendInitialEvents=true&"), std::string::npos) << targets[0];
  EXPECT_NE(targets[0].find("&resourceVersionMatch=NotOlderThan"), std::string::npos) << targets[0];
  EXPECT_EQ(targets[1], "/api/v1/nodes?limit=500");
  EXPECT_EQ(targets[2], "/api/v1/nodes?limit=500&continue=next%3D1%262");
  EXPECT_EQ(targets[3].find("sendInitialEvents"), std::string::npos) << targets[3];
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

// Of a connection that dies on the way, or a server that hangs, nobody tells.
TEST(HttpTransport, ASilentWatchEnds) {
  const std::string event = EventLine("ADDED", NodeJson("a", "1"));
  const struct {
    const char* name;
    std::string sent;
    bool head;
    int events;
    bool good;
  } kCases[] = {
      {"after an event", event, true, 1, true},
      {"after nothing", "", true, 0, true},
      {"in the middle of an event", event.substr(0, 20), true, 0, false},
      {"before the head", "", false, 0, false},
  };
  for (const auto& c : kCases) {
    RawServer server([&c](RawConnection& connection, int) {
      connection.ReadRequest();
      if (c.head) connection.SendChunkedHead();
      if (!c.sent.empty()) connection.SendChunk(c.sent);
      connection.WaitForClose();
    });
    HttpTransportOptions options;
    options.watch_silence = std::chrono::milliseconds(50);
    auto transport = Connect(server.url(), options);
    int events = 0, opened = 0;
    const Status status = transport->WatchAndTell(
        WatchNodes(), nullptr, [&] { opened += events == 0 ? 1 : 100; },
        [&events](const WatchEvent&) { return ++events > 0; });
    EXPECT_EQ(opened, c.head ? 1 : 0) << c.name;
    EXPECT_EQ(status.ok(), c.good) << c.name << ": " << status.ToString();
    EXPECT_EQ(events, c.events) << c.name;
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

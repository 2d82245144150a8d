// What the tests of HttpTransport share.
#ifndef EPSLICE_TEST_INFORMERS_HTTP_TRANSPORT_TEST_UTIL_H_
#define EPSLICE_TEST_INFORMERS_HTTP_TRANSPORT_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apis/json.h"
#include "informers/http/http_transport.h"

namespace epslice {

inline std::string NodeJson(std::string_view name, std::string_view version) {
  Node node;
  node.metadata.name = name;
  node.metadata.resourceVersion = version;
  node.metadata.uid = name;
  return EncodeJson(node);
}

inline AnyObject MakeNode(std::string_view name, std::string_view version) {
  return AnyObject::Of(*DecodeJson<Node>(NodeJson(name, version)));
}

inline std::string EventLine(std::string_view type, const std::string& object) {
  return "{\"type\":\"" + std::string(type) + "\",\"object\":" + object + "}\n";
}

inline std::string StatusJson(int code, std::string_view reason) {
  Status s;
  s.code = code;
  s.reason = reason;
  return EncodeJson(s);
}

inline Request Get(std::string name) {
  Request r;
  r.verb = Verb::kGet;
  r.kind = Kind::kNode;
  r.name = std::move(name);
  return r;
}

inline Request Update(std::string_view name) {
  Request r;
  r.verb = Verb::kUpdate;
  r.kind = Kind::kNode;
  r.object = MakeNode(name, "1");
  return r;
}

inline Request WatchNodes(std::int64_t timeout = 300) {
  Request r;
  r.verb = Verb::kWatch;
  r.kind = Kind::kNode;
  r.list.timeoutSeconds = timeout;
  return r;
}

inline const RealClock& Real() {
  static const RealClock clock;
  return clock;
}

inline std::unique_ptr<HttpTransport> Connect(const std::string& url, HttpTransportOptions options = {},
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

// Cancels `run` once it is blocked; it must come back within a second.
template <typename Fn>
auto CancelWhileBlocked(CancelToken* token, std::future<void> blocked, Fn run) {
  auto result = std::async(std::launch::async, run);
  if (blocked.valid()) {
    blocked.wait();
  } else {
    EXPECT_EQ(result.wait_for(std::chrono::milliseconds(150)), std::future_status::timeout);
  }
  token->Cancel();
  EXPECT_EQ(result.wait_for(std::chrono::seconds(1)), std::future_status::ready);
  return result.get();
}

}  // namespace epslice

#endif  // EPSLICE_TEST_INFORMERS_HTTP_TRANSPORT_TEST_UTIL_H_

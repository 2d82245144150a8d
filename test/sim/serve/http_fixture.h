// What the tests of the HTTP server share: a server on a port of its own, a
// client for it, and a reader of watches.
#ifndef EPSLICE_TEST_SIM_SERVE_HTTP_FIXTURE_H_
#define EPSLICE_TEST_SIM_SERVE_HTTP_FIXTURE_H_

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "informers/clock.h"
#include "sim/cluster/memory_api_server.h"
#include "sim/serve/http_server.h"

namespace epslice::sim {

using Json = nlohmann::json;

inline constexpr const char* kJson = "application/json";
inline constexpr const char* kPods = "/api/v1/namespaces/shop/pods";
inline constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
inline const httplib::Headers kTable = {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};

inline std::string PodJson(const std::string& name) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","labels":{"app":"web"}},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]},
            "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}]}})";
}

inline std::string SliceJson(const std::string& name) {
  return R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","endpoints":[],
            "metadata":{"name":")" +
         name + R"("}})";
}

// Reads the lines of a watch in a thread of its own.
class WatchReader {
 public:
  WatchReader(int port, const std::string& path, const httplib::Headers& headers = {}) : client_("127.0.0.1", port) {
    client_.set_read_timeout(60);
    thread_ = std::thread([this, path, headers] {
      const auto result = client_.Get(
          path, headers,
          [this](const httplib::Response& response) {
            std::lock_guard<std::mutex> lock(mu_);
            code_ = response.status;
            wake_.notify_all();
            return true;
          },
          [this](const char* data, std::size_t size) {
            std::lock_guard<std::mutex> lock(mu_);
            text_.append(data, size);
            wake_.notify_all();
            return true;
          });
      std::lock_guard<std::mutex> lock(mu_);
      clean_end_ = result != nullptr;
      ended_ = true;
      wake_.notify_all();
    });
  }
  ~WatchReader() {
    client_.stop();
    thread_.join();
  }
  // The first `n` frames; fewer when the watch ends or 20 s pass.
  std::vector<Json> Frames(std::size_t n) {
    std::unique_lock<std::mutex> lock(mu_);
    const auto count = [this] { return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n')); };
    wake_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_ || count() >= n; });
    std::vector<Json> frames;
    std::istringstream lines(text_);
    std::string line;
    while (std::getline(lines, line)) frames.push_back(Json::parse(line));
    return frames;
  }
  // Waits for the answer to begin: the watch runs.
  int Code() {
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, std::chrono::seconds(20), [this] { return code_ != 0 || ended_; });
    return code_;
  }
  // True where the stream came to a regular end within 20 s.
  bool EndsCleanly() {
    std::unique_lock<std::mutex> lock(mu_);
    wake_.wait_for(lock, std::chrono::seconds(20), [this] { return ended_; });
    return ended_ && clean_end_;
  }

 private:
  httplib::Client client_;
  std::thread thread_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::string text_;
  int code_ = 0;
  bool ended_ = false;
  bool clean_end_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    MemoryApiServerOptions memory_options;
    memory_options.create_missing_namespaces = true;
    memory_ = std::make_unique<MemoryApiServer>(&clock_, memory_options);
  }
  void Start(HttpServerOptions options = {}) {
    http_ = std::make_unique<HttpServer>(&clock_, memory_.get(), options);
    ASSERT_TRUE(http_->Start().ok());
    client_ = std::make_unique<httplib::Client>("127.0.0.1", http_->port());
  }
  Json Body(const httplib::Result& result, int want_code) {
    EXPECT_TRUE(result) << "no answer";
    if (!result) return {};
    EXPECT_EQ(result->status, want_code) << result->body;
    EXPECT_EQ(result->get_header_value("Content-Type"), kJson);
    return Json::parse(result->body, nullptr, false);
  }
  void CreatePod(const std::string& name) { Body(client_->Post(kPods, PodJson(name), kJson), 201); }

  RealClock clock_;
  std::unique_ptr<MemoryApiServer> memory_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<httplib::Client> client_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_SERVE_HTTP_FIXTURE_H_

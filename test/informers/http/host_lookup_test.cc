#include "informers/http/host_lookup.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apis/cat.h"

namespace epslice {
namespace {

using Found = absl::StatusOr<std::vector<HostAddress>>;
using testing::ElementsAre;

// So long that it only ends a test that has failed anyway.
constexpr Duration kLong = std::chrono::minutes(5);
bool Never() { return false; }

HostAddress V4(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
  return {AF_INET, std::string(reinterpret_cast<const char*>(&address), sizeof address)};
}

std::vector<std::string> Texts(const Found& found) {
  if (!found.ok()) return {std::string(found.status().message())};
  std::vector<std::string> out;
  for (const HostAddress& one : *found) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    int port = 0;
    if (one.family == AF_INET) {
      sockaddr_in address{};
      std::memcpy(&address, one.bytes.data(), sizeof address);
      inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
      port = ntohs(address.sin_port);
    } else {
      sockaddr_in6 address{};
      std::memcpy(&address, one.bytes.data(), sizeof address);
      inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
      port = ntohs(address.sin6_port);
    }
    out.push_back(Cat({text.data(), " ", std::to_string(port)}));
  }
  return out;
}

// A name server that answers when it is told to. Outlives the threads that ask it.
struct SlowNames {
  std::mutex mu;
  std::condition_variable changed;
  bool answers = false;
  std::vector<std::string> asked;

  static Found Ask(const std::shared_ptr<SlowNames>& names, const std::string& host) {
    std::unique_lock<std::mutex> lock(names->mu);
    names->asked.push_back(host);
    names->changed.notify_all();
    names->changed.wait(lock, [&] { return names->answers; });
    if (host == "nowhere") return absl::NotFoundError("no such name");
    return std::vector<HostAddress>{V4("192.0.2.1"), V4("192.0.2.2")};
  }
  void Answer() {
    std::lock_guard<std::mutex> lock(mu);
    answers = true;
    changed.notify_all();
  }
  void AwaitAsked(std::size_t n) {
    std::unique_lock<std::mutex> lock(mu);
    changed.wait(lock, [&] { return asked.size() >= n; });
  }
  std::size_t times() {
    std::lock_guard<std::mutex> lock(mu);
    return asked.size();
  }
};

class HostLookupTest : public testing::Test {
 protected:
  ~HostLookupTest() override { names_->Answer(); }
  const std::shared_ptr<SlowNames> names_ = std::make_shared<SlowNames>();
  HostLookups lookups_{[names = names_](const std::string& host) { return SlowNames::Ask(names, host); }};
};

TEST_F(HostLookupTest, AddressesAreNotLookedUp) {
  EXPECT_THAT(Texts(lookups_.Find("10.1.2.3", 6443, Duration(0), Never)), ElementsAre("10.1.2.3 6443"));
  EXPECT_THAT(Texts(lookups_.Find("2001:db8::1", 443, Duration(0), Never)), ElementsAre("2001:db8::1 443"));
  EXPECT_EQ(names_->times(), 0U);
}

TEST_F(HostLookupTest, NamesHaveTheAddressesOfTheAnswerWithThePort) {
  names_->Answer();
  EXPECT_THAT(Texts(lookups_.Find("api", 443, kLong, Never)), ElementsAre("192.0.2.1 443", "192.0.2.2 443"));
  EXPECT_THAT(Texts(lookups_.Find("api", 6443, kLong, Never)), ElementsAre("192.0.2.1 6443", "192.0.2.2 6443"));
  EXPECT_THAT(Texts(lookups_.Find("nowhere", 1, kLong, Never)), ElementsAre("no such name"));
  EXPECT_EQ(names_->times(), 3U) << "nothing is kept";
}

TEST_F(HostLookupTest, WhoIsCancelledOrOutOfTimeWaitsNoLonger) {
  EXPECT_EQ(lookups_.Find("api", 1, Duration(0), Never).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(lookups_.Find("api", 1, kLong, [] { return true; }).status().code(), absl::StatusCode::kCancelled);
  // While it waits.
  std::atomic<bool> cancelled = false;
  std::thread other([&] {
    names_->AwaitAsked(1);
    cancelled = true;
  });
  EXPECT_EQ(lookups_.Find("api", 1, kLong, [&] { return cancelled.load(); }).status().code(),
            absl::StatusCode::kCancelled);
  other.join();
}

TEST_F(HostLookupTest, OneThreadForEachHostAndNotTooManyOfAll) {
  for (int i = 0; i < 3; ++i) {
    for (std::size_t host = 0; host < HostLookups::kMostLookups; ++host) {
      EXPECT_EQ(lookups_.Find("host" + std::to_string(host), 1, Duration(0), Never).status().code(),
                absl::StatusCode::kDeadlineExceeded);
    }
  }
  EXPECT_EQ(lookups_.Find("another", 1, kLong, Never).status().code(), absl::StatusCode::kResourceExhausted);
  names_->AwaitAsked(HostLookups::kMostLookups);
  std::vector<std::thread> waiting;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back([&] { good += lookups_.Find("host0", 1, kLong, Never).ok() ? 1 : 0; });
  }
  names_->Answer();
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(good, 4);
}

TEST_F(HostLookupTest, ALookupOutlivesWhoAsked) {
  {
    HostLookups gone([names = names_](const std::string& host) { return SlowNames::Ask(names, host); });
    EXPECT_FALSE(gone.Find("api", 1, Duration(0), Never).ok());
  }
  names_->AwaitAsked(1);
}

TEST(SystemHostLookupsTest, KnowsThisMachine) {
  const Found found = SystemHostLookups().Find("localhost", 80, kLong, Never);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(Texts(found), testing::Each(testing::AnyOf("127.0.0.1 80", "::1 80")));
}

}  // namespace
}  // namespace epslice

// Random histories: what watches tell, replayed, is what lists show; and the
// server under several threads.
#include <algorithm>
#include <atomic>
#include <thread>

#include "informers/random.h"
#include "test/sim/cluster/cluster_fixture.h"

namespace epslice::sim {
namespace {

// The state a client has that applies a watch.
class Replica {
 public:
  WatchLog log;

  std::map<std::string, std::string> State() const {
    std::map<std::string, std::string> state;
    for (const WatchEvent& event : log.events) {
      if (!event.object.has_value()) continue;
      const std::string key = KeyOf(event.object.meta()).ToString();
      switch (event.type) {
        case WatchEventType::kAdded:
          EXPECT_FALSE(state.contains(key)) << key;
          state[key] = event.object.meta().resourceVersion.str();
          break;
        case WatchEventType::kModified:
          EXPECT_TRUE(state.contains(key)) << key;
          state[key] = event.object.meta().resourceVersion.str();
          break;
        case WatchEventType::kDeleted: EXPECT_EQ(state.erase(key), 1u) << key; break;
        default: break;
      }
    }
    return state;
  }
};

class HistoryTest : public ClusterTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  // One random request about a slice or a pod.
  void Act(Random* random) {
    const std::string name = "o" + std::to_string(random->Below(12));
    const std::string ns = random->Chance(0.5) ? "shop" : "mall";
    const bool slice = random->Chance(0.6);
    const Kind kind = slice ? Kind::kEndpointSlice : Kind::kPod;
    const StringMap labels = random->Chance(0.5) ? StringMap{{"in", "yes"}} : StringMap{{"in", "no"}};
    AnyObject object;
    if (slice) {
      EndpointSlice s = Slice(name, {"10.0.0." + std::to_string(1 + random->Below(4))});
      s.metadata.namespace_ = Text(ns);
      s.metadata.labels = labels;
      object = random->Chance(0.3) ? Whole(kind, EncodeJson(s)) : AnyObject::Of(s);
    } else {
      Pod p = BoundPod(name);
      p.metadata.namespace_ = Text(ns);
      p.metadata.labels = labels;
      p.ready = random->Chance(0.5);
      object = random->Chance(0.3) ? Whole(kind, EncodeJson(p)) : AnyObject::Of(p);
    }
    switch (random->Below(8)) {
      case 0: Delete(kind, ns, name); break;
      case 1:
      case 2: Update(object); break;
      case 3:
        Patch(PatchType::kMerge, kind, ns, name,
              R"({"metadata":{"labels":{"in":")" + std::string(random->Chance(0.5) ? "yes" : "no") + R"("}}})");
        break;
      case 4:
        if (random->Chance(0.05)) Delete(Kind::kNamespace, "", ns);
        break;
      case 5:
        clock_.Advance(std::chrono::seconds(random->Between(0, 20)));
        server_->Advance();
        break;
      default: Create(object); break;
    }
  }

  std::map<std::string, std::string> Listed(Kind kind, const std::string& selector) {
    ListOptions options;
    options.labelSelector = selector;
    options.limit = 3;
    std::map<std::string, std::string> state;
    do {
      const Response response = List(kind, options);
      EXPECT_TRUE(response.status.ok());
      for (const AnyObject& object : response.list.items) {
        state[KeyOf(object.meta()).ToString()] = object.meta().resourceVersion.str();
      }
      options.continueToken = response.list.continueToken;
    } while (!options.continueToken.empty());
    return state;
  }
};

TEST_P(HistoryTest, WatchesReplayToWhatIsListed) {
  Random random(GetParam());
  struct Client {
    Kind kind;
    std::string selector;
    Replica replica;
    std::unique_ptr<MemoryApiServer::WatchHandle> watch;
    std::uint64_t started = 0;  // what the first events showed the state of
  };
  std::vector<std::unique_ptr<Client>> clients;
  // The states lists showed, to be shown again by exact lists.
  std::map<std::uint64_t, std::vector<std::string>> shown;
  for (int step = 0; step < 600; ++step) {
    if (step % 60 == 0) {
      auto client = std::make_unique<Client>();
      client->kind = random.Chance(0.5) ? Kind::kEndpointSlice : Kind::kPod;
      client->selector = random.Chance(0.5) ? "in=yes" : "";
      ListOptions options;
      options.labelSelector = client->selector;
      client->started = server_->resource_version();
      client->watch = Watch(client->kind, options, &client->replica.log);
      clients.push_back(std::move(client));
    }
    // Watches break and resume from the last thing they saw.
    if (random.Chance(0.05)) {
      Client& client = *clients[random.Below(clients.size())];
      client.watch.reset();
      for (int i = 0; i < 5; ++i) Act(&random);
      ListOptions options = Since(1);
      options.labelSelector = client.selector;
      std::uint64_t seen = client.started;
      for (const WatchEvent& event : client.replica.log.events) {
        seen = std::max<std::uint64_t>(seen, std::stoull(event.object.meta().resourceVersion.str()));
      }
      options.resourceVersion = std::to_string(seen);
      client.watch = Watch(client.kind, options, &client.replica.log);
      ASSERT_NE(client.watch, nullptr);
    }
    Act(&random);
    if (step % 25 == 0) shown[server_->resource_version()] = ClusterTest::Names(Kind::kEndpointSlice);
  }
  for (const auto& client : clients) {
    EXPECT_EQ(client->replica.State(), Listed(client->kind, client->selector)) << "seed " << GetParam();
  }
  for (const auto& [version, names] : shown) {
    ListOptions options = Since(version);
    options.resourceVersionMatch = "Exact";
    EXPECT_EQ(ClusterTest::Names(Kind::kEndpointSlice, options), names) << "seed " << GetParam();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryTest, ::testing::Range<std::uint64_t>(1, 13));

TEST_F(ClusterTest, ThreadsMayMeet) {
  std::atomic<int> told{0};
  Status status;
  const auto watch = server_->Watch(
      Named(Verb::kWatch, Kind::kEndpointSlice, "", ""), [&](const WatchEvent&) { ++told; }, &status);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string name = "s" + std::to_string(t) + "-" + std::to_string(i);
        Create(AnyObject::Of(Slice(name)));
        WatchLog log;
        const auto brief = Watch(Kind::kEndpointSlice, Since(0), &log);
        Patch(PatchType::kMerge, Kind::kEndpointSlice, "shop", name, R"({"metadata":{"labels":{"a":"b"}}})");
        List(Kind::kEndpointSlice);
        server_->Advance();
        server_->SendBookmarks();
        if (i % 2 == 0) Delete(Kind::kEndpointSlice, "shop", name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, 4 * (100 + 100 + 50));
  EXPECT_EQ(ClusterTest::Names(Kind::kEndpointSlice).size(), 200u);
}

}  // namespace
}  // namespace epslice::sim

// A month of trouble in virtual time: a node loses its zone label and gets it
// back, again and again, in a cluster of a thousand Services that ask for hints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "test/controllers/builders.h"
#include "test/controllers/virtual_cluster.h"
#include "test/sanitized.h"

namespace epslice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testkit::PodBuilder;
using testkit::ServiceBuilder;
using testkit::VirtualCluster;

constexpr int kServices = testkit::Rounds(1000, 100);
constexpr int kRounds = testkit::Rounds(100, 10);

constexpr Duration kBatchPeriod = milliseconds(500);
// The watch delivers within 40 ms.
constexpr Duration kOneWindow = kBatchPeriod + milliseconds(50);

class FlappingTest : public ::testing::TestWithParam<HintsPolicy> {
 protected:
  FlappingTest() : cluster_(5, Options()) {
    cluster_.record_writes = false;
    cluster_.on_event = [this](const ObjectKey& service, const PlannedEvent& event) {
      ++events_[service][event.reason.str()];
    };
    for (int n = 0; n < 9; ++n) PutNode(n, true);
    for (int i = 0; i < kServices; ++i) {
      const std::string name = "web-" + std::to_string(i);
      const StringMap labels{{Text::Intern("app"), Text(name)}};
      cluster_.Do(Verb::kCreate, AnyObject::Of(ServiceBuilder(name)
                                                   .ClusterIp("")
                                                   .Selector(labels)
                                                   .Annotation(std::string(kAnnotationTopologyMode), "Auto")
                                                   .service));
      for (int p = 0; p < 3; ++p) {
        const std::string ip =
            "10." + std::to_string(p) + "." + std::to_string(i / 250) + "." + std::to_string(i % 250);
        cluster_.Do(Verb::kCreate, AnyObject::Of(PodBuilder(name + "-" + std::to_string(p), ip)
                                                     .Labels(labels)
                                                     .Node("n" + std::to_string((i + p) % 9))
                                                     .pod));
      }
    }
  }

  static ServiceControllerOptions Options() {
    ServiceControllerOptions options;
    options.batch_period = kBatchPeriod;
    options.reconcile.hints.policy = GetParam();
    return options;
  }

  // Nodes 0 to 8 in zones a, b, c by turns.
  void PutNode(int number, bool with_zone) {
    Node node;
    node.metadata.name = Text("n" + std::to_string(number));
    node.ready = true;
    node.allocatableCpuMilli = 4000;
    if (with_zone) node.metadata.labels = StringMap{{Text(kLabelZone), Text(std::string(1, "abc"[number % 3]))}};
    if (cluster_.Do(Verb::kCreate, AnyObject::Of(node)).status.code == 409) {
      ASSERT_EQ(cluster_.Do(Verb::kUpdate, AnyObject::Of(node)).status.code, 200);
    }
  }

  // Services all of whose ready endpoints have hints.
  int Hinted() {
    int hinted = 0;
    for (const auto& slice : cluster_.List<EndpointSlice>()) {
      const auto has_hint = [](const Endpoint& endpoint) { return endpoint.hints.has_value(); };
      hinted += !slice->endpoints.empty() && std::all_of(slice->endpoints.begin(), slice->endpoints.end(), has_hint);
    }
    return hinted;
  }

  VirtualCluster cluster_;
  std::map<ObjectKey, std::map<std::string, int>> events_;
};

TEST_P(FlappingTest, HintsAreBackWithinOneWindowAndToldOnce) {
  ASSERT_TRUE(cluster_.Settle());
  ASSERT_EQ(Hinted(), kServices);
  const bool resilient = GetParam() == HintsPolicy::kResilient;
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    events_.clear();
    PutNode(3, false);
    cluster_.RunFor(kOneWindow);
    // One node of nine is within the resilient policy's share of unknown ones.
    ASSERT_EQ(Hinted(), resilient ? kServices : 0);
    cluster_.RunFor(seconds(30) - kOneWindow);
    PutNode(3, true);
    cluster_.RunFor(kOneWindow);
    ASSERT_EQ(Hinted(), kServices);
    cluster_.RunFor(seconds(30) - kOneWindow);
    ASSERT_EQ(events_.size(), resilient ? 0U : static_cast<std::size_t>(kServices));
    for (const auto& [service, by_reason] : events_) {
      ASSERT_THAT(by_reason, ::testing::ElementsAre(::testing::Pair("TopologyAwareHintsDisabled", 1),
                                                    ::testing::Pair("TopologyAwareHintsEnabled", 1)))
          << service.ToString();
    }
  }
  for (const auto& [state, services] : cluster_.controller().hint_totals().services) {
    EXPECT_EQ(services, state.first == HintState::Kind::kEnabled ? kServices : 0) << state.second;
  }
  // A create each; then, by the reference's rules, two updates in each round.
  // Under the resilient policy only those with a pod on the node are written.
  const std::int64_t writes = cluster_.sent() - kServices;
  const std::int64_t with_a_pod_there = 3 * kServices / 9 + 3;
  EXPECT_LE(writes, 2 * kRounds * (resilient ? with_a_pod_there : std::int64_t{kServices}));
}

INSTANTIATE_TEST_SUITE_P(Policies, FlappingTest, ::testing::Values(HintsPolicy::kReference, HintsPolicy::kResilient),
                         [](const auto& param) { return std::string(NameOf(param.param)); });

}  // namespace
}  // namespace epslice

// Reconcile() in a test, checked each time it runs.
#ifndef EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_RECONCILE_FIXTURE_H_
#define EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_RECONCILE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "controllers/endpointslice/reconcile.h"
#include "test/controllers/builders.h"

namespace epslice::testkit {

using Slices = std::vector<std::shared_ptr<const EndpointSlice>>;

// Runs Reconcile and checks, each time, that the input was left as it was and
// that the same input gives the same bytes.
class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    input_.service = ServiceBuilder();
    input_.nodes = Zones({{"n1", "a"}, {"n2", "b"}, {"bare", ""}});
    input_.trigger_time = Timestamp::FromSeconds(kCreated);
  }

  static std::string Print(const Plan& plan) {
    std::string out;
    for (const SliceWrite& write : plan.writes) {
      out += std::to_string(static_cast<int>(write.op)) + " ";
      AppendJson(*write.slice, &out);
      out += '\n';
    }
    return out;
  }

  static std::string Print(const ReconcileInput& input) {
    std::string out = EncodeJson(*input.service);
    for (const auto& pod : input.pods) AppendJson(*pod, &out);
    for (const auto& slice : input.slices) AppendJson(*slice, &out);
    return out;
  }

  Plan Run() {
    const std::string before = Print(input_);
    Plan plan = Reconcile(input_, config_);
    EXPECT_EQ(Print(input_), before) << "the input was changed";
    EXPECT_EQ(Print(Reconcile(input_, config_)), Print(plan)) << "equal input, different output";
    return plan;
  }

  // Runs, applies, and checks that a second run has nothing to do.
  Slices Settle() {
    input_.slices = ApplyPlan(input_.slices, Run());
    const Plan again = Run();
    EXPECT_THAT(again.writes, ::testing::IsEmpty()) << Print(again);
    return input_.slices;
  }

  static std::string Ops(const Plan& plan) {
    int counts[3] = {0, 0, 0};
    for (const SliceWrite& write : plan.writes) ++counts[static_cast<int>(write.op)];
    return "c" + std::to_string(counts[0]) + " u" + std::to_string(counts[1]) + " d" + std::to_string(counts[2]);
  }

  std::multiset<std::string> Sizes() const {
    std::multiset<std::string> sizes;
    for (const auto& slice : input_.slices) {
      sizes.insert(slice->addressType.str() + ":" + std::to_string(slice->endpoints.size()));
    }
    return sizes;
  }

  void Edit(std::size_t i, const std::function<void(EndpointSlice*)>& edit) {
    auto slice = std::make_shared<EndpointSlice>(*input_.slices[i]);
    edit(slice.get());
    input_.slices[i] = std::move(slice);
  }

  ReconcileInput input_;
  ReconcileConfig config_;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_RECONCILE_FIXTURE_H_

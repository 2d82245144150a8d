// Leases of nodes are renewed while they are there, and are gone afterwards.
#include "test/e2e/node_leases.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/e2e/process.h"
#include "test/e2e/suite.h"

namespace epslice::e2e {
namespace {

TEST(NodeLeases, AreRenewedAndGo) {
  ApiClient& admin = Suite::Get().admin();
  const std::string stays = "e2e-" + Suite::Get().suffix() + "-stays";
  const std::string goes = "e2e-" + Suite::Get().suffix() + "-goes";
  auto leases = std::make_unique<NodeLeases>(&admin, &Suite::Get().clock(), std::chrono::milliseconds(20));
  const auto renewed = [&] { return admin.Get(NodeLeases::Path(stays)).body.at("spec").at("renewTime"); };
  for (const std::string& node : {stays, goes}) {
    const Answer made = leases->Add(node);
    ASSERT_TRUE(made.ok()) << made.ToString();
    EXPECT_EQ(made.body.at("spec").at("holderIdentity"), node);
  }
  for (int i = 0; i < 2; ++i) {
    const Json before = renewed();
    EXPECT_TRUE(Poll(kPatience, [&] { return renewed() > before; })) << before;
  }
  leases->Remove(goes);
  EXPECT_EQ(admin.Get(NodeLeases::Path(goes)).code, 404);
  const Json before = renewed();
  EXPECT_TRUE(Poll(kPatience, [&] { return renewed() > before; })) << before;
  EXPECT_EQ(admin.Get(NodeLeases::Path(goes)).code, 404) << "a renewal makes none";
  leases.reset();
  EXPECT_EQ(admin.Get(NodeLeases::Path(stays)).code, 404);
}

}  // namespace
}  // namespace epslice::e2e

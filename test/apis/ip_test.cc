#include "apis/ip.h"

#include <gtest/gtest.h>

#include <string>

namespace epslice {
namespace {

TEST(IpTest, PrintsCanonically) {
  const struct {
    std::string in;
    std::string out;
    IpFamily family;
  } cases[] = {
      {"10.1.2.3", "10.1.2.3", IpFamily::kIPv4},
      {"0.0.0.0", "0.0.0.0", IpFamily::kIPv4},
      {"255.255.255.255", "255.255.255.255", IpFamily::kIPv4},
      {"010.001.02.3", "10.1.2.3", IpFamily::kIPv4},
      {"0000000000000010.08.09.000", "10.8.9.0", IpFamily::kIPv4},
      {"::ffff:10.1.2.3", "10.1.2.3", IpFamily::kIPv4},
      {"::FFFF:010.1.2.3", "10.1.2.3", IpFamily::kIPv4},
      {"::ffff:a01:203", "10.1.2.3", IpFamily::kIPv4},
      {"0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4", IpFamily::kIPv4},
      {"::", "::", IpFamily::kIPv6},
      {"::1", "::1", IpFamily::kIPv6},
      {"1::", "1::", IpFamily::kIPv6},
      {"0:0:0:0:0:0:0:0", "::", IpFamily::kIPv6},
      {"FD00:0:0:0:0:0:0:00AB", "fd00::ab", IpFamily::kIPv6},
      {"2001:DB8::0001", "2001:db8::1", IpFamily::kIPv6},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", IpFamily::kIPv6},  // one group is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", IpFamily::kIPv6},           // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", IpFamily::kIPv6},     // the first of equal ones
      {"0:0:1:0:0:0:1:0", "0:0:1::1:0", IpFamily::kIPv6},
      {"1:0:0:0:0:0:0:0", "1::", IpFamily::kIPv6},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", IpFamily::kIPv6},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", IpFamily::kIPv6},
      {"64:ff9b::1.2.3.4", "64:ff9b::102:304", IpFamily::kIPv6},
      {"::1.2.3.4", "::102:304", IpFamily::kIPv6},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", IpFamily::kIPv6},
      {"::00000001", "::1", IpFamily::kIPv6},
  };
  for (const auto& c : cases) {
    const std::optional<IpAddress> ip = ParseIpLenient(c.in);
    ASSERT_TRUE(ip.has_value()) << c.in;
    EXPECT_EQ(ip->text, c.out) << c.in;
    EXPECT_EQ(ip->family, c.family) << c.in;
    EXPECT_EQ(ParseIpLenient(ip->text), ip) << c.in;
  }
}

TEST(IpTest, RefusesWhatIsNoIp) {
  for (const char* in : {"",
                         "1",
                         "10.0.0",
                         "10.0.0.",
                         "10.0.0.1.",
                         "10.0.0.256",
                         "10..0.1",
                         ".1.2.3",
                         "1.2.3.4.5",
                         " 10.0.0.1",
                         "10.0.0.1 ",
                         "10.0.0.1/24",
                         "10.0.0.-1",
                         "+1.2.3.4",
                         "0x10.1.1.1",
                         "a.b.c.d",
                         "99999999999999999999.1.1.1",
                         "localhost",
                         ":",
                         ":1",
                         "1:",
                         "1::2::3",
                         "1:2:3:4:5:6:7:8:9",
                         "1:2:3:4:5:6:7",
                         "1:2:3:4::5:6:7:8",
                         "::1::",
                         ":::",
                         "12345::",
                         "::g",
                         "fe80::1%eth0",
                         "[::1]",
                         "1:2:3:4:5:6:7:1.2.3.4",
                         "::1.2.3",
                         "::1.2.3.256",
                         "1.2.3.4::",
                         "::1.2.3.4:5",
                         "1:2:3:4:5:6:7:8::",
                         "::1:",
                         "1.2:3.4",
                         "::.1.2.3"}) {
    EXPECT_EQ(ParseIpLenient(in), std::nullopt) << in;
  }
  EXPECT_EQ(ParseIpLenient(std::string("10.0.0.1\0", 9)), std::nullopt);
}

}  // namespace
}  // namespace epslice

// Options from a file (--config).
#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/controllers/manager/options_fixture.h"
#include "test/informers/http/pki.h"

namespace epslice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// A --config file.
Parsed ParseFile(const std::string& text, std::vector<std::string> args = {kMaster}) {
  const TempDir dir;
  args.push_back("--config=" + dir.Write("conf", text));
  Parsed p = Parse(std::move(args));
  // Without the folder, which is another each time.
  if (const std::size_t at = p.err.find(dir.path()); at != std::string::npos) p.err.erase(at, dir.path().size() + 1);
  return p;
}

const std::string kHeader = "apiVersion: epslice.dev/v1alpha1\nkind: EndpointSliceControllerConfiguration\n";

TEST(ConfigFileTest, HoldsFlagsOfEveryType) {
  const Parsed p = ParseFile(kHeader +
                             "max-endpoints-per-slice: 250 # a comment\n"
                             "kube-api-qps: 12.5\n"
                             "leader-elect: false\n"
                             "insecure: true\n"
                             "endpointslice-updates-batch-period: 500ms\n"
                             "controller-name: \"mine\"\n"
                             "hints-overload-threshold: 0.25\n"
                             "hints-unknown-nodes: 30%\n"
                             "v: 3\n");
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.max_endpoints_per_slice, 250);
  EXPECT_EQ(p.options.kube_api_qps, 12.5);
  EXPECT_FALSE(p.options.leader_elect);
  EXPECT_TRUE(p.options.insecure);
  EXPECT_EQ(p.options.endpointslice_updates_batch_period, milliseconds(500));
  EXPECT_EQ(p.options.controller_name, "mine");
  EXPECT_EQ(p.options.hints.overload_threshold, 250'000);
  EXPECT_EQ(p.options.hints.unknown_nodes, 300'000);
  EXPECT_EQ(p.options.verbosity, 3);
  const std::map<std::string, std::string> flags(p.options.effective.begin(), p.options.effective.end());
  EXPECT_EQ(flags.at("--max-endpoints-per-slice"), "250");
  EXPECT_EQ(flags.at("--leader-elect"), "false");
  EXPECT_EQ(flags.at("--insecure"), "true");
  EXPECT_EQ(flags.at("--kube-api-burst"), "30");
}

TEST(ConfigFileTest, TheCommandLineGoesBeforeItWhereverItStands) {
  for (const bool first : {true, false}) {
    std::vector<std::string> args = {kMaster, "--leader-elect=true"};
    args.insert(first ? args.begin() : args.end(), "--max-endpoints-per-slice=7");
    const Parsed p = ParseFile(kHeader + "max-endpoints-per-slice: 250\nmaster: http://other:1\nleader-elect: false\n",
                               std::move(args));
    ASSERT_EQ(p.code, std::nullopt) << p.err;
    EXPECT_EQ(p.options.max_endpoints_per_slice, 7);
    EXPECT_EQ(p.options.master, "http://127.0.0.1:8001");
    EXPECT_TRUE(p.options.leader_elect);
  }
}

TEST(ConfigFileTest, HasListsOfWhatMayBeThereMoreThanOnce) {
  const std::string lists = kHeader + "tls-sni-cert-key:\n- a.crt,a.key\n- b.crt,b.key:b.example.org\n";
  const auto certificates = [](const Parsed& p) {
    EXPECT_EQ(p.code, std::nullopt) << p.err;
    std::vector<std::string> all;
    for (const NamedServerTlsFiles& named : p.options.tls_sni_cert_keys) all.push_back(named.files.certificate);
    return all;
  };
  EXPECT_THAT(certificates(ParseFile(lists)), testing::ElementsAre("a.crt", "b.crt"));
  EXPECT_THAT(certificates(ParseFile(kHeader + "tls-sni-cert-key: a.crt,a.key\n")), testing::ElementsAre("a.crt"));
  EXPECT_THAT(certificates(ParseFile(lists, {kMaster, "--tls-sni-cert-key=c.crt,c.key"})),
              testing::ElementsAre("c.crt"));
}

TEST(ConfigFileTest, MayBeJson) {
  const Parsed p = ParseFile(
      "{\n\t\"apiVersion\": \"epslice.dev/v1alpha1\",\n\t\"kind\": \"EndpointSliceControllerConfiguration\",\n"
      "\t\"max-endpoints-per-slice\": 250,\n\t\"leader-elect\":false}\n");
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.max_endpoints_per_slice, 250);
  EXPECT_FALSE(p.options.leader_elect);
}

struct BadFile {
  std::string text;
  std::string line;
};

TEST(ConfigFileTest, WhatIsWrongIsOneLineThatSaysWhere) {
  const std::string unknown = " is not known; accepted are the names of flags without their dashes";
  const std::string api = "; accepted is apiVersion: epslice.dev/v1alpha1";
  for (const BadFile& c : std::vector<BadFile>{
           {"", "conf: line 1: apiVersion is missing" + api},
           {"# nothing\n", "conf: line 1: apiVersion is missing" + api},
           {"kind: x\napiVersion: epslice.dev/v1\n", "conf: line 2: apiVersion is \"epslice.dev/v1\"" + api},
           {"apiVersion: 1\n", "conf: line 1: apiVersion is a number" + api},
           {"apiVersion: epslice.dev/v1alpha1\nkind: Config\n",
            "conf: line 2: kind is \"Config\"; accepted is kind: EndpointSliceControllerConfiguration"},
           {kHeader + "\nmax-endpoints: 1\n", "conf: line 4: \"max-endpoints\"" + unknown},
           {kHeader + "--v: 1\n", "conf: line 3: \"--v\"" + unknown},
           {kHeader + "maxEndpointsPerSlice: 1\n", "conf: line 3: \"maxEndpointsPerSlice\"" + unknown},
           {kHeader + "config: other\n", "conf: line 3: \"config\"" + unknown},
           {kHeader + "version: true\n", "conf: line 3: \"version\"" + unknown},
           {kHeader + "v: 1\nv: 2\n", "conf: line 4: the key \"v\" is there twice (first on line 3)"},
           {kHeader + "v: \"1\"\n", "conf: line 3: v is a string; accepted is a number"},
           {kHeader + "leader-elect: \"false\"\n", "conf: line 3: leader-elect is a string; accepted is true or false"},
           {kHeader + "min-resync-period: 0\n", "conf: line 3: min-resync-period is a number; accepted is a string"},
           {kHeader + "v:\n", "conf: line 3: v is null; accepted is a number"},
           {kHeader + "v:\n- 1\n", "conf: line 3: v is a list; accepted is a number"},
           {kHeader + "tls-sni-cert-key:\n- a,b\n- 1\n",
            "conf: line 3: tls-sni-cert-key has a number; accepted is a string or a list of strings"},
           {kHeader + "tls-sni-cert-key: {a: b}\n",
            "conf: line 3: tls-sni-cert-key is a map; accepted is a string or a list of strings"},
           {kHeader + "v: {a: 1}\n", "conf: line 3: v is a map; accepted is a number"},
           {kHeader + "v: 1\nmax-endpoints-per-slice: 1001\n",
            "conf: line 4: max-endpoints-per-slice=1001: accepted is a whole number from 1 to 1000"},
           {kHeader + "v: 1.5\n", "conf: line 3: v=1.5: accepted is a whole number from 0"},
           {kHeader + "min-resync-period: soon\n",
            "conf: line 3: min-resync-period=soon: accepted is a duration such as 500ms, 1m30s or 0"},
           {"- a\n", "conf: line 1: is a sequence, not an object"},
           {"a: &x 1\nb: *y\n", "conf: line 2: is no YAML: the referenced anchor is not defined"},
           {kHeader + "---\nv: 1\n", "conf: line 3: more than 1 documents"},
           {"{\"apiVersion\": \"epslice.dev/v1alpha1\",\n\"kind\": \"EndpointSliceControllerConfiguration\",\n\"x\": "
            "1}",
            "conf: line 3: \"x\"" + unknown},
           // Together with what else holds.
           {kHeader + "leader-elect-lease-duration: 10s\n",
            "--leader-elect-lease-duration must be above --leader-elect-renew-deadline"}}) {
    const Parsed p = ParseFile(c.text);
    EXPECT_EQ(p.code, 2) << c.text;
    EXPECT_EQ(p.err, "endpointslice-controller: " + c.line + " (see --help)\n") << c.text;
  }
  const Parsed missing = Parse({kMaster, "--config=/nonexistent"});
  EXPECT_EQ(missing.err, "endpointslice-controller: /nonexistent: no such file (see --help)\n");
  EXPECT_EQ(missing.code, 2);
}

}  // namespace
}  // namespace epslice

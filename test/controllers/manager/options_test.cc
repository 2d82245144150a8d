#include "controllers/manager/options.h"

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

TEST(OptionsTest, DefaultsAreTheReferences) {
  const Parsed p = Parse({kMaster});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.master, "http://127.0.0.1:8001");
  EXPECT_EQ(p.options.kube_api_qps, 20);
  EXPECT_EQ(p.options.kube_api_burst, 30);
  EXPECT_EQ(p.options.kube_api_content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(p.options.concurrent_service_endpoint_syncs, 5);
  EXPECT_EQ(p.options.max_endpoints_per_slice, 100);
  EXPECT_EQ(p.options.endpointslice_updates_batch_period, Duration::zero());
  EXPECT_EQ(p.options.min_resync_period, hours(12));
  EXPECT_EQ(p.options.controller_name, "endpointslice-controller.k8s.io");
  EXPECT_EQ(p.options.verbosity, 0);
  EXPECT_EQ(p.options.logging_format, LogFormat::kText);
}

TEST(OptionsTest, TakesEveryFlagInBothSpellings) {
  const Parsed p =
      Parse({"--master", "http://[::1]:6443/prefix/", "--kube-api-qps=12.5", "--kube-api-burst", "7",
             "--concurrent-service-endpoint-syncs=50", "--max-endpoints-per-slice", "1000",
             "--endpointslice-updates-batch-period=500ms", "--min-resync-period=1h30m",
             "--controller-name=mine.example.com", "--kube-api-content-type=application/json", "--leader-elect=false",
             "--logging-format=json", "-v", "3", "--kubeconfig=a.conf", "--context", "b"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.master, "http://[::1]:6443/prefix");
  EXPECT_EQ(p.options.kubeconfig, "a.conf");
  EXPECT_EQ(p.options.context, "b");
  EXPECT_EQ(p.options.kube_api_qps, 12.5);
  EXPECT_EQ(p.options.kube_api_burst, 7);
  EXPECT_EQ(p.options.kube_api_content_type, "application/json");
  EXPECT_EQ(p.options.concurrent_service_endpoint_syncs, 50);
  EXPECT_EQ(p.options.max_endpoints_per_slice, 1000);
  EXPECT_EQ(p.options.endpointslice_updates_batch_period, milliseconds(500));
  EXPECT_EQ(p.options.min_resync_period, std::chrono::minutes(90));
  EXPECT_EQ(p.options.controller_name, "mine.example.com");
  EXPECT_EQ(p.options.logging_format, LogFormat::kJson);
  EXPECT_EQ(p.options.verbosity, 3);
}

TEST(OptionsTest, ServesOnLoopbackUnlessToldOtherwise) {
  const Parsed preset = Parse({kMaster});
  EXPECT_EQ(preset.options.bind_address, "127.0.0.1");
  EXPECT_EQ(preset.options.secure_port, 10270);
  EXPECT_FALSE(preset.options.insecure);
  const Parsed p = Parse({kMaster, "--bind-address=0:0::0", "--secure-port=0", "--tls-cert-file=a.crt",
                          "--tls-private-key-file", "a.key"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.bind_address, "::");
  EXPECT_EQ(p.options.secure_port, 0);
  EXPECT_EQ(p.options.tls_cert_file, "a.crt");
  EXPECT_EQ(p.options.tls_private_key_file, "a.key");
  EXPECT_TRUE(Parse({kMaster, "--insecure"}).options.insecure);
}

TEST(OptionsTest, DelegatesAsTheReference) {
  const Parsed preset = Parse({kMaster});
  EXPECT_EQ(preset.options.authentication_cache_ttl, seconds(10));
  EXPECT_EQ(preset.options.authorized_cache_ttl, seconds(10));
  EXPECT_EQ(preset.options.unauthorized_cache_ttl, seconds(10));
  EXPECT_THAT(preset.options.always_allow_paths, testing::ElementsAre("/healthz", "/readyz", "/livez"));
  const Parsed p =
      Parse({kMaster, "--authentication-kubeconfig=a", "--authorization-kubeconfig", "b",
             "--authentication-token-webhook-cache-ttl=1m", "--authorization-webhook-cache-authorized-ttl=2s",
             "--authorization-webhook-cache-unauthorized-ttl=0", "--authorization-always-allow-paths=/a,/b/*"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.authentication_kubeconfig, "a");
  EXPECT_EQ(p.options.authorization_kubeconfig, "b");
  EXPECT_EQ(p.options.authentication_cache_ttl, std::chrono::minutes(1));
  EXPECT_EQ(p.options.authorized_cache_ttl, seconds(2));
  EXPECT_EQ(p.options.unauthorized_cache_ttl, Duration::zero());
  EXPECT_THAT(p.options.always_allow_paths, testing::ElementsAre("/a", "/b/*"));
  for (const auto& [flag, why] : std::map<std::string, std::string>{
           {"--client-ca-file=", "accepted is a file"},
           {"--authorization-always-allow-paths=healthz", "accepted are paths that begin with a slash"},
           {"--authorization-always-allow-paths=/a,", "accepted are paths that begin with a slash"},
           {"--authorization-always-allow-paths=/a*b", "and * at an end at most"},
           {"--authentication-token-webhook-cache-ttl=10", "accepted is a duration"}}) {
    const Parsed refused = Parse({kMaster, flag});
    EXPECT_EQ(refused.code, 2) << flag;
    EXPECT_THAT(refused.err, HasSubstr(why));
  }
  EXPECT_THAT(Parse({kMaster, "--insecure", "--authentication-kubeconfig=a"}).err,
              HasSubstr("--insecure serves plain HTTP, on which no token should be shown"));
}

// Empty is a value, and no reason to take the next argument for one.
TEST(OptionsTest, AnEmptyListIsOne) {
  const Parsed none = Parse({"--authorization-always-allow-paths=", kMaster, "--requestheader-group-headers="});
  ASSERT_EQ(none.code, std::nullopt) << none.err;
  EXPECT_THAT(none.options.always_allow_paths, testing::IsEmpty());
  EXPECT_THAT(none.options.client_trust.request_headers.group_headers, testing::IsEmpty());
  EXPECT_EQ(none.options.master, "http://127.0.0.1:8001");
  EXPECT_THAT(none.options.effective, testing::Contains(testing::Pair("--authorization-always-allow-paths", "")));
  EXPECT_THAT(Parse({kMaster, "--kubeconfig=", "--v=2"}).err, HasSubstr("--kubeconfig=: accepted is a file"));
  const TempDir dir;
  const std::string file = dir.Write("c.yaml",
                                     "apiVersion: epslice.dev/v1alpha1\nkind: EndpointSliceControllerConfiguration\n"
                                     "authorization-always-allow-paths: ''\nauthentication-skip-lookup: true\n"
                                     "requestheader-allowed-names: a,b\nclient-ca-file: x\n");
  const Parsed from_file = Parse({"--config=" + file, kMaster});
  ASSERT_EQ(from_file.code, std::nullopt) << from_file.err;
  EXPECT_THAT(from_file.options.always_allow_paths, testing::IsEmpty());
  EXPECT_TRUE(from_file.options.client_trust.skip_lookup);
  EXPECT_EQ(from_file.options.client_trust.client_ca_file, "x");
  EXPECT_THAT(from_file.options.client_trust.request_headers.allowed_names, testing::ElementsAre("a", "b"));
}

TEST(OptionsTest, KnowsClientsAsTheReference) {
  const ClientTrustOptions preset = Parse({kMaster}).options.client_trust;
  EXPECT_FALSE(preset.Given());
  EXPECT_FALSE(preset.skip_lookup);
  EXPECT_FALSE(preset.tolerate_lookup_failure);
  EXPECT_THAT(preset.request_headers.username_headers, testing::ElementsAre("x-remote-user"));
  EXPECT_THAT(preset.request_headers.uid_headers, testing::IsEmpty());
  EXPECT_THAT(preset.request_headers.group_headers, testing::ElementsAre("x-remote-group"));
  EXPECT_THAT(preset.request_headers.extra_header_prefixes, testing::ElementsAre("x-remote-extra-"));
  EXPECT_THAT(preset.request_headers.allowed_names, testing::IsEmpty());
  // As kubeadm has them.
  const Parsed p =
      Parse({kMaster, "--client-ca-file=/pki/ca.crt", "--requestheader-client-ca-file=/pki/front-proxy-ca.crt",
             "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=A,B",
             "--requestheader-uid-headers=U", "--requestheader-extra-headers-prefix=E-,F-",
             "--authentication-tolerate-lookup-failure", "--authentication-skip-lookup=false"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  const ClientTrustOptions& trust = p.options.client_trust;
  EXPECT_TRUE(trust.Given());
  EXPECT_EQ(trust.client_ca_file, "/pki/ca.crt");
  EXPECT_EQ(trust.requestheader_client_ca_file, "/pki/front-proxy-ca.crt");
  EXPECT_TRUE(trust.tolerate_lookup_failure);
  EXPECT_FALSE(trust.skip_lookup);
  EXPECT_THAT(trust.request_headers.username_headers, testing::ElementsAre("A", "B"));
  EXPECT_THAT(trust.request_headers.uid_headers, testing::ElementsAre("U"));
  EXPECT_THAT(trust.request_headers.extra_header_prefixes, testing::ElementsAre("E-", "F-"));
  EXPECT_THAT(trust.request_headers.allowed_names, testing::ElementsAre("front-proxy-client"));
  for (const auto& [flag, why] : std::map<std::string, std::string>{
           {"--requestheader-username-headers=a b", "accepted are names of headers"},
           {"--requestheader-group-headers=a,,b", "accepted are names of headers"},
           {"--requestheader-uid-headers=a:b", "accepted are names of headers"},
           {"--requestheader-allowed-names=a,", "accepted are names, with a comma between"},
           {"--requestheader-client-ca-file=", "accepted is a file"}}) {
    const Parsed refused = Parse({kMaster, flag});
    EXPECT_EQ(refused.code, 2) << flag;
    EXPECT_THAT(refused.err, HasSubstr(flag + ": " + why));
  }
  EXPECT_THAT(Parse({kMaster, "--insecure", "--client-ca-file=x"}).err,
              HasSubstr("--insecure serves plain HTTP, on which no certificate is shown"));
}

TEST(OptionsTest, ServesAsTheReference) {
  const Parsed p =
      Parse({kMaster, "--tls-min-version=VersionTLS13", "--permit-port-sharing", "--permit-address-sharing",
             "--disable-http2-serving", "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.tls_policy, (TlsServerPolicy{TlsServerPolicy::Version::kTls13, "ECDHE-RSA-AES128-GCM-SHA256"}));
  EXPECT_TRUE(p.options.permit_port_sharing);
  EXPECT_FALSE(Parse({kMaster}).options.permit_port_sharing);
  for (const auto& [flag, why] : std::map<std::string, std::string>{
           {"--tls-min-version=VersionTLS11", "accepted is VersionTLS12 or VersionTLS13"},
           {"--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA",
            "accepted are, with a comma between, TLS_AES_128_GCM_SHA256"},
           {"--disable-http2-serving=false", "HTTP/1.1 is all that is served"},
           {"--http2-max-streams-per-connection=9", "HTTP/1.1 is served, which has no streams: leave it out"},
           {"--cert-dir=/x", "no certificate is written to disk"}}) {
    const Parsed refused = Parse({kMaster, flag});
    EXPECT_EQ(refused.code, 2) << flag;
    EXPECT_THAT(refused.err, HasSubstr(why));
  }
  for (const char* refused : {"--http2-max-streams-per-connection", "--cert-dir"}) {
    EXPECT_THAT(p.options.effective, testing::Not(testing::Contains(testing::Key(refused))));
  }
}

TEST(OptionsTest, ServesOtherCertificatesForSomeNames) {
  const Parsed p = Parse({kMaster, "--tls-sni-cert-key=a.crt,a.key", "--tls-sni-cert-key",
                          " b.crt , b.key : *.example.org, ::1,10.0.0.1"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  ASSERT_EQ(p.options.tls_sni_cert_keys.size(), 2U);
  const NamedServerTlsFiles& a = p.options.tls_sni_cert_keys[0];
  EXPECT_EQ(a.files.certificate, "a.crt");
  EXPECT_EQ(a.files.key, "a.key");
  EXPECT_THAT(a.names, testing::IsEmpty());
  const NamedServerTlsFiles& b = p.options.tls_sni_cert_keys[1];
  EXPECT_EQ(b.files.certificate, "b.crt");
  EXPECT_EQ(b.files.key, "b.key");
  EXPECT_THAT(b.names, testing::ElementsAre("*.example.org", "::1", "10.0.0.1"));
  EXPECT_THAT(p.options.effective,
              testing::Contains(std::pair<std::string, std::string>(
                  "--tls-sni-cert-key", "a.crt,a.key; b.crt , b.key : *.example.org, ::1,10.0.0.1")));
  for (const char* bad : {"a.crt", "a.crt,a.key,b", "a.crt,", ",a.key", "", "a,b:", "a,b:x,", "a,b:no name",
                          "a,b:*x.org", "a,b:a.*.org", "a,b:*."}) {
    const Parsed refused = Parse({kMaster, "--tls-sni-cert-key", bad});
    EXPECT_EQ(refused.code, 2) << bad;
    EXPECT_THAT(refused.err, HasSubstr("accepted is CERT,KEY or CERT,KEY:NAME,...")) << bad;
  }
  EXPECT_THAT(Parse({kMaster, "--insecure", "--tls-sni-cert-key=a,b"}).err, HasSubstr("leave out --tls-sni-cert-key"));
}

TEST(OptionsTest, ListsTheFlagsAsTheyHold) {
  const Parsed p = Parse({"-v", "1", kMaster, "--kube-api-qps=7", "--kube-api-qps=8", "--insecure", "-v=3"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  std::map<std::string, std::string> flags(p.options.effective.begin(), p.options.effective.end());
  EXPECT_EQ(flags.size(), p.options.effective.size());
  EXPECT_TRUE(std::is_sorted(p.options.effective.begin(), p.options.effective.end()));
  EXPECT_EQ(flags["--kube-api-qps"], "8");
  EXPECT_EQ(flags["--kube-api-burst"], "30");
  EXPECT_EQ(flags["--insecure"], "true");
  EXPECT_EQ(flags["--leader-elect"], "true");
  EXPECT_EQ(flags["--v"], "3");
  EXPECT_EQ(flags["--secure-port"], "10270");
  EXPECT_EQ(flags.count("--help") + flags.count("--version"), 0U);
}

TEST(OptionsTest, ShadowElectsNobody) {
  const Parsed preset = Parse({kMaster});
  EXPECT_EQ(preset.options.mode, ManagerMode::kActive);
  EXPECT_EQ(preset.options.shutdown_grace_period, seconds(10));
  const Parsed p =
      Parse({kMaster, "--mode=shadow", "--leader-elect=true", "--shadow-grace=1m", "--shutdown-grace-period", "500ms"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.mode, ManagerMode::kShadow);
  EXPECT_FALSE(p.options.leader_elect);
  EXPECT_EQ(p.options.shadow_grace, std::chrono::minutes(1));
  EXPECT_EQ(p.options.shutdown_grace_period, milliseconds(500));
  const std::map<std::string, std::string> flags(p.options.effective.begin(), p.options.effective.end());
  EXPECT_EQ(flags.at("--leader-elect"), "false");
}

TEST(OptionsTest, VerbosityHasFourSpellingsAndTheLastOneCounts) {
  EXPECT_EQ(Parse({kMaster, "-v=2"}).options.verbosity, 2);
  EXPECT_EQ(Parse({kMaster, "-v2"}).options.verbosity, 2);
  EXPECT_EQ(Parse({kMaster, "--v=2"}).options.verbosity, 2);
  EXPECT_EQ(Parse({kMaster, "--v", "2"}).options.verbosity, 2);
  const Parsed p = Parse({kMaster, "-v=2", "--v=5", "--kube-api-qps=1", "--kube-api-qps=2"});
  ASSERT_EQ(p.code, std::nullopt) << p.err;
  EXPECT_EQ(p.options.verbosity, 5);
  EXPECT_EQ(p.options.kube_api_qps, 2);
}

TEST(OptionsTest, VersionAndHelpGoToStandardOutput) {
  const Parsed version = Parse({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "endpointslice-controller " + std::string(Version()) + "\n");
  EXPECT_EQ(version.err, "");

  for (const char* value : {"1", "true", "T"}) {
    EXPECT_EQ(Parse({std::string("--version=") + value}).out, version.out);
  }
  const Parsed raw = Parse({"--version=raw"});
  EXPECT_EQ(raw.code, 0);
  EXPECT_THAT(raw.out, testing::MatchesRegex("version.Info.Major:\"0\", .*GitVersion:\"v" + std::string(Version()) +
                                             "\", .*Platform:\"linux/.*\n"));
  EXPECT_EQ(Parse({kMaster, "--version=false"}).code, std::nullopt);
  const Parsed odd = Parse({kMaster, "--version=odd"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err, HasSubstr("--version=odd: accepted is true, false or raw"));

  const Parsed help = Parse({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  for (const char* part :
       {"Generic flags:", "API server flags:", "Endpointslice controller flags:", "Topology hints flags:",
        "Shadow flags:", "Leader election flags:", "Secure serving flags:", "Logs flags:", "Global flags:", "--mode",
        "--master", "--min-resync-period", "--leader-elect", "--logging-format", "DURATION=12h", "Exit codes"}) {
    EXPECT_THAT(help.out, HasSubstr(part));
  }
}

struct BadCase {
  std::vector<std::string> args;
  std::string line;  // between "endpointslice-controller: " and " (see --help)"
};

class BadOptionsTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadOptionsTest, IsOneClearLine) {
  const Parsed p = Parse(GetParam().args);
  EXPECT_EQ(p.code, 2);
  EXPECT_EQ(p.out, "");
  EXPECT_EQ(p.err, "endpointslice-controller: " + GetParam().line + " (see --help)\n");
}

constexpr const char* kDurations = "accepted is a duration such as 500ms, 1m30s or 0";
constexpr const char* kUrlForm = "accepted is https://HOST[:PORT][/PREFIX], or http";

BadCase Bad(const std::string& arg, const std::string& accepted) { return {{kMaster, arg}, arg + ": " + accepted}; }
BadCase BadMaster(const std::string& url, const std::string& accepted) {
  return {{"--master=" + url}, "--master=" + url + ": " + accepted};
}

INSTANTIATE_TEST_SUITE_P(
    Values, BadOptionsTest,
    testing::Values(
        Bad("--kube-api-qps=0", "accepted is a number above 0, up to 1000000, or one below 0: no limit"),
        Bad("--kube-api-qps=fast", "accepted is a number above 0, up to 1000000, or one below 0: no limit"),
        Bad("--kube-api-qps=nan", "accepted is a number above 0, up to 1000000, or one below 0: no limit"),
        Bad("--kube-api-burst=0", "accepted is a whole number from 1 to 1000000"),
        Bad("--kube-api-burst=1.5", "accepted is a whole number from 1 to 1000000"),
        Bad("--concurrent-service-endpoint-syncs=0", "accepted is a whole number from 1 to 50"),
        Bad("--concurrent-service-endpoint-syncs=51", "accepted is a whole number from 1 to 50"),
        Bad("--max-endpoints-per-slice=1001", "accepted is a whole number from 1 to 1000"),
        Bad("--max-endpoints-per-slice=99999999999999999999", "accepted is a whole number from 1 to 1000"),
        Bad("--max-endpoints-per-slice=10x", "accepted is a whole number from 1 to 1000"),
        Bad("--endpointslice-updates-batch-period=5", kDurations),
        Bad("--endpointslice-updates-batch-period=-1s", kDurations), Bad("--min-resync-period=inf", kDurations),
        Bad("--min-resync-period=1d", kDurations),
        Bad("--controller-name=a b",
            "accepted is a label value: up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both "
            "ends"),
        Bad("--bind-address=localhost", "accepted is an IP address"),
        Bad("--secure-port=65536", "accepted is a whole number from 0 to 65535"),
        Bad("--mode=passive", "accepted is active or shadow"), Bad("--shadow-grace=soon", kDurations),
        Bad("--shutdown-grace-period=-1s", kDurations), Bad("--logging-format=xml", "accepted is text or json"),
        Bad("--leader-elect=maybe", "accepted is true or false"),
        Bad("--leader-elect-resource-lock=endpoints", "accepted is leases"),
        Bad("--leader-elect-resource-name=A_b",
            "accepted is an object's name: lower case letters, digits, '-' and '.'"),
        Bad("--kube-api-content-type=text/plain",
            "accepted is application/json or application/vnd.kubernetes.protobuf")));

INSTANTIATE_TEST_SUITE_P(Masters, BadOptionsTest,
                         testing::Values(BadMaster("127.0.0.1:8001", kUrlForm), BadMaster("http://", kUrlForm),
                                         BadMaster("https:///", kUrlForm), BadMaster("http://:80", kUrlForm),
                                         BadMaster("ftp://h", kUrlForm), BadMaster("http://h/?q=1", kUrlForm),
                                         BadMaster("http://[::1", kUrlForm), BadMaster("https://h:0", kUrlForm),
                                         BadMaster("http://h:65536", kUrlForm), BadMaster("http://h:x", kUrlForm),
                                         BadCase{{"--master=https://user:pass@host"},
                                                 std::string("--master=(not shown): ") + kUrlForm}));

INSTANTIATE_TEST_SUITE_P(
    Usage, BadOptionsTest,
    testing::Values(BadCase{{kMaster, "--leader-elect-renew-deadline=2s"},
                            "--leader-elect-renew-deadline must be above 1.2 times --leader-elect-retry-period"},
                    BadCase{{kMaster, "--leader-elect-lease-duration=10s"},
                            "--leader-elect-lease-duration must be above --leader-elect-renew-deadline"},
                    BadCase{{kMaster, "--mode=shadow", "--shadow-grace=999ms"}, "--shadow-grace must be at least 1s"},
                    BadCase{{kMaster, "--mode=shadow", "--endpointslice-updates-batch-period=10s"},
                            "--shadow-grace must be above --endpointslice-updates-batch-period"},
                    BadCase{{kMaster, "--tls-cert-file=a"}, "--tls-cert-file and --tls-private-key-file go together"},
                    BadCase{{kMaster, "--insecure", "--tls-cert-file=a", "--tls-private-key-file=b"},
                            "--insecure serves plain HTTP: leave out --tls-cert-file"},
                    BadCase{{kMaster, "-v=loud"}, "-v=loud: accepted is a whole number from 0"},
                    BadCase{{kMaster, "-v="}, "--v: 1 required N missing"},
                    BadCase{{"--kubeconfig="}, "--kubeconfig=: accepted is a file"},
                    BadCase{{"--kubeconfig", ""}, "--kubeconfig=: accepted is a file"},
                    BadCase{{"--context", ""}, "--context=: accepted is a context's name"},
                    BadCase{{kMaster, "--no-such-flag"}, "The following argument was not expected: --no-such-flag"},
                    // One line stays one line.
                    BadCase{{kMaster, "--logging-format=a\nb"}, "--logging-format=a b: accepted is text or json"}));

TEST(ParseDurationTest, ReadsGoDurations) {
  const std::vector<std::pair<std::string, Duration>> good = {
      {"0", Duration(0)},      {"0s", Duration(0)},        {"500ms", milliseconds(500)}, {"1m30s", seconds(90)},
      {"1.5h", seconds(5400)}, {"12h", hours(12)},         {"250us", Duration(250000)},  {"250µs", Duration(250000)},
      {"10ns", Duration(10)},  {".5s", milliseconds(500)}, {"+1s", seconds(1)},
  };
  for (const auto& [text, want] : good) {
    const auto got = ParseDuration(text);
    ASSERT_TRUE(got.ok()) << text << ": " << got.status();
    EXPECT_EQ(*got, want) << text;
  }
  for (const char* text : {"", "5", "s", "1d", "-1s", "inf", "1h 30m", "1e3s", "2000000h"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(UserAgentTest, NamesProgramAndVersion) {
  EXPECT_THAT(UserAgent(), testing::StartsWith("endpointslice-controller/" + std::string(Version()) + " (linux/"));
  EXPECT_THAT(UserAgent(), testing::EndsWith(") epslice"));
}

}  // namespace
}  // namespace epslice

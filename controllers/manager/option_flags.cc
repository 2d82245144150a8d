// Every flag: its name, what it takes, what it means.
#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "apis/names.h"
#include "apis/protobuf.h"
#include "controllers/manager/option_flags.h"
#include "controllers/manager/option_setters.h"
#include "informers/http/http_routes.h"

namespace epslice {
namespace {

// The groups of --help, named as kube-controller-manager's where it has them.
constexpr const char* kGeneric = "Generic flags";
constexpr const char* kApiServer = "API server flags";
constexpr const char* kController = "Endpointslice controller flags";
constexpr const char* kHints = "Topology hints flags";
constexpr const char* kShadow = "Shadow flags";
constexpr const char* kLeaderElection = "Leader election flags";
constexpr const char* kLogging = "Logs flags";
constexpr const char* kGlobal = "Global flags";

std::optional<std::string> SetQps(const std::string& value, double* target) {
  double n = 0;
  if (!absl::SimpleAtod(value, &n) || !std::isfinite(n) || n == 0 || n > 1e6) {
    return "accepted is a number above 0, up to 1000000, or one below 0: no limit";
  }
  *target = n;
  return std::nullopt;
}

std::optional<std::string> SetMaster(std::string value, std::string* target) {
  if (!ParseHttpUrl(value).ok()) return "accepted is https://HOST[:PORT][/PREFIX], or http";
  while (value.back() == '/') value.pop_back();
  *target = value;
  return std::nullopt;
}

void AddGenericFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(
      app, "--config", kGeneric, "FILE", "",
      "Flags from a file, YAML or JSON: apiVersion epslice.dev/v1alpha1, kind EndpointSliceControllerConfiguration, "
      "and the flags by their names without dashes. What is on the command line goes before it",
      FileSetter(&o->config));
  AddFlag(app, "--mode", kGeneric, "MODE", "active",
          "active: keeps the slices as they should be. shadow: reads only, beside a controller that writes, and says "
          "where the two disagree; it writes no slice, no Event and no Lease",
          [o](const std::string& value) -> std::optional<std::string> {
            if (value != "active" && value != "shadow") return "accepted is active or shadow";
            o->mode = value == "shadow" ? ManagerMode::kShadow : ManagerMode::kActive;
            return std::nullopt;
          });
  AddFlag(app, "--shutdown-grace-period", kGeneric, "DURATION", "10s",
          "How long syncs that are under way may take to end after SIGTERM or SIGINT",
          DurationSetter(&o->shutdown_grace_period));
}

void AddShadowFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--shadow-grace", kShadow, "DURATION", "10s",
          "A difference that lasts longer is told of and counted; at least 1s, and above "
          "--endpointslice-updates-batch-period, which is to be that of the controller that writes",
          DurationSetter(&o->shadow_grace));
}

void AddConnectionFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--kubeconfig", kApiServer, "FILE", "",
          "How to reach the API server, and who to be. Without it, --master and KUBECONFIG: as a pod is told to",
          FileSetter(&o->kubeconfig));
  AddFlag(app, "--context", kApiServer, "NAME", "", "Of the kubeconfig, instead of its current-context",
          [o](const std::string& value) -> std::optional<std::string> {
            if (value.empty()) return "accepted is a context's name";
            o->context = value;
            return std::nullopt;
          });
  AddFlag(app, "--master", kApiServer, "URL", "",
          "Address of the API server, instead of the kubeconfig's: https://HOST[:PORT][/PREFIX], or http. Over http, "
          "and without --kubeconfig, no credentials are sent",
          [o](const std::string& value) { return SetMaster(value, &o->master); });
}

void AddApiServerFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--kube-api-qps", kApiServer, "NUMBER", "20", "Requests per second to the API server; below 0: no limit",
          [o](const std::string& value) { return SetQps(value, &o->kube_api_qps); });
  AddFlag(app, "--kube-api-burst", kApiServer, "N", "30",
          "Requests that may be sent at once before --kube-api-qps holds", IntSetter(&o->kube_api_burst, 1, 1'000'000));
  AddFlag(app, "--kube-api-content-type", kApiServer, "TYPE", o->kube_api_content_type,
          "What is spoken to the API server; application/json is the other. A server that refuses protobuf is spoken "
          "to in JSON",
          [o](const std::string& value) -> std::optional<std::string> {
            if (value != "application/json" && value != kProtobufMediaType) {
              return absl::StrCat("accepted is application/json or ", std::string(kProtobufMediaType));
            }
            o->kube_api_content_type = value;
            return std::nullopt;
          });
}

void AddControllerFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "--concurrent-service-endpoint-syncs", kController, "N", "5",
          "Services worked on at the same time, 1-50", IntSetter(&o->concurrent_service_endpoint_syncs, 1, 50));
  AddFlag(app, "--max-endpoints-per-slice", kController, "N", "100", "Endpoints in one EndpointSlice, 1-1000",
          IntSetter(&o->max_endpoints_per_slice, 1, 1000));
  AddFlag(app, "--endpointslice-updates-batch-period", kController, "DURATION", "0s",
          "How long changes of pods are collected before their Services are worked on",
          DurationSetter(&o->endpointslice_updates_batch_period));
  AddFlag(app, "--min-resync-period", kController, "DURATION", "12h",
          "Every one to two of these periods (drawn anew each time) all Services are queued again; 0: never",
          DurationSetter(&o->min_resync_period));
  AddFlag(app, "--controller-name", kController, "NAME", std::string(kDefaultControllerName),
          "The endpointslice.kubernetes.io/managed-by label of the slices to manage",
          [o](const std::string& value) -> std::optional<std::string> {
            if (value.empty() || !IsLabelValue(value)) {
              return "accepted is a label value: up to 63 letters, digits, '-', '_' and '.', "
                     "with a letter or digit at both ends";
            }
            o->controller_name = value;
            return std::nullopt;
          });
}

// `parse` makes a T of the value, or says what is accepted.
template <typename T, typename Parse>
Setter ParsedSetter(T* target, Parse parse) {
  return [=](const std::string& value) -> std::optional<std::string> {
    const absl::StatusOr<T> parsed = parse(value);
    if (!parsed.ok()) return std::string(parsed.status().message());
    *target = *parsed;
    return std::nullopt;
  };
}

void AddHintsFlags(CLI::App* app, ManagerOptions* o) {
  const auto share_up_to = [](Millionths max) { return [max](const std::string& s) { return ParseShare(s, max); }; };
  AddFlag(app, "--hints-policy", kHints, "POLICY", "reference",
          "How hints in proportion to zone CPU are made: reference, as kube-controller-manager does, or resilient; a "
          "Service's annotation epslice.dev/hints-policy goes before it",
          ParsedSetter(&o->hints.policy, [](const std::string& s) { return ParseHintsPolicy(s); }));
  AddFlag(app, "--hints-unknown-nodes", kHints, "SHARE", "20%",
          "Resilient hints stay while at most this share of the Ready nodes has no zone or no allocatable CPU",
          ParsedSetter(&o->hints.unknown_nodes, share_up_to(kOne)));
  AddFlag(app, "--hints-overload-threshold", kHints, "SHARE", "0.2",
          "By how much the expected load of an endpoint may exceed that of an even spread (the reference's is 0.2); a "
          "Service's annotation epslice.dev/hints-overload-threshold goes before it",
          ParsedSetter(&o->hints.overload_threshold, share_up_to(kMaxThreshold)));
}

Setter NameSetter(std::string* target) {
  return [=](const std::string& value) -> std::optional<std::string> {
    if (!IsDns1123Subdomain(value)) return "accepted is an object's name: lower case letters, digits, '-' and '.'";
    *target = value;
    return std::nullopt;
  };
}

void AddLeaderElectionFlags(CLI::App* app, ManagerOptions* o, std::string* leader_elect) {
  app->add_flag("--leader-elect", *leader_elect,
                "Of several replicas only the one that holds the lease writes; false: run one replica only")
      ->group(kLeaderElection)
      ->default_str("true")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  LeaderElectorOptions& e = o->leader_election;
  AddFlag(app, "--leader-elect-lease-duration", kLeaderElection, "DURATION", "15s",
          "How long a lease holds that is not renewed: after a crash another replica takes over then",
          DurationSetter(&e.lease_duration));
  AddFlag(app, "--leader-elect-renew-deadline", kLeaderElection, "DURATION", "10s",
          "A leader that could not renew for so long stops", DurationSetter(&e.renew_deadline));
  AddFlag(app, "--leader-elect-retry-period", kLeaderElection, "DURATION", "2s",
          "Between tries to take or renew the lease", DurationSetter(&e.retry_period));
  AddFlag(app, "--leader-elect-resource-name", kLeaderElection, "NAME", e.name, "Name of the Lease",
          NameSetter(&e.name));
  AddFlag(app, "--leader-elect-resource-namespace", kLeaderElection, "NAME", e.namespace_, "Namespace of the Lease",
          NameSetter(&e.namespace_));
  AddFlag(app, "--leader-elect-resource-lock", kLeaderElection, "KIND", "leases", "Only leases, as in the reference",
          [](const std::string& value) -> std::optional<std::string> {
            if (value == "leases") return std::nullopt;
            return "accepted is leases";
          });
}

void AddLoggingFlags(CLI::App* app, ManagerOptions* o) {
  AddFlag(app, "-v,--v", kLogging, "N", "0",
          "Verbosity: 0 what an operator should know, 2 each sync that wrote, with its slices, 4 each sync",
          IntSetter(&o->verbosity, 0, std::numeric_limits<int>::max()));
  AddFlag(app, "--logging-format", kLogging, "FORMAT", "text", "text or json, to standard error",
          [o](const std::string& value) -> std::optional<std::string> {
            if (value != "text" && value != "json") return "accepted is text or json";
            o->logging_format = value == "json" ? LogFormat::kJson : LogFormat::kText;
            return std::nullopt;
          });
}

}  // namespace

void AddOptionFlags(CLI::App* app, ManagerOptions* options, std::string* leader_elect) {
  app->get_option("--help")->group(kGlobal);
  app->get_option("--version")->group(kGlobal);
  AddGenericFlags(app, options);
  AddConnectionFlags(app, options);
  AddApiServerFlags(app, options);
  AddControllerFlags(app, options);
  AddHintsFlags(app, options);
  AddShadowFlags(app, options);
  AddLeaderElectionFlags(app, options, leader_elect);
  AddServingFlags(app, options);
  AddLoggingFlags(app, options);
}

}  // namespace epslice

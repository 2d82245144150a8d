// external_endpoints KUBECONFIG LISTS NAME: a controller of somebody else's. It
// keeps EndpointSlices for Services without a selector, of addresses outside the
// cluster that people keep in a file, until SIGTERM:
//
//   # namespace/service: addresses
//   shop/ledger: [192.0.2.10, 192.0.2.11]
//
// Its slices carry NAME as their managed-by label, so that it and the cluster's
// own controller leave each other's alone.
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "apis/yaml.h"
#include "controllers/endpointslice/apply_plan.h"
#include "informers/controller_runner.h"
#include "informers/http/connect.h"
#include "informers/stop_signals.h"

namespace {

// Of each Service its endpoints, as the file says when it was read last.
class Lists {
 public:
  explicit Lists(std::string file) : file_(std::move(file)) {}

  // Reads the file; from one thread. Whether the lists are others now: an error,
  // which is told once, leaves them as they were.
  absl::StatusOr<bool> Read() {
    const absl::StatusOr<std::string> text = epslice::ReadFileBounded(file_);
    if (text == text_) return false;
    text_ = text;
    absl::StatusOr<Map> lists = text.ok() ? Parse(*text) : text.status();
    if (!lists.ok()) return lists.status();
    const std::lock_guard lock(mu_);
    lists_ = *std::move(lists);
    return true;
  }
  // nullopt: the Service is not in the file.
  std::optional<std::vector<epslice::Endpoint>> Of(const epslice::ObjectKey& service) const {
    const std::lock_guard lock(mu_);
    const auto found = lists_.find(service);
    return found == lists_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  using Map = std::map<epslice::ObjectKey, std::vector<epslice::Endpoint>>;

  static absl::StatusOr<Map> Parse(const std::string& yaml) {
    const absl::StatusOr<std::string> json = epslice::YamlToJson(yaml);
    if (!json.ok()) return json.status();
    const auto document = nlohmann::json::parse(*json, nullptr, false);
    if (!document.is_object()) return absl::InvalidArgumentError("no map of namespace/service to addresses");
    Map lists;
    for (const auto& [key, addresses] : document.items()) {
      const std::size_t slash = key.find('/');
      if (slash == std::string::npos) return absl::InvalidArgumentError("\"" + key + "\" is not namespace/service");
      if (!addresses.is_array()) return absl::InvalidArgumentError(key + ": no list of addresses");
      std::vector<epslice::Endpoint>& endpoints = lists[{key.substr(0, slash), key.substr(slash + 1)}];
      for (const auto& address : addresses) {
        const auto ip = epslice::ParseIpLenient(address.is_string() ? address.get<std::string>() : "");
        if (!ip) return absl::InvalidArgumentError(key + ": " + address.dump() + " is no address");
        endpoints.push_back({.addresses = {ip->text}, .conditions = {true, true, false}});
      }
    }
    return lists;
  }

  const std::string file_;
  absl::StatusOr<std::string> text_;
  mutable std::mutex mu_;
  Map lists_;  // guarded by mu_
};

void Say(std::string_view line) { std::fprintf(stderr, "external_endpoints: %s\n", std::string(line).c_str()); }

int Fail(const absl::Status& status) {
  Say(status.ToString());
  return 2;
}

int Run(const std::string& kubeconfig, const std::string& file, const std::string& name) {
  const epslice::RealClock clock;
  const auto transport =
      epslice::Connect(epslice::FindClientConfig(kubeconfig), {.user_agent = "external-endpoints"}, &clock);
  if (!transport.ok()) return Fail(transport.status());
  Lists lists(file);
  if (const auto read = lists.Read(); !read.ok()) return Fail(read.status());

  epslice::ControllerRunner runner({.log = Say}, transport->get(), &clock);
  const auto* services = runner.Watch<epslice::Service>();
  auto* slices = epslice::WatchSlices(name, &runner);
  runner.Every(std::chrono::seconds(1), [&] {
    const absl::StatusOr<bool> changed = lists.Read();
    if (!changed.ok()) Say(file + ": " + changed.status().ToString() + "; the list before it stays");
    if (changed.ok() && *changed) runner.Resync();
  });
  runner.Start([&](const epslice::ObjectKey& key) -> epslice::WorkResult {
    const auto service = services->Get(key);
    // One that is gone takes its slices along; one with a selector is not for us.
    if (service == nullptr || service->spec.selector) return absl::OkStatus();
    const epslice::ReconcileInput input = {.service = service, .endpoints = lists.Of(key), .slices = slices->For(key)};
    const epslice::ReconcileConfig config = {.controller_name = epslice::Text(name)};
    // A Service without a list has no slices; one with an empty list an empty one.
    const epslice::Plan plan =
        input.endpoints ? epslice::Reconcile(input, config) : epslice::DeleteSlices(key, input.slices);
    return epslice::ApplyPlan(plan, transport->get(), runner.cancel(), slices);
  });
  epslice::WaitForStopSignal();
  return runner.Stop() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    Say("usage: external_endpoints KUBECONFIG LISTS NAME");
    return 2;
  }
  epslice::PrepareStopSignals();  // before the first thread
  return Run(argv[1], argv[2], argv[3]);
}

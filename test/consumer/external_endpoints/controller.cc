#include "controller.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "apis/yaml.h"
#include "controllers/endpointslice/plan_applier.h"
#include "informers/http/client_config.h"

namespace external_endpoints {
namespace {

using epslice::Change;
using epslice::Duration;
using epslice::Endpoint;
using epslice::EndpointSlice;
using epslice::Informer;
using epslice::Instant;
using epslice::IpAddress;
using epslice::NodeZones;
using epslice::ObjectKey;
using epslice::ObjectReference;
using epslice::Outcome;
using epslice::Plan;
using epslice::PlanApplier;
using epslice::Pod;
using epslice::Request;
using epslice::Service;
using epslice::SliceWrite;
using epslice::Status;
using epslice::StringMap;
using epslice::Text;
using epslice::Watcher;
using epslice::WatcherOptions;
using epslice::WatchEvent;
using epslice::WatchUpdate;

ObjectKey ServiceOf(const Service& service) { return epslice::KeyOf(service.metadata); }
ObjectKey ServiceOf(const EndpointSlice& slice) {
  return {slice.metadata.namespace_, slice.metadata.labels.Get(epslice::kLabelServiceName)};
}

WatcherOptions Labelled(const std::string& name) {
  WatcherOptions options;
  options.label_selector = std::string(epslice::kLabelManagedBy) + "=" + name;
  return options;
}

// Reconcile() thinks in pods. An address becomes a pod of that name, on the node
// without a name, ready.
std::shared_ptr<const Pod> PodOf(const ObjectKey& service, const IpAddress& address) {
  auto pod = std::make_shared<Pod>();
  pod->metadata.namespace_ = service.namespace_;
  pod->metadata.name = address.text;
  pod->podIPs = {address};
  pod->phase = epslice::PodPhase::kRunning;
  pod->ready = pod->hasPodIP = true;
  return pod;
}

// It knows an endpoint again by the pod that it names. Ours name none: the name
// is put there before planning, and taken away before writing.
std::shared_ptr<const EndpointSlice> WithPods(const EndpointSlice& slice, bool with) {
  auto out = std::make_shared<EndpointSlice>(slice);
  for (Endpoint& endpoint : out->endpoints) {
    endpoint.targetRef.reset();
    if (!with || endpoint.addresses.empty()) continue;
    endpoint.targetRef = ObjectReference{"Pod", slice.metadata.namespace_, endpoint.addresses[0], {}, {}, {}, {}};
  }
  return out;
}

}  // namespace

absl::StatusOr<Lists> ParseLists(const std::string& yaml) {
  const absl::StatusOr<std::string> json = epslice::YamlToJson(yaml);
  if (!json.ok()) return json.status();
  Lists lists;
  const auto document = nlohmann::json::parse(*json, nullptr, false);
  if (!document.is_object()) return absl::InvalidArgumentError("is no map of namespace/service to addresses");
  for (const auto& [key, addresses] : document.items()) {
    const std::size_t slash = key.find('/');
    if (slash == std::string::npos) return absl::InvalidArgumentError("\"" + key + "\" is not namespace/service");
    std::vector<IpAddress>& list = lists[{key.substr(0, slash), key.substr(slash + 1)}];
    if (!addresses.is_array()) return absl::InvalidArgumentError(key + ": is no list of addresses");
    for (const auto& address : addresses) {
      const auto ip = epslice::ParseIpLenient(address.is_string() ? address.get<std::string>() : "");
      if (!ip) return absl::InvalidArgumentError(key + ": " + address.dump() + " is no address");
      list.push_back(*ip);
    }
  }
  return lists;
}

Controller::Controller(std::string file, const std::string& name, epslice::Transport* transport,
                       const epslice::Clock* clock)
    : file_(std::move(file)), transport_(transport), clock_(clock), slices_(Labelled(name)) {
  config_.controller_name = Text::Intern(name);
  by_service_ = slices_.store().AddIndex(
      [](const EndpointSlice& slice, std::vector<ObjectKey>* keys) { keys->push_back(ServiceOf(slice)); });
}

void Controller::Run() {
  std::thread services([this] { RunInformer(&services_); });
  std::thread slices([this] { RunInformer(&slices_); });
  {
    std::unique_lock lock(mu_);
    while (!cancel_.cancelled()) {
      ReadFileWhenChanged();
      const Instant now = clock_->Now();
      const bool synced = services_.synced() && slices_.synced();
      if (const auto key = synced ? queue_.Pop(now) : std::nullopt) {
        Sync(*key, &lock);
        continue;
      }
      const Instant next = std::min(queue_.NextWakeup(now).value_or(Instant::max()), now + std::chrono::seconds(1));
      wake_.wait_for(lock, synced ? next - now : Duration(std::chrono::seconds(1)));
    }
  }
  services.join();
  slices.join();
}

void Controller::Stop() {
  cancel_.Cancel();
  const std::lock_guard lock(mu_);
  wake_.notify_all();
}

template <typename T>
void Controller::RunInformer(Informer<T>* informer) {
  const auto apply = [&](const WatchUpdate& update) {
    const std::lock_guard lock(mu_);
    for (const Change<T>& change : informer->Apply(update)) queue_.Add(ServiceOf(change.any()), clock_->Now());
    wake_.notify_all();
  };
  while (!cancel_.cancelled()) {
    Watcher& watcher = informer->watcher();
    const Watcher::Action action = watcher.Next(clock_->Now());
    if (action.kind == Watcher::Action::Kind::kWait) {
      std::unique_lock lock(mu_);
      if (!cancel_.cancelled()) wake_.wait_for(lock, action.until - clock_->Now());
      continue;
    }
    WatchUpdate list;
    if (action.kind == Watcher::Action::Kind::kList) {
      watcher.OnList(transport_->Do(action.request, &cancel_), clock_->Now(), &list);
      if (!list.empty()) apply(list);
      continue;
    }
    const Status end = transport_->Watch(action.request, &cancel_, [&](const WatchEvent& event) {
      WatchUpdate update;
      const bool go_on = watcher.OnEvent(event, clock_->Now(), &update);
      if (!update.empty()) apply(update);
      return go_on;
    });
    watcher.OnWatchEnd(end, clock_->Now());
  }
}

void Controller::ReadFileWhenChanged() {
  const absl::StatusOr<std::string> text = epslice::ReadFileBounded(file_);
  if (!text.ok() || *text == text_) return;
  text_ = *text;
  absl::StatusOr<Lists> lists = ParseLists(*text);
  if (!lists.ok()) {
    std::fprintf(stderr, "%s: %s; the list before it stays\n", file_.c_str(), lists.status().ToString().c_str());
    return;
  }
  for (const auto& [key, addresses] : lists_) queue_.Add(key, clock_->Now());
  lists_ = *std::move(lists);
  for (const auto& [key, addresses] : lists_) queue_.Add(key, clock_->Now());
}

// Plans with what is known now, and writes without the lock.
void Controller::Sync(const ObjectKey& key, std::unique_lock<std::mutex>* lock) {
  PlanApplier applier(PlanFor(key));
  lock->unlock();
  while (const std::optional<Request> request = applier.NextRequest()) {
    applier.OnResponse(transport_->Do(*request, &cancel_));
  }
  lock->lock();
  const Outcome& outcome = applier.outcome();
  // The watch shows it soon; who plans before that must know it. (A list from
  // before our write would have us write again. slice_tracker.h guards against
  // that; here it would only cost a write.)
  for (const auto& slice : outcome.written) slices_.store().Apply(slice);
  for (const auto& slice : outcome.deleted) slices_.store().Remove(epslice::KeyOf(slice->metadata));
  for (const std::string& error : outcome.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (outcome.errors.empty()) {
    queue_.Forget(key);
  } else {
    queue_.AddRateLimited(key, clock_->Now());
  }
  queue_.Done(key, clock_->Now());
}

Plan Controller::PlanFor(const ObjectKey& key) const {
  const std::shared_ptr<const Service> service = services_.store().Get(key);
  const std::vector<std::shared_ptr<const EndpointSlice>> slices = slices_.store().ByIndex(by_service_, key);
  const auto list = lists_.find(key);
  Plan plan;
  // A Service that is gone takes its slices along; one with a selector is not
  // for us.
  if (service == nullptr || service->spec.selector) return plan;
  if (list == lists_.end()) {
    for (const auto& slice : slices) plan.writes.push_back({SliceWrite::Op::kDelete, 0, slice});
    return plan;
  }
  epslice::ReconcileInput input;
  auto selecting = std::make_shared<Service>(*service);
  selecting->spec.selector = StringMap();
  input.service = selecting;
  for (const IpAddress& address : list->second) input.pods.push_back(PodOf(key, address));
  for (const auto& slice : slices) {
    if (!slice->metadata.deletionTimestamp.is_set()) input.slices.push_back(WithPods(*slice, true));
  }
  input.nodes = std::make_shared<NodeZones>(NodeZones{{Text(), Text()}});
  plan = epslice::Reconcile(input, config_);
  for (SliceWrite& write : plan.writes) write.slice = WithPods(*write.slice, false);
  return plan;
}

}  // namespace external_endpoints

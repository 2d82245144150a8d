// The whole control loop in virtual time: the API server in memory, four
// watchers with latency, the service controller. No threads; one step does all
// that is due at one instant, in a fixed order.
#ifndef EPSLICE_TEST_CONTROLLERS_VIRTUAL_CLUSTER_H_
#define EPSLICE_TEST_CONTROLLERS_VIRTUAL_CLUSTER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apis/json.h"
#include "controllers/endpointslice/service_controller.h"
#include "informers/informer.h"
#include "informers/random.h"
#include "sim/cluster/memory_api_server.h"

namespace epslice::testkit {

class VirtualCluster {
 public:
  explicit VirtualCluster(std::uint64_t seed, ServiceControllerOptions options = {})
      : random_(seed),
        server_(&clock_, {.seed = seed, .create_missing_namespaces = true}),
        controller_(std::move(options)),
        stream_lists_(seed % 2 == 1),
        services_(this, Kind::kService, 1),
        pods_(this, Kind::kPod, 2),
        nodes_(this, Kind::kNode, 3),
        slices_(this, Kind::kEndpointSlice, 4) {}

  sim::MemoryApiServer& server() { return server_; }
  ServiceController& controller() { return controller_; }
  FakeClock& clock() { return clock_; }
  Instant now() const { return clock_.Now(); }
  // Every write the controller sent: verb, and the object's JSON.
  const std::vector<std::string>& writes() const { return writes_; }
  // How many, recorded or not.
  std::int64_t sent() const { return sent_; }
  // Off: writes() stays empty, for long runs.
  bool record_writes = true;
  // Told of each event that would be posted.
  std::function<void(const ObjectKey&, const PlannedEvent&)> on_event;
  // Requests are answered so instead while set; code 0 still happens.
  std::optional<Status> outage;

  Response Do(Verb verb, AnyObject object, const std::string& subresource = "") {
    Request request;
    request.verb = verb;
    request.kind = object.kind();
    request.namespace_ = object.meta().namespace_.str();
    request.name = object.meta().name.str();
    request.subresource = subresource;
    request.object = std::move(object);
    return server_.Handle(request);
  }
  Response Delete(Kind kind, const std::string& ns, const std::string& name, std::optional<std::int64_t> grace = {}) {
    Request request;
    request.verb = Verb::kDelete;
    request.kind = kind;
    request.namespace_ = ns;
    request.name = name;
    request.deletion.gracePeriodSeconds = grace;
    return server_.Handle(request);
  }
  template <typename T>
  std::vector<std::shared_ptr<const T>> List() {
    Request request;
    request.verb = Verb::kList;
    request.kind = T::kKind;
    std::vector<std::shared_ptr<const T>> objects;
    for (const AnyObject& item : server_.Handle(request).list.items) objects.push_back(item.As<T>());
    return objects;
  }

  // All that is due now.
  void Step() {
    server_.Advance();
    for (bool again = true; again;) {
      again = false;
      for (const bool stepped : {services_.Step(), pods_.Step(), nodes_.Step(), slices_.Step()}) again |= stepped;
      if (!controller_.started() && services_.synced() && pods_.synced() && nodes_.synced() && slices_.synced()) {
        controller_.Start(now());
        again = true;
      }
      while (std::optional<Job> job = controller_.Next(now())) Work(*job), again = true;
    }
  }

  void RunFor(Duration duration) {
    const Instant end = now() + duration;
    for (Step(); now() < end; Step()) clock_.AdvanceTo(std::min(end, NextWakeup().value_or(end)));
  }

  // What is still under way, and the last errors; for failure messages.
  std::string DescribeState() const {
    std::string state = "ready " + std::to_string(controller_.queue().ready_size()) + ", delayed " +
                        std::to_string(controller_.queue().delayed_size()) + ", stale so far " +
                        std::to_string(controller_.counters().stale) + ", watches idle " +
                        std::to_string(services_.idle()) + std::to_string(pods_.idle()) +
                        std::to_string(nodes_.idle()) + std::to_string(slices_.idle());
    for (const std::string& error : last_errors_) state += "\n  " + error;
    return state;
  }

  // Until nothing is under way any more; false when `limit` passes first.
  bool Settle(Duration limit = std::chrono::hours(2)) {
    const Instant end = now() + limit;
    for (Step(); !Quiet(); Step()) {
      if (now() >= end) return false;
      clock_.AdvanceTo(NextWakeup().value_or(end));
    }
    return true;
  }

 private:
  // One informer whose events arrive late.
  template <typename T>
  class Feed {
   public:
    Feed(VirtualCluster* cluster, Kind kind, std::uint64_t stream)
        : cluster_(*cluster),
          watcher_(kind, SmallLists(cluster->stream_lists_), stream),
          random_(cluster->random_.Fork(stream)) {}

    bool synced() const { return watcher_.synced(); }
    bool idle() const { return pending_.empty() && handle_ != nullptr; }
    std::optional<Instant> NextWakeup() const {
      if (!pending_.empty()) return pending_.front().first;
      return wait_until_;
    }

    bool Step() {
      bool did = false;
      for (; handle_ == nullptr; did = true) {
        const Instant now = cluster_.now();
        Watcher::Action action = watcher_.Next(now);
        wait_until_.reset();
        if (action.kind == Watcher::Action::Kind::kWait) {
          wait_until_ = action.until;
          return did;
        }
        if (action.kind == Watcher::Action::Kind::kList) {
          WatchUpdate update;
          watcher_.OnList(cluster_.server_.Handle(action.request), now, &update);
          Apply(update);
          continue;
        }
        Status status;
        handle_ = cluster_.server_.Watch(
            action.request,
            [this](const WatchEvent& event) {
              const Instant soonest = cluster_.now() + std::chrono::milliseconds(random_.Between(1, 40));
              pending_.emplace_back(pending_.empty() ? soonest : std::max(soonest, pending_.back().first), event);
            },
            &status);
        if (handle_ == nullptr) watcher_.OnWatchEnd(status, now);
      }
      while (!pending_.empty() && pending_.front().first <= cluster_.now()) {
        const WatchEvent event = std::move(pending_.front().second);
        pending_.pop_front();
        did = true;
        WatchUpdate update;
        const bool go_on = watcher_.OnEvent(event, cluster_.now(), &update);
        Apply(update);
        if (!go_on) Break({});
      }
      return did;
    }

    // The connection ends; what was under way is lost.
    void Break(const Status& status) {
      if (handle_ == nullptr) return;
      handle_.reset();
      pending_.clear();
      watcher_.OnWatchEnd(status, cluster_.now());
    }

   private:
    static WatcherOptions SmallLists(bool streams) {
      WatcherOptions options;
      options.page_size = 7;
      options.stream_lists = streams;
      return options;
    }
    void Apply(const WatchUpdate& update) {
      for (const Change<T>& change : ApplyUpdate(update, &StoreOf(cluster_.controller_.stores()))) {
        cluster_.controller_.Observe(change, cluster_.now());
      }
      if (T::kKind == Kind::kEndpointSlice) {
        cluster_.controller_.ObserveSliceVersion(watcher_.resource_version(), cluster_.now());
      }
    }
    static Store<T>& StoreOf(ClusterStores& stores) {
      if constexpr (T::kKind == Kind::kService) {
        return stores.services;
      } else if constexpr (T::kKind == Kind::kPod) {
        return stores.pods;
      } else if constexpr (T::kKind == Kind::kNode) {
        return stores.nodes;
      } else {
        return stores.slices;
      }
    }

    VirtualCluster& cluster_;
    Watcher watcher_;
    Random random_;
    std::unique_ptr<sim::MemoryApiServer::WatchHandle> handle_;
    std::deque<std::pair<Instant, WatchEvent>> pending_;
    std::optional<Instant> wait_until_;
  };

  Response Send(const Request& request) {
    if (outage) {
      // Without an answer a write may have happened or not.
      if (outage->code == 0 && random_.Chance(0.5)) server_.Handle(request);
      return {*outage, {}, {}};
    }
    return server_.Handle(request);
  }

  void Work(const Job& job) {
    if (job.kind == Job::Kind::kVerify) {
      controller_.CompleteVerify(job, Send(job.verify), now());
      return;
    }
    PlanApplier applier(controller_.MakePlan(job));
    while (std::optional<Request> request = applier.NextRequest()) {
      ++sent_;
      if (record_writes) {
        std::string line = std::string(VerbName(request->verb)) + " " + request->namespace_ + "/" + request->name + " ";
        if (request->object.has_value()) AppendJson(request->object, &line);
        writes_.push_back(std::move(line));
      }
      applier.OnResponse(Send(*request));
    }
    last_errors_ = applier.outcome().errors;
    last_errors_.insert(last_errors_.end(), applier.plan().retry_errors.begin(), applier.plan().retry_errors.end());
    if (on_event && applier.outcome().errors.empty()) {
      for (const PlannedEvent& event : applier.plan().events) on_event(job.service, event);
    }
    controller_.Complete(job, applier.plan(), applier.outcome(), now());
  }

  bool Quiet() const {
    return controller_.started() && services_.idle() && pods_.idle() && nodes_.idle() && slices_.idle() &&
           controller_.queue().delayed_size() == 0 && controller_.queue().ready_size() == 0;
  }

  std::optional<Instant> NextWakeup() {
    std::optional<Instant> next = server_.Advance();
    for (std::optional<Instant> t : {services_.NextWakeup(), pods_.NextWakeup(), nodes_.NextWakeup(),
                                     slices_.NextWakeup(), controller_.NextWakeup(now())}) {
      if (t && (!next || *t < *next)) next = t;
    }
    return next;
  }

  FakeClock clock_;
  Random random_;
  sim::MemoryApiServer server_;
  ServiceController controller_;
  const bool stream_lists_;  // or in pages; seeds alternate
  Feed<Service> services_;
  Feed<Pod> pods_;
  Feed<Node> nodes_;
  Feed<EndpointSlice> slices_;
  std::vector<std::string> writes_;
  std::int64_t sent_ = 0;
  std::vector<std::string> last_errors_;

 public:
  // Breaks all four watches, and lets them find their history gone if asked.
  void BreakWatches(bool compact) {
    if (compact) server_.CompactHistory();
    for (const Status& status : {StatusUnreachable("broken")}) {
      services_.Break(status), pods_.Break(status), nodes_.Break(status), slices_.Break(status);
    }
  }
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_VIRTUAL_CLUSTER_H_

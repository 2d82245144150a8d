// A ServiceController driven by hand.
#ifndef EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_CONTROLLER_FIXTURE_H_
#define EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_CONTROLLER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controllers/endpointslice/service_controller.h"
#include "test/controllers/builders.h"

namespace epslice::testkit {

// Drives a ServiceController by hand, with an API server that is a map. Echoes
// of writes come when the test delivers them.
class ServiceControllerTest : public ::testing::Test {
 protected:
  explicit ServiceControllerTest(ServiceControllerOptions options = {}) : controller_(std::move(options)) {}

  template <typename T>
  void Put(Store<T>& store, std::shared_ptr<const T> object) {
    controller_.Observe(store.Apply(std::move(object)), now_);
  }
  void PutPod(std::shared_ptr<const Pod> pod) { Put(controller_.stores().pods, std::move(pod)); }
  void PutService(std::shared_ptr<const Service> service) {
    auto copy = std::make_shared<Service>(*service);
    copy->metadata.resourceVersion = Text(std::to_string(++version_));
    Put<Service>(controller_.stores().services, std::move(copy));
  }
  void PutNode(const std::string& name, const std::string& zone) {
    auto node = std::make_shared<Node>();
    node->metadata.name = Text(name);
    node->metadata.resourceVersion = Text(std::to_string(++version_));
    node->ready = true;
    node->allocatableCpuMilli = cpu_milli_;
    if (!zone.empty()) node->metadata.labels = StringMap{{Text(kLabelZone), Text(zone)}};
    Put<Node>(controller_.stores().nodes, std::move(node));
  }
  template <typename T>
  void Drop(Store<T>& store, const std::string& ns, const std::string& name) {
    controller_.Observe(store.Remove({Text(ns), Text(name)}), now_);
  }

  // Does one job, if there is one: its Service and what was written, e.g.
  // "shop/web c1".
  std::optional<std::string> Work() {
    std::optional<Job> job = controller_.Next(now_);
    if (!job) return std::nullopt;
    seen_ = job->seen;
    std::string did = job->service.ToString();
    if (job->kind == Job::Kind::kVerify) {
      Response response;
      for (const auto& [name, slice] : server_) response.list.items.emplace_back(slice);
      controller_.CompleteVerify(*job, response, now_);
      return did + " verify";
    }
    PlanApplier applier(controller_.MakePlan(*job));
    while (std::optional<Request> request = applier.NextRequest()) applier.OnResponse(Answer(*request));
    const Outcome& outcome = applier.outcome();
    if (outcome.errors.empty()) {
      for (const PlannedEvent& event : applier.plan().events)
        events_.push_back(event.reason.str() + ": " + event.message);
    }
    if (outcome.creates != 0) did += " c" + std::to_string(outcome.creates);
    if (outcome.updates != 0) did += " u" + std::to_string(outcome.updates);
    if (outcome.deletes != 0) did += " d" + std::to_string(outcome.deletes);
    if (!outcome.errors.empty()) did += " error";
    if (before_complete_) before_complete_();
    controller_.Complete(*job, applier.plan(), outcome, now_);
    return did;
  }
  std::vector<std::string> WorkAll() {
    std::vector<std::string> did;
    while (auto one = Work()) did.push_back(*one);
    return did;
  }

  Response Answer(const Request& request) {
    Response response;
    if (refuse_.code != 200) {
      response.status = refuse_;
      if (!happens_anyway_) return response;
    }
    if (request.verb == Verb::kDelete) {
      echoes_.push_back({server_.at(request.name), nullptr});
      server_.erase(request.name);
      return response;
    }
    auto slice = std::make_shared<EndpointSlice>(*request.object.As<EndpointSlice>());
    std::shared_ptr<const EndpointSlice> before;
    if (request.verb == Verb::kCreate) {
      slice->metadata.name = Text(slice->metadata.generateName.str() + std::to_string(++made_));
      slice->metadata.uid = Text("uid-" + slice->metadata.name.str());
      slice->metadata.generation = 1;
    } else {
      before = server_.at(request.name);
      slice->metadata.uid = before->metadata.uid;
      slice->metadata.generation = before->metadata.generation + 1;
    }
    slice->metadata.resourceVersion = Text(version_prefix_ + std::to_string(++version_));
    server_[slice->metadata.name.str()] = slice;
    echoes_.push_back({before, slice});
    if (response.status.ok()) response.object = AnyObject(std::shared_ptr<const EndpointSlice>(slice));
    return response;
  }

  // Delivers what the watch would.
  void Echo() {
    for (const auto& change : echoes_) {
      auto& slices = controller_.stores().slices;
      if (change.after == nullptr) {
        controller_.Observe(slices.Remove(KeyOf(change.before->metadata)), now_);
      } else {
        Put(slices, change.after);
        controller_.ObserveSliceVersion(change.after->metadata.resourceVersion, now_);
      }
    }
    echoes_.clear();
  }

  // The usual start: two nodes, one Service, `pods` pods, all synced.
  void Start(int pods = 1) {
    PutNode("n1", "a");
    PutNode("n2", "b");
    PutService(ServiceBuilder());
    for (const auto& pod : Pods(pods)) PutPod(pod);
    controller_.Start(now_);
  }
  void StartAndSettle(int pods = 1) {
    Start(pods);
    WorkAll();
    Echo();
    ASSERT_THAT(WorkAll(), ::testing::IsEmpty());
  }
  std::shared_ptr<const EndpointSlice> OnlySlice() { return server_.size() == 1 ? server_.begin()->second : nullptr; }

  Instant now_{std::chrono::seconds(1000)};
  ServiceController controller_;
  std::map<std::string, std::shared_ptr<const EndpointSlice>> server_;
  std::vector<Change<EndpointSlice>> echoes_;
  // Called when the writes of a job happened, and the controller does not know.
  std::function<void()> before_complete_;
  Status refuse_;
  bool happens_anyway_ = false;
  std::optional<Job::Seen> seen_;  // of the last job
  std::int64_t cpu_milli_ = 1000;
  std::vector<std::string> events_;
  int made_ = 0;
  int version_ = 100;
  std::string version_prefix_;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_CONTROLLERS_ENDPOINTSLICE_CONTROLLER_FIXTURE_H_

// LeaseTransport: a Transport to one Lease, "l" in "ns", held by "other" at first, and to
// the Events about it. Bumps a Progress with everything that happens.
#ifndef EPSLICE_TEST_INFORMERS_LEASE_TRANSPORT_H_
#define EPSLICE_TEST_INFORMERS_LEASE_TRANSPORT_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "apis/cat.h"
#include "apis/coordination.h"
#include "informers/transport.h"
#include "test/informers/progress.h"

namespace epslice::testkit {

class LeaseTransport : public Transport {
 public:
  explicit LeaseTransport(Progress* progress) : progress_(progress) {
    lease_.metadata.namespace_ = Text("ns");
    lease_.metadata.name = Text("l");
    lease_.metadata.uid = Text("lease-uid");
    lease_.holderIdentity = Text("other");
    lease_.leaseDurationSeconds = 1000;
    lease_.renewTime = Timestamp::FromSeconds(1);
  }

  Response Do(const Request& request, CancelToken* cancel) override {
    Response response;
    if (request.kind == Kind::kEvent) {
      response = Post(request, cancel);
    } else {
      std::unique_lock<std::mutex> lock(mu_);
      if (request.verb == Verb::kGet) ++gets_;
      if (request.verb == Verb::kUpdate && down_) {
        response.status = StatusUnreachable("no answer");
        return response;
      }
      if (request.verb == Verb::kUpdate && std::exchange(hang_update_, false)) {
        lock.unlock();
        return Hang(cancel);
      }
      if (request.verb == Verb::kUpdate) Set(*request.object.As<Lease>());
      response.object = AnyObject::Of(lease_);
    }
    progress_->Bump();
    return response;
  }

  Status Watch(const Request& request, CancelToken* cancel,
               const std::function<bool(const WatchEvent&)>& on_event) override {
    const int id = cancel->Register([this] { Wake(); });
    Status status = Stream(request, cancel, on_event);
    cancel->Unregister(id);
    return status;
  }

  // 0: not any more.
  void RefuseWatches(int code) {
    std::lock_guard<std::mutex> lock(mu_);
    refused_ = code;
  }
  // Updates of the Lease get no answer.
  void SetDown() {
    std::lock_guard<std::mutex> lock(mu_);
    down_ = true;
  }
  // The next update of the Lease hangs until its call is cancelled.
  void HangUpdate() {
    std::lock_guard<std::mutex> lock(mu_);
    hang_update_ = true;
  }
  // Events hang until their call is cancelled.
  void HangEvents() {
    std::lock_guard<std::mutex> lock(mu_);
    hang_events_ = true;
  }
  void RefuseEvents(int code) {
    std::lock_guard<std::mutex> lock(mu_);
    refused_events_ = code;
  }
  void ReleaseByOther() {
    std::lock_guard<std::mutex> lock(mu_);
    Lease released = lease_;
    released.holderIdentity = Text();
    Set(std::move(released));
  }
  std::string holder() const {
    std::lock_guard<std::mutex> lock(mu_);
    return lease_.holderIdentity.str();
  }
  int gets() const {
    std::lock_guard<std::mutex> lock(mu_);
    return gets_;
  }
  int watches() const {
    std::lock_guard<std::mutex> lock(mu_);
    return watches_;
  }
  bool watching() const {
    std::lock_guard<std::mutex> lock(mu_);
    return watching_;
  }
  std::string selector() const {
    std::lock_guard<std::mutex> lock(mu_);
    return selector_;
  }
  // "Normal LeaderElection on Lease ns/l (lease-uid) by my-component: text"; "patch":
  // one that was there already was counted.
  std::vector<std::string> events() const {
    std::lock_guard<std::mutex> lock(mu_);
    return events_;
  }
  // Events and updates that hung.
  int hanging() const {
    std::lock_guard<std::mutex> lock(mu_);
    return hanging_;
  }

 private:
  void Wake() {
    std::lock_guard<std::mutex> lock(mu_);
    cv_.notify_all();
  }
  void Set(Lease lease) {
    lease_ = std::move(lease);
    lease_.metadata.resourceVersion = Text(std::to_string(++version_));
    cv_.notify_all();
  }
  Response Hang(CancelToken* cancel) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      ++hanging_;
    }
    progress_->Bump();
    const int id = cancel->Register([this] { Wake(); });
    {
      std::unique_lock<std::mutex> lock(mu_);
      cv_.wait(lock, [cancel] { return cancel->cancelled(); });
    }
    cancel->Unregister(id);
    Response response;
    response.status = StatusUnreachable("cancelled");
    return response;
  }
  Response Post(const Request& request, CancelToken* cancel) {
    Response response;
    const auto event = request.object.As<Event>();
    std::unique_lock<std::mutex> lock(mu_);
    if (hang_events_) {
      lock.unlock();
      return Hang(cancel);
    }
    if (refused_events_ != 0) {
      response.status.code = refused_events_;
      return response;
    }
    if (request.verb == Verb::kPatch) {
      events_.emplace_back("patch");
      return response;
    }
    const ObjectReference& about = event->involvedObject;
    events_.push_back(Cat({event->type, " ", event->reason, " on ", about.kind, " ", about.namespace_, "/", about.name,
                           " (", about.uid, ") by ", event->reportingController, ": ", event->message}));
    response.object = request.object;
    return response;
  }
  Status Stream(const Request& request, CancelToken* cancel, const std::function<bool(const WatchEvent&)>& on_event) {
    std::unique_lock<std::mutex> lock(mu_);
    ++watches_;
    selector_ = request.list.fieldSelector;
    if (refused_ != 0) {
      Status status;
      status.code = refused_;
      lock.unlock();
      progress_->Bump();
      return status;
    }
    watching_ = true;
    for (int seen = -1; !cancel->cancelled();) {
      if (seen == version_) {
        cv_.wait(lock);
        continue;
      }
      seen = version_;
      WatchEvent event;
      event.object = AnyObject::Of(lease_);
      lock.unlock();
      progress_->Bump();
      if (!on_event(event)) return Status();
      lock.lock();
    }
    watching_ = false;
    progress_->Bump();
    return StatusUnreachable("cancelled");
  }

  Progress* const progress_;
  mutable std::mutex mu_;
  std::condition_variable cv_;
  Lease lease_;
  int version_ = 0, gets_ = 0, watches_ = 0, hanging_ = 0;
  int refused_ = 0, refused_events_ = 0;
  bool watching_ = false, down_ = false, hang_events_ = false, hang_update_ = false;
  std::string selector_;
  std::vector<std::string> events_;
};

}  // namespace epslice::testkit

#endif  // EPSLICE_TEST_INFORMERS_LEASE_TRANSPORT_H_

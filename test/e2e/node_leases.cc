#include "test/e2e/node_leases.h"

#include "apis/time_format.h"
#include "test/e2e/process.h"

namespace epslice::e2e {
namespace {

constexpr char kLeases[] = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
// As kubelets have it.
constexpr int kLeaseSeconds = 40;

}  // namespace

NodeLeases::NodeLeases(ApiClient* client, const Clock* clock, Duration period)
    : client_(client), clock_(clock), period_(period), thread_([this] { Run(); }) {}

NodeLeases::~NodeLeases() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
  for (const std::string& node : nodes_) {
    Patiently([&] { return client_->Delete(Path(node)); });
  }
}

std::string NodeLeases::Path(const std::string& node) { return std::string(kLeases) + "/" + node; }

std::string NodeLeases::Now() const { return FormatRfc3339Micro(clock_->WallNow()); }

Answer NodeLeases::Add(const std::string& node) {
  const Json lease = {
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata", {{"name", node}}},
      {"spec", {{"holderIdentity", node}, {"leaseDurationSeconds", kLeaseSeconds}, {"renewTime", Now()}}}};
  Answer answer;
  // 404: an API server makes the namespace a moment after it has started.
  Poll(kPatience, [&] {
    answer = client_->PostPatiently(kLeases, lease);
    return answer.code != 404;
  });
  const std::lock_guard<std::mutex> lock(mu_);
  nodes_.insert(node);
  return answer;
}

void NodeLeases::Remove(const std::string& node) {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    nodes_.erase(node);
  }
  Patiently([&] { return client_->Delete(Path(node)); });
}

void NodeLeases::Run() {
  std::unique_lock<std::mutex> lock(mu_);
  while (!wake_.wait_for(lock, period_, [this] { return stopping_; })) {
    const std::set<std::string> nodes = nodes_;
    lock.unlock();
    // One that fails is made up for by the next; one removed meanwhile is not there.
    for (const std::string& node : nodes) client_->Patch(Path(node), {{"spec", {{"renewTime", Now()}}}});
    lock.lock();
  }
}

}  // namespace epslice::e2e

// A controller of somebody else's: EndpointSlices for Services without a
// selector, of addresses outside the cluster that people keep in a file:
//
//   # namespace/service: addresses
//   shop/ledger: [192.0.2.10, 192.0.2.11]
//
// Its slices carry its own managed-by label, so that it and the cluster's own
// controller leave each other's alone. The library does the rest: informers
// keep up with the API server, Reconcile() plans which slices to write, and
// PlanApplier sends that.
#ifndef EPSLICE_TEST_CONSUMER_EXTERNAL_ENDPOINTS_CONTROLLER_H_
#define EPSLICE_TEST_CONSUMER_EXTERNAL_ENDPOINTS_CONTROLLER_H_

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "controllers/endpointslice/reconcile.h"
#include "informers/clock.h"
#include "informers/informer.h"
#include "informers/transport.h"
#include "informers/work_queue.h"

namespace external_endpoints {

// Service -> addresses outside the cluster.
using Lists = std::map<epslice::ObjectKey, std::vector<epslice::IpAddress>>;
// Of the file's text. InvalidArgument, in one line, for what is no such list.
absl::StatusOr<Lists> ParseLists(const std::string& yaml);

class Controller {
 public:
  Controller(std::string file, const std::string& name, epslice::Transport* transport, const epslice::Clock* clock);
  // Works until Stop(), which another thread calls.
  void Run();
  void Stop();

 private:
  template <typename T>
  void RunInformer(epslice::Informer<T>* informer);
  void ReadFileWhenChanged();
  void Sync(const epslice::ObjectKey& key, std::unique_lock<std::mutex>* lock);
  epslice::Plan PlanFor(const epslice::ObjectKey& key) const;

  const std::string file_;
  epslice::ReconcileConfig config_;
  epslice::Transport* const transport_;
  const epslice::Clock* const clock_;
  epslice::CancelToken cancel_;
  std::mutex mu_;  // guards what follows
  std::condition_variable wake_;
  Lists lists_;
  std::string text_;  // of the file, as it was read last
  epslice::Informer<epslice::Service> services_;
  epslice::Informer<epslice::EndpointSlice> slices_;
  int by_service_ = 0;  // index of slices_
  epslice::WorkQueue<epslice::ObjectKey> queue_;
};

}  // namespace external_endpoints

#endif  // EPSLICE_TEST_CONSUMER_EXTERNAL_ENDPOINTS_CONTROLLER_H_

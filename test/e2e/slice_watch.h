// SliceWatch: follows the EndpointSlices of one manager in a namespace through a
// watch of its own, and keeps every change, so that a test can say what was never to be seen.
#ifndef EPSLICE_TEST_E2E_SLICE_WATCH_H_
#define EPSLICE_TEST_E2E_SLICE_WATCH_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/e2e/api_client.h"

namespace epslice::e2e {

struct SliceEvent {
  std::string type;  // "ADDED", "MODIFIED", "DELETED"
  Json slice;
};

// Thread-safe.
class SliceWatch {
 public:
  // Slices of other managers are passed over; one that goes to another is
  // deleted. Returns when the first list is complete. `client` must outlive this.
  SliceWatch(ApiClient* client, const std::string& ns, std::string managed_by);
  ~SliceWatch();
  SliceWatch(const SliceWatch&) = delete;
  SliceWatch& operator=(const SliceWatch&) = delete;

  // All that changed since the beginning, in order. After a relist (the server
  // had forgotten what came between) there may be several changes in one.
  std::vector<SliceEvent> Events() const;
  std::size_t EventCount() const;
  // Whether the slices of the manager have been seen in the versions that they
  // have here.
  bool HasSeen(const std::vector<Json>& slices) const;
  // Waits until something changes, but no longer than `most`.
  void AwaitChange(Duration most);

 private:
  bool IsOurs(const Json& slice) const;
  void Run();
  void Relist();
  void Note(const std::string& type, const Json& slice);
  void WatchOnce();

  ApiClient* const client_;
  const std::string path_;
  const std::string managed_by_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  // Below: guarded by mu_.
  std::vector<SliceEvent> events_;
  std::map<std::string, Json> present_;  // by name
  std::string version_;
  std::unique_ptr<HttpConnection> connection_;
  bool stopping_ = false;
  std::thread thread_;
};

// What is wrong in a history of changes; empty: nothing. "An endpoint in two
// slices of the same Service, address type and ports", at any moment:
std::vector<std::string> MomentsOfDuplicates(const std::vector<SliceEvent>& events);
// Changes that changed nothing but versions and the trigger time:
std::vector<std::string> EmptyWrites(const std::vector<SliceEvent>& events);

}  // namespace epslice::e2e

#endif  // EPSLICE_TEST_E2E_SLICE_WATCH_H_

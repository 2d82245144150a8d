// SliceWatch: what a kube-proxy would see of the slices, and when: a watch of
// its own on the API server, in a thread.
#ifndef EPSLICE_TEST_BENCH_LIVE_SLICE_WATCH_H_
#define EPSLICE_TEST_BENCH_LIVE_SLICE_WATCH_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "informers/clock.h"
#include "informers/transport.h"
#include "informers/watcher.h"

namespace epslice::bench {

// Thread-safe.
class SliceWatch {
 public:
  // Both must outlive it.
  SliceWatch(const Clock* clock, Transport* transport);
  ~SliceWatch();
  SliceWatch(const SliceWatch&) = delete;
  SliceWatch& operator=(const SliceWatch&) = delete;

  // A pod whose endpoint is to become ready or not, as of now; told of by
  // Latencies() when a slice says so.
  void Expect(const std::string& pod, bool ready);
  // Expected and not seen yet.
  std::size_t missing() const;
  // From Expect() to the event, of all that were seen; forgets them.
  std::vector<Duration> TakeLatencies();

  bool synced() const;
  // In all slices now.
  std::size_t endpoints() const;
  std::size_t slices() const;
  // Events of slices since the beginning.
  std::int64_t events() const;

 private:
  struct Expected {
    bool ready = false;
    Instant since{0};
  };
  void Run();
  void Learn(const WatchUpdate& update, Instant now);

  const Clock* const clock_;
  Transport* const transport_;
  CancelToken cancel_;
  mutable std::mutex mu_;
  // Below: guarded by mu_.
  bool synced_ = false;
  std::map<std::string, std::size_t> sizes_;  // endpoints by slice
  std::size_t endpoints_ = 0;
  std::int64_t events_ = 0;
  std::map<std::string, Expected, std::less<>> expected_;  // by pod name
  std::vector<Duration> latencies_;
  std::thread thread_;
};

}  // namespace epslice::bench

#endif  // EPSLICE_TEST_BENCH_LIVE_SLICE_WATCH_H_

// Monitor: what the threads of a LiveRunner are doing, so that health checks
// can tell one that works from one that is stuck, and metrics how fresh the
// informers are.
//
// Passive: threads say what they do and when, others ask. Thread-safe, with a
// lock of its own that is held for moments: asking works even where the
// runner's own lock is stuck.
#ifndef EPSLICE_CONTROLLERS_MANAGER_MONITOR_H_
#define EPSLICE_CONTROLLERS_MANAGER_MONITOR_H_

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apis/kind.h"
#include "apis/meta.h"
#include "informers/clock.h"

namespace epslice {

class Monitor {
 public:
  // The kinds that are informed about, in the order they are shown.
  static constexpr std::array<Kind, 4> kKinds = {Kind::kService, Kind::kPod, Kind::kNode, Kind::kEndpointSlice};

  // --- informer threads
  void InformerStarted(Kind kind, Instant now);
  void InformerEnded(Kind kind);
  // It goes on to its next call or wait: not stuck.
  void InformerStep(Kind kind, Instant now, std::int64_t watch_restarts);
  // It heard something (an event, a bookmark, a list, a watch that was accepted): its store is as the API
  // server was then.
  void InformerNews(Kind kind, Instant now);
  void InformerSynced(Kind kind);

  // --- workers, numbered by their owner
  void WorkBegins(int worker, const ObjectKey& service, Instant now);
  // A call was answered: slow, maybe, but not stuck.
  void WorkGoesOn(int worker, Instant now);
  void WorkEnds(int worker);

  struct Informer {
    Kind kind = Kind::kService;
    bool running = false;
    bool synced = false;  // its first list is complete
    Instant last_step{0};
    std::optional<Instant> last_news;
    std::int64_t watch_restarts = 0;
  };
  // In the order of kKinds.
  std::vector<Informer> informers() const;

  // One line each about what is not as it should be; empty: all well.
  // The lists that are not there yet.
  std::string NotSynced() const;
  // An informer whose thread ended, or did nothing for `bound`, which is to be
  // longer than the longest watch.
  std::string InformerTrouble(Instant now, Duration bound) const;
  // A worker in one and the same call or computation for `bound`, which is to
  // be longer than the longest call.
  std::string WorkerTrouble(Instant now, Duration bound) const;

 private:
  struct Worker {
    bool busy = false;
    ObjectKey service;
    Instant since{0};      // of the work
    Instant last_step{0};  // of a sign of life
  };
  Informer* Find(Kind kind);

  mutable std::mutex mu_;
  std::array<Informer, kKinds.size()> informers_{};
  std::vector<Worker> workers_;
};

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_MONITOR_H_

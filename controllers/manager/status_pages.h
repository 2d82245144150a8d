// What the serving port shows: health, the version, the flags, the queue, and
// the metrics.
//
//   /healthz /livez /readyz   open to all, see health.h
//   /version                  as kube-apiserver's; open where no guard is asked
//   /configz                  the flags as they hold, no secrets
//   /debug/queue              what waits, since when, and what is worked on;
//                             ?limit=N keys of each (100, at most 10000)
//   /debug/explain            why hints are on or off, ?service=[NAMESPACE/]NAME;
//                             without it a table of all; &output=json
//   /metrics                  for Prometheus
#ifndef EPSLICE_CONTROLLERS_MANAGER_STATUS_PAGES_H_
#define EPSLICE_CONTROLLERS_MANAGER_STATUS_PAGES_H_

#include <string>
#include <utility>
#include <vector>

#include "controllers/manager/live_runner.h"
#include "controllers/manager/log.h"
#include "controllers/manager/metrics.h"
#include "controllers/manager/serving.h"
#include "informers/clock.h"

namespace epslice {

struct StatusPagesOptions {
  std::string version;                                     // "0.1.0"
  std::vector<std::pair<std::string, std::string>> flags;  // ManagerOptions::effective
  // A thread that does nothing for longer is stuck. Of an informer: longer than
  // the longest watch, ten minutes. Of a worker: longer than the longest call,
  // five minutes.
  Duration informer_stuck_after = std::chrono::minutes(20);
  Duration worker_stuck_after = std::chrono::minutes(10);
  // For the metrics; may be null. Called for each scrape.
  std::function<CertificateTimes()> certificates = nullptr;
};

// Adds the pages to `serving`, before its Start(). Everything must outlive its
// Stop().
void AddStatusPages(const StatusPagesOptions& options, const LiveRunner* runner, const Metrics* metrics,
                    const Clock* clock, Logger* log, Serving* serving);

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_STATUS_PAGES_H_

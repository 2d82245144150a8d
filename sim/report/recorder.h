// Recorder: what happens in a run, added up to a RunReport as it happens.
//
// Memory is bounded by the number of Services, slices and pods that are there,
// not by how long the run is: quantiles come from histograms, and the time
// series has at most kMaxSteps steps, which grow as the run does. Not
// thread-safe.
#ifndef EPSLICE_SIM_REPORT_RECORDER_H_
#define EPSLICE_SIM_REPORT_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "informers/clock.h"
#include "sim/dataplane/data_plane.h"
#include "sim/engine/observer.h"
#include "sim/report/run_report.h"

namespace epslice::sim {

struct RecorderOptions {
  int max_endpoints_per_slice = 100;
  // DataPlaneOptions::bytes_per_request and cross_zone_price.
  double bytes_per_request = 10'000;
  double cross_zone_price = 0.01;
  Timestamp wall_start;
};

class Recorder : public RunObserver {
 public:
  static constexpr std::size_t kMaxSteps = 200;

  // `data_plane` may be null; then there are no numbers of traffic and proxies.
  // Otherwise it must outlive the recorder, whose callbacks it takes, and both
  // are to be observers of the run, in any order.
  Recorder(const RecorderOptions& options, DataPlane* data_plane);
  ~Recorder() override;

  void OnCommit(const Commit& commit) override;
  void OnWrite(const ControllerWrite& write) override;
  void OnPutOff(Instant now, std::int64_t count) override;
  void OnSync(const Job& job, const Plan& plan, const Outcome& outcome, SyncResult result, Instant queued,
              Instant begun, Instant ended) override;
  void OnQueue(Instant now, std::size_t ready, std::size_t delayed, std::size_t processing) override;
  void OnNodeUp(Instant now, const Text& node, bool up) override;
  void OnNote(Instant now, const std::string& text) override;
  void OnEnd(Instant now) override;

  // After OnEnd() of it and the data plane. What others know (name, seed,
  // digest, settings, notes, expectations) is for the caller to fill in.
  RunReport MakeReport() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_REPORT_RECORDER_H_

// What the process uses, as Prometheus clients report it (process_*).
#ifndef EPSLICE_CONTROLLERS_MANAGER_PROCESS_STATS_H_
#define EPSLICE_CONTROLLERS_MANAGER_PROCESS_STATS_H_

#include <optional>

namespace epslice {

struct ProcessStats {
  double cpu_seconds = 0;  // user and system
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double start_time_seconds = 0;  // since 1970
  double open_fds = 0;
  double max_fds = 0;
};

// Of this process, from /proc; nullopt where there is none.
std::optional<ProcessStats> ReadProcessStats();

}  // namespace epslice

#endif  // EPSLICE_CONTROLLERS_MANAGER_PROCESS_STATS_H_

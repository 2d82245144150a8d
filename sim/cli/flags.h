// Flags that several subcommands share.
#ifndef EPSLICE_SIM_CLI_FLAGS_H_
#define EPSLICE_SIM_CLI_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controllers/endpointslice/reconcile.h"
#include "sim/cli/command.h"
#include "sim/report/structured.h"
#include "sim/trace/dump_reader.h"

namespace epslice::sim {

// -f FILE, repeatable.
class InputFlags {
 public:
  void AddTo(CLI::App* app);
  // Reads all files; notes go to `streams.err`. The error is told there too:
  // nullopt means to return kExitBadInput.
  std::optional<Dump> Read(const Streams& streams, DumpOptions options = {}) const;

 private:
  std::vector<std::string> files_;
};

// -o table|json|yaml; table where it is left out.
class OutputFlags {
 public:
  void AddTo(CLI::App* app);
  OutputFormat format() const;

 private:
  std::string format_ = "table";
};

// The controller's own: --max-endpoints-per-slice, --controller-name,
// --hints-policy, --hints-unknown-nodes, --hints-overload-threshold.
class ControllerFlags {
 public:
  void AddTo(CLI::App* app);
  ReconcileConfig config() const;

 private:
  int max_endpoints_per_slice_ = 100;
  std::string controller_name_{kDefaultControllerName};
  HintsOptions hints_;
};

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_CLI_FLAGS_H_

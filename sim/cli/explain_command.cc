#include "sim/cli/explain_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "apis/concat.h"
#include "controllers/topologyhints/explain.h"
#include "controllers/topologyhints/explain_report.h"
#include "sim/cli/flags.h"
#include "sim/cluster/dump_cluster.h"

namespace epslice::sim {
namespace {

class ExplainCommand : public Command {
 public:
  std::string_view name() const override { return "explain"; }
  std::string_view summary() const override {
    return "why the topology hints of a Service in a dump are as they are, and what would bring them back";
  }
  void AddFlags(CLI::App* app) override {
    input_.AddTo(app);
    output_.AddTo(app);
    controller_.AddTo(app);
    app->add_option("service", service_, "the Service to explain; left out: a table of all, worst first")
        ->type_name("[NAMESPACE/]NAME");
  }
  int Run(const Streams& streams) override {
    const std::optional<Dump> dump = input_.Read(streams);
    if (!dump) return kExitBadInput;
    const ReconcileConfig config = controller_.config();
    const DumpCluster cluster = MakeDumpCluster(*dump, config);
    const auto nodes = std::make_shared<const NodeReport>(dump->Of<Node>());
    if (!service_.empty()) return RunOne(*dump, cluster, nodes, config, streams);
    const std::vector<ExplainRow> rows = ExplainRows(cluster.inputs, nodes, config);
    if (output_.format() == OutputFormat::kTable) {
      streams.out << ExplanationListText(rows, cluster.skipped_services);
    } else {
      PrintStructured(ExplanationListJson(rows, cluster.skipped_services), output_.format(), streams.out);
    }
    const bool in_vain = std::any_of(rows.begin(), rows.end(), [](const ExplainRow& row) { return row.in_vain; });
    return in_vain ? kExitNotAllWell : kExitOk;
  }

 private:
  int RunOne(const Dump& dump, const DumpCluster& cluster, const std::shared_ptr<const NodeReport>& nodes,
             const ReconcileConfig& config, const Streams& streams) const {
    std::vector<ObjectKey> keys;
    const auto services = dump.Of<Service>();
    keys.reserve(services.size());
    for (const auto& service : services) keys.push_back(KeyOf(service->metadata));
    const absl::StatusOr<ObjectKey> key = FindService(service_, keys);
    if (!key.ok()) return BadInput(streams, Concat("explain: ", std::string(key.status().message())));
    const auto is_it = [&](const ObjectMeta& meta) { return KeyOf(meta) == *key; };
    ExplainInput input;
    input.nodes = nodes;
    const auto at = std::find_if(cluster.inputs.begin(), cluster.inputs.end(),
                                 [&](const ReconcileInput& i) { return is_it(i.service->metadata); });
    if (at != cluster.inputs.end()) {
      input.cluster = *at;
    } else {
      input.cluster.service =
          *std::find_if(services.begin(), services.end(), [&](const auto& s) { return is_it(s->metadata); });
    }
    const Explanation explanation = ExplainService(input, config);
    if (output_.format() == OutputFormat::kTable) {
      streams.out << ExplanationText(explanation);
    } else {
      PrintStructured(ExplanationJson(explanation), output_.format(), streams.out);
    }
    return explanation.asks_in_vain() ? kExitNotAllWell : kExitOk;
  }

  InputFlags input_;
  OutputFlags output_;
  ControllerFlags controller_;
  std::string service_;
};

}  // namespace

std::unique_ptr<Command> MakeExplainCommand() { return std::make_unique<ExplainCommand>(); }

}  // namespace epslice::sim

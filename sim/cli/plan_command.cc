#include "sim/cli/plan_command.h"

#include <array>
#include <cstdint>
#include <utility>

#include "apis/concat.h"
#include "apis/json.h"
#include "apis/json_writer.h"
#include "controllers/endpointslice/slice_text.h"
#include "sim/cli/flags.h"
#include "sim/cluster/dump_cluster.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

constexpr std::array<std::string_view, 3> kOpNames = {"create", "update", "delete"};

std::string_view OpName(SliceWrite::Op op) { return kOpNames[static_cast<std::size_t>(op)]; }

struct Summary {
  std::int64_t services = 0;
  std::int64_t skipped_services = 0;
  std::array<std::int64_t, 3> operations{};
  std::int64_t endpoints = 0;
  std::int64_t slices = 0;
  std::int64_t ignored_objects = 0;
};

struct PlanResult {
  std::vector<Plan> plans;
  Summary summary;
  bool has_errors = false;
};

PlanResult MakePlans(const DumpCluster& cluster, const ReconcileConfig& config) {
  PlanResult result;
  result.summary.services = static_cast<std::int64_t>(cluster.inputs.size());
  result.summary.skipped_services = cluster.skipped_services;
  result.summary.ignored_objects = cluster.ignored_objects;
  for (const ReconcileInput& input : cluster.inputs) {
    Plan plan = Reconcile(input, config);
    for (const SliceWrite& write : plan.writes) ++result.summary.operations[static_cast<std::size_t>(write.op)];
    result.summary.endpoints += plan.metrics.desired_endpoints;
    result.summary.slices += plan.metrics.actual_slices;
    result.has_errors |= !plan.retry_errors.empty();
    result.plans.push_back(std::move(plan));
  }
  return result;
}

// Of a delete: what names the slice, without what it holds.
void AppendSlice(const SliceWrite& write, std::string* out) {
  if (write.op != SliceWrite::Op::kDelete) {
    AppendJson(*write.slice, out);
    return;
  }
  const ObjectMeta& meta = write.slice->metadata;
  JsonWriter json(out);
  json.BeginObject();
  json.Field("apiVersion", InfoOf(Kind::kEndpointSlice).apiVersion);
  json.Field("kind", InfoOf(Kind::kEndpointSlice).name);
  json.Key("metadata");
  json.BeginObject();
  json.Field("name", meta.name);
  if (!meta.namespace_.empty()) json.Field("namespace", meta.namespace_);
  if (!meta.uid.empty()) json.Field("uid", meta.uid);
  if (!meta.resourceVersion.empty()) json.Field("resourceVersion", meta.resourceVersion);
  json.EndObject();
  json.EndObject();
}

void AppendSummary(const Summary& summary, JsonWriter* json) {
  json->BeginObject();
  json->IntField("services", summary.services);
  json->IntField("skippedServices", summary.skipped_services);
  json->Key("operations");
  json->BeginObject();
  for (std::size_t i = 0; i < kOpNames.size(); ++i) json->IntField(kOpNames[i], summary.operations[i]);
  json->EndObject();
  json->IntField("endpoints", summary.endpoints);
  json->IntField("slices", summary.slices);
  json->IntField("ignoredObjects", summary.ignored_objects);
  json->EndObject();
}

std::string ToJson(const PlanResult& result) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("operations");
  json.BeginArray();
  for (const Plan& plan : result.plans) {
    for (const SliceWrite& write : plan.writes) {
      json.BeginObject();
      json.Field("op", OpName(write.op));
      json.Field("service", plan.service.ToString());
      json.Key("endpointSlice");
      std::string slice;
      AppendSlice(write, &slice);
      json.Raw(slice);
      json.EndObject();
    }
  }
  json.EndArray();
  json.Key("events");
  json.BeginArray();
  for (const Plan& plan : result.plans) {
    for (const PlannedEvent& event : plan.events) {
      json.BeginObject();
      json.Field("service", plan.service.ToString());
      json.Field("type", event.type);
      json.Field("reason", event.reason);
      json.Field("message", event.message);
      json.EndObject();
    }
  }
  json.EndArray();
  json.Key("errors");
  json.BeginArray();
  for (const Plan& plan : result.plans) {
    for (const std::string& message : plan.retry_errors) {
      json.BeginObject();
      json.Field("service", plan.service.ToString());
      json.Field("message", message);
      json.EndObject();
    }
  }
  json.EndArray();
  json.Key("summary");
  AppendSummary(result.summary, &json);
  json.EndObject();
  return out;
}

std::string Counted(std::int64_t n, std::string_view one) { return Concat(n, ' ', one, n == 1 ? "" : "s"); }

void PrintTables(const PlanResult& result, std::ostream& out) {
  Table operations({"SERVICE", "OPERATION", "SLICE", "ADDRESSTYPE", "PORTS", "ENDPOINTS"});
  Table events({"SERVICE", "EVENT", "REASON", "MESSAGE"});
  Table errors({"SERVICE", "ERROR"});
  for (const Plan& plan : result.plans) {
    const std::string service = plan.service.ToString();
    for (const SliceWrite& write : plan.writes) {
      const EndpointSlice& slice = *write.slice;
      operations.Add({service, std::string(OpName(write.op)), SliceName(slice), slice.addressType.str(),
                      PortsText(slice.ports), std::to_string(slice.endpoints.size())});
    }
    for (const PlannedEvent& event : plan.events) {
      events.Add({service, event.type.str(), event.reason.str(), event.message});
    }
    for (const std::string& message : plan.retry_errors) errors.Add({service, message});
  }
  for (const Table* table : {&operations, &events, &errors}) {
    if (table->empty()) continue;
    table->Print(out);
    out << '\n';
  }
  const Summary& s = result.summary;
  out << Counted(s.services, "Service") << " (" << s.skipped_services
      << " more without selector or ExternalName): " << Counted(s.operations[0], "create") << ", "
      << Counted(s.operations[1], "update") << ", " << Counted(s.operations[2], "delete") << "; then "
      << Counted(s.endpoints, "endpoint") << " in " << Counted(s.slices, "slice") << ". "
      << Counted(s.ignored_objects, "other object") << " ignored.\n";
}

class PlanCommand : public Command {
 public:
  std::string_view name() const override { return "plan"; }
  std::string_view summary() const override {
    return "what the controller would write for the Services in a dump, from a fresh start";
  }
  void AddFlags(CLI::App* app) override {
    input_.AddTo(app);
    output_.AddTo(app);
    controller_.AddTo(app);
  }
  int Run(const Streams& streams) override {
    const std::optional<Dump> dump = input_.Read(streams);
    if (!dump) return kExitBadInput;
    ReconcileConfig config = controller_.config();
    // plan answers what the reference would write, down to the writes that
    // change nothing.
    config.as_recorded = true;
    const PlanResult result = MakePlans(MakeDumpCluster(*dump, config), config);
    if (output_.format() == OutputFormat::kTable) {
      PrintTables(result, streams.out);
    } else {
      PrintStructured(ToJson(result), output_.format(), streams.out);
    }
    return result.has_errors ? kExitNotAllWell : kExitOk;
  }

 private:
  InputFlags input_;
  OutputFlags output_;
  ControllerFlags controller_;
};

}  // namespace

std::unique_ptr<Command> MakePlanCommand() { return std::make_unique<PlanCommand>(); }

}  // namespace epslice::sim

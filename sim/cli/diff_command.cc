#include "sim/cli/diff_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "apis/concat.h"
#include "apis/json_writer.h"
#include "controllers/endpointslice/slice_diff.h"
#include "sim/cli/flags.h"
#include "sim/cluster/dump_cluster.h"
#include "sim/report/table.h"

namespace epslice::sim {
namespace {

struct DiffResult {
  std::vector<ServiceDiff> diffs;
  std::int64_t skipped_services = 0;
  std::int64_t ignored_objects = 0;
  std::int64_t different = 0;
  std::int64_t only_hints = 0;
  std::array<std::int64_t, kDifferenceKinds> by_kind{};
  bool has_errors = false;
};

DiffResult MakeDiffs(const DumpCluster& cluster, const ReconcileConfig& config) {
  DiffResult result;
  result.skipped_services = cluster.skipped_services;
  result.ignored_objects = cluster.ignored_objects;
  for (const ReconcileInput& input : cluster.inputs) {
    ServiceDiff diff = DiffService(input, Reconcile(input, config));
    result.different += diff.differences.empty() ? 0 : 1;
    result.only_hints += diff.only_hints ? 1 : 0;
    for (const Difference& d : diff.differences) ++result.by_kind[static_cast<std::size_t>(d.kind)];
    result.has_errors |= !diff.errors.empty();
    result.diffs.push_back(std::move(diff));
  }
  return result;
}

void AppendDifference(const Difference& difference, JsonWriter* json) {
  json->BeginObject();
  json->Field("kind", NameOf(difference.kind));
  json->Field("addressType", difference.address_type);
  json->Field("object", difference.object);
  json->Key("slices");
  json->BeginArray();
  for (const std::string& slice : difference.slices) json->String(slice);
  json->EndArray();
  json->Key("fields");
  json->BeginArray();
  for (const FieldDifference& field : difference.fields) {
    json->BeginObject();
    json->Field("field", field.field);
    json->Field("want", field.want);
    json->Field("have", field.have);
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

std::string ToJson(const DiffResult& result) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("services");
  json.BeginArray();
  for (const ServiceDiff& diff : result.diffs) {
    if (diff.differences.empty()) continue;
    json.BeginObject();
    json.Field("service", diff.service.ToString());
    json.BoolField("onlyHints", diff.only_hints);
    json.Key("differences");
    json.BeginArray();
    for (const Difference& difference : diff.differences) AppendDifference(difference, &json);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.Key("errors");
  json.BeginArray();
  for (const ServiceDiff& diff : result.diffs) {
    for (const std::string& message : diff.errors) {
      json.BeginObject();
      json.Field("service", diff.service.ToString());
      json.Field("message", message);
      json.EndObject();
    }
  }
  json.EndArray();
  json.Key("summary");
  json.BeginObject();
  json.IntField("services", static_cast<std::int64_t>(result.diffs.size()));
  json.IntField("skippedServices", result.skipped_services);
  json.IntField("differentServices", result.different);
  json.IntField("onlyHints", result.only_hints);
  json.Key("differences");
  json.BeginObject();
  for (std::size_t i = 0; i < kDifferenceKinds; ++i) {
    json.IntField(NameOf(static_cast<DifferenceKind>(i)), result.by_kind[i]);
  }
  json.EndObject();
  json.IntField("ignoredObjects", result.ignored_objects);
  json.EndObject();
  json.EndObject();
  return out;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out.push_back(',');
    out += part;
  }
  return out;
}

void PrintTables(const DiffResult& result, std::ostream& out) {
  Table differences({"SERVICE", "DIFFERENCE", "ADDRESSTYPE", "OBJECT", "IN", "FIELD", "WANT", "HAVE"});
  Table errors({"SERVICE", "ERROR"});
  std::string only_hints;
  for (const ServiceDiff& diff : result.diffs) {
    const std::string service = diff.service.ToString();
    for (const Difference& d : diff.differences) {
      const std::vector<FieldDifference> one = {{}};
      for (const FieldDifference& field : d.fields.empty() ? one : d.fields) {
        differences.Add({service, std::string(NameOf(d.kind)), d.address_type.str(), d.object, Join(d.slices),
                         field.field, field.want, field.have});
      }
    }
    for (const std::string& message : diff.errors) errors.Add({service, message});
    if (diff.only_hints) only_hints += Concat(only_hints.empty() ? "" : ", ", service);
  }
  for (const Table* table : {&differences, &errors}) {
    if (table->empty()) continue;
    table->Print(out);
    out << '\n';
  }
  if (!only_hints.empty()) out << "Only hints differ: " << Printable(only_hints) << ".\n";
  const auto total = static_cast<std::int64_t>(result.diffs.size());
  out << result.different << " of " << total << (total == 1 ? " Service differs" : " Services differ") << " ("
      << result.skipped_services << " more without selector or ExternalName).\n";
}

// Leaves only the Service that is asked for.
absl::Status KeepOne(const std::string& wanted, const Dump& dump, DumpCluster* cluster) {
  const auto is_wanted = [&](const ObjectKey& key) {
    return wanted.find('/') == std::string::npos ? key.name == wanted : key.ToString() == wanted;
  };
  std::vector<std::string> matching;
  bool managed = false;
  for (const auto& service : dump.Of<Service>()) {
    if (!is_wanted(KeyOf(service->metadata))) continue;
    matching.push_back(KeyOf(service->metadata).ToString());
    managed = IsManagedService(*service);
  }
  if (matching.empty()) {
    return absl::NotFoundError(Concat("--service: there is no Service \"", wanted, "\" in the dump"));
  }
  if (matching.size() > 1) {
    return absl::InvalidArgumentError(
        Concat("--service: \"", wanted, "\" is the name of more than one Service: ", Join(matching)));
  }
  const auto other = [&](const ReconcileInput& input) { return !is_wanted(KeyOf(input.service->metadata)); };
  cluster->inputs.erase(std::remove_if(cluster->inputs.begin(), cluster->inputs.end(), other), cluster->inputs.end());
  cluster->skipped_services = managed ? 0 : 1;
  return absl::OkStatus();
}

class DiffCommand : public Command {
 public:
  std::string_view name() const override { return "diff"; }
  std::string_view summary() const override {
    return "where the slices in a dump differ from what the controller would write";
  }
  void AddFlags(CLI::App* app) override {
    input_.AddTo(app);
    output_.AddTo(app);
    controller_.AddTo(app);
    app->add_option("--service", service_, "look at this Service only")->type_name("[NAMESPACE/]NAME");
  }
  int Run(const Streams& streams) override {
    const std::optional<Dump> dump = input_.Read(streams);
    if (!dump) return kExitBadInput;
    const ReconcileConfig config = controller_.config();
    DumpCluster cluster = MakeDumpCluster(*dump, config);
    if (!service_.empty()) {
      if (absl::Status s = KeepOne(service_, *dump, &cluster); !s.ok()) {
        return BadInput(streams, std::string(s.message()));
      }
    }
    const DiffResult result = MakeDiffs(cluster, config);
    if (output_.format() == OutputFormat::kTable) {
      PrintTables(result, streams.out);
    } else {
      PrintStructured(ToJson(result), output_.format(), streams.out);
    }
    return result.different > 0 || result.has_errors ? kExitNotAllWell : kExitOk;
  }

 private:
  InputFlags input_;
  OutputFlags output_;
  ControllerFlags controller_;
  std::string service_;
};

}  // namespace

std::unique_ptr<Command> MakeDiffCommand() { return std::make_unique<DiffCommand>(); }

}  // namespace epslice::sim

#include "controllers/endpointslice/explain_reply.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apis/json_writer.h"
#include "controllers/endpointslice/service_controller.h"
#include "controllers/topologyhints/explain.h"
#include "controllers/topologyhints/explain_report.h"

namespace epslice {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";
absl::Status Refused(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what) +
                                    "; accepted are service=[NAMESPACE/]NAME and output=text or output=json");
}

}  // namespace

ExplainAnswer ExplainFailure(int status, std::string_view message, bool json) {
  ExplainAnswer answer;
  answer.status = status;
  answer.content_type = std::string(json ? kJson : kText);
  if (json) {
    JsonWriter writer(&answer.body);
    writer.BeginObject();
    writer.Field("error", message);
    writer.EndObject();
  } else {
    answer.body = std::string(message);
  }
  answer.body.push_back('\n');
  return answer;
}

bool WantsJson(const std::vector<std::pair<std::string, std::string>>& parameters) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const auto& p) { return p.first == "output" && p.second == "json"; });
}

absl::StatusOr<ExplainQuery> MakeExplainQuery(const std::vector<std::pair<std::string, std::string>>& parameters) {
  ExplainQuery query;
  bool has_service = false;
  bool has_output = false;
  for (const auto& [key, value] : parameters) {
    if (key == "service" && !has_service) {
      has_service = true;
      query.service = value;
    } else if (key == "output" && !has_output && (value == "json" || value == "text")) {
      has_output = true;
      query.json = value == "json";
    } else if (key == "output" || key == "service") {
      return Refused(key + " is given twice, or has a value that is not known");
    } else {
      return Refused("\"" + key.substr(0, 64) + "\" is no parameter");
    }
  }
  return query;
}

ExplainSnapshot TakeExplainSnapshot(const ServiceController& controller, std::string_view service) {
  ExplainSnapshot snapshot;
  snapshot.config = controller.options().reconcile;
  const auto services = controller.stores().services.List();
  if (service.empty()) {
    for (const auto& s : services) {
      if (IsManagedService(*s)) {
        snapshot.inputs.push_back(controller.InputOf(s));
      } else {
        ++snapshot.skipped_services;
      }
    }
  } else {
    std::vector<ObjectKey> keys;
    keys.reserve(services.size());
    for (const auto& s : services) keys.push_back(KeyOf(s->metadata));
    std::sort(keys.begin(), keys.end());
    const absl::StatusOr<ObjectKey> key = FindService(service, keys);
    snapshot.status = key.status();
    if (key.ok()) snapshot.inputs.push_back(controller.InputOf(controller.stores().services.Get(*key)));
  }
  if (snapshot.status.ok()) snapshot.nodes = controller.stores().nodes.List();
  std::sort(snapshot.inputs.begin(), snapshot.inputs.end(), [](const ReconcileInput& a, const ReconcileInput& b) {
    return KeyOf(a.service->metadata) < KeyOf(b.service->metadata);
  });
  return snapshot;
}

ExplainAnswer ExplainReply(const ExplainQuery& query, const ExplainSnapshot& snapshot) {
  if (!snapshot.status.ok()) {
    return ExplainFailure(absl::IsNotFound(snapshot.status) ? 404 : 400, std::string(snapshot.status.message()),
                          query.json);
  }
  const auto nodes = std::make_shared<const NodeReport>(snapshot.nodes);
  ExplainAnswer answer;
  answer.content_type = std::string(query.json ? kJson : kText);
  if (query.service.empty()) {
    const std::vector<ExplainRow> rows = ExplainRows(snapshot.inputs, nodes, snapshot.config);
    answer.body = query.json ? ExplanationListJson(rows, snapshot.skipped_services)
                             : ExplanationListText(rows, snapshot.skipped_services);
  } else {
    const Explanation explanation = ExplainService({snapshot.inputs.at(0), nodes, nullptr}, snapshot.config);
    answer.body = query.json ? ExplanationJson(explanation) : ExplanationText(explanation);
  }
  if (query.json) answer.body.push_back('\n');
  return answer;
}

}  // namespace epslice

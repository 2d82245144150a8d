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
// Two names of a Kubernetes object, percent-encoded.
constexpr std::size_t kLongestValue = 3 * 512;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

absl::Status Refused(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what) +
                                    "; accepted are service=[NAMESPACE/]NAME and output=text or output=json");
}

ExplainAnswer Failed(int status, std::string_view message, bool json) {
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

}  // namespace

absl::StatusOr<ExplainQuery> ParseExplainQuery(std::string_view query) {
  ExplainQuery parsed;
  bool has_service = false;
  bool has_output = false;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    const std::string_view raw = pair.substr(std::min(equals + 1, pair.size()));
    if (raw.size() > kLongestValue) return Refused("a value is too long");
    const std::optional<std::string> value = PercentDecode(raw);
    if (!value) return Refused("a value is not percent-encoded as it should be");
    if (key == "service" && !has_service) {
      has_service = true;
      parsed.service = *value;
    } else if (key == "output" && !has_output && (*value == "json" || *value == "text")) {
      has_output = true;
      parsed.json = *value == "json";
    } else if (key == "output" || key == "service") {
      return Refused(std::string(key) + " is given twice, or has a value that is not known");
    } else {
      return Refused("there is a parameter that is not known");
    }
  }
  return parsed;
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
    return Failed(absl::IsNotFound(snapshot.status) ? 404 : 400, std::string(snapshot.status.message()), query.json);
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

#include "controllers/manager/status_pages.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "apis/json_writer.h"
#include "controllers/manager/health.h"
#include "controllers/manager/platform.h"

namespace epslice {
namespace {

ServingReply JsonReply(std::string body) {
  body += '\n';
  return ServingReply{200, std::move(body), "application/json"};
}

void AddHealth(const StatusPagesOptions& options, const LiveRunner* runner, const Clock* clock, Logger* log,
               Serving* serving) {
  const HealthCheck ping{"ping", [] { return std::string(); }};
  const HealthCheck informers{"informers", [runner, clock, bound = options.informer_stuck_after] {
                                // While we stop, threads end as they should.
                                if (runner->stats().stopping) return std::string();
                                return runner->monitor().InformerTrouble(clock->Now(), bound);
                              }};
  const HealthCheck workers{"workers", [runner, clock, bound = options.worker_stuck_after] {
                              return runner->monitor().WorkerTrouble(clock->Now(), bound);
                            }};
  const HealthCheck synced{"informer-sync", [runner] { return runner->monitor().NotSynced(); }};
  const HealthCheck shutdown{
      "shutdown",
      [runner] { return runner->stats().stopping ? std::string("the controller is stopping") : std::string(); }};
  AddHealthEndpoint(serving, "/healthz", {ping, informers, workers}, log);
  AddHealthEndpoint(serving, "/livez", {ping, informers, workers}, log);
  AddHealthEndpoint(serving, "/readyz", {ping, informers, workers, synced, shutdown}, log);
}

std::string VersionJson(const std::string& version) {
  const std::vector<std::string> parts = absl::StrSplit(version, '.');
  std::string json;
  JsonWriter writer(&json, /*indented=*/true);
  writer.BeginObject();
  writer.Field("major", parts.front());
  writer.Field("minor", parts.size() > 1 ? parts[1] : "");
  writer.Field("gitVersion", "v" + version);
  writer.Field("compiler", "gcc-" + std::to_string(__GNUC__));
  writer.Field("platform", kPlatform);
  writer.EndObject();
  return json;
}

std::string ConfigJson(const std::vector<std::pair<std::string, std::string>>& flags) {
  std::string json;
  JsonWriter writer(&json, /*indented=*/true);
  writer.BeginObject();
  writer.Key("endpointslice-controller");
  writer.BeginObject();
  for (const auto& [flag, value] : flags) writer.Field(flag, value);
  writer.EndObject();
  writer.EndObject();
  return json;
}

void WriteKeys(std::string_view name, std::size_t total, std::string_view seconds_name, bool ahead,
               const std::vector<std::pair<ObjectKey, Instant>>& keys, Instant now, JsonWriter* writer) {
  writer->Key(name);
  writer->BeginObject();
  writer->IntField("total", static_cast<std::int64_t>(total));
  writer->Key("keys");
  writer->BeginArray();
  for (const auto& [key, at] : keys) {
    writer->BeginObject();
    writer->Field("service", key.ToString());
    writer->Key(seconds_name);
    writer->Double(std::max(0.0, InSeconds(ahead ? at - now : now - at)));
    writer->EndObject();
  }
  writer->EndArray();
  writer->EndObject();
}

ServingReply QueuePage(const LiveRunner& runner, const HttpQuery& query) {
  constexpr std::size_t kMost = 10'000;
  std::size_t limit = 100;
  if (query.Has("limit")) {
    const std::string text = query.Get("limit");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || limit > kMost) {
      return ServingReply{400, absl::StrCat("limit: accepted is a whole number from 0 to ", kMost, "\n")};
    }
  }
  LiveRunner::QueueView view = runner.queue(limit);
  std::sort(view.processing.begin(), view.processing.end());
  std::string json;
  JsonWriter writer(&json, /*indented=*/true);
  writer.BeginObject();
  WriteKeys("ready", view.ready_size, "waitingSeconds", false, view.ready, view.now, &writer);
  WriteKeys("delayed", view.delayed_size, "dueInSeconds", true, view.delayed, view.now, &writer);
  WriteKeys("processing", view.processing_size, "runningSeconds", false, view.processing, view.now, &writer);
  writer.EndObject();
  return JsonReply(std::move(json));
}

ServingReply ExplainPage(const LiveRunner& runner, const HttpQuery& request, std::mutex* one_at_a_time) {
  const auto failure = [json = WantsJson(request.parameters)](int code, std::string_view why) {
    ExplainAnswer answer = ExplainFailure(code, why, json);
    return ServingReply{answer.status, std::move(answer.body), std::move(answer.content_type)};
  };
  const absl::StatusOr<ExplainQuery> query = MakeExplainQuery(request.parameters);
  if (!query.ok()) return failure(400, std::string(query.status().message()));
  // One at a time: it may take a while, and the workers want the CPU.
  const std::unique_lock<std::mutex> turn(*one_at_a_time, std::try_to_lock);
  if (!turn.owns_lock()) return failure(503, "another explanation is being made; try again");
  if (!runner.stats().synced) return failure(503, "the lists of the API server's objects are not complete yet");
  ExplainAnswer answer = ExplainReply(*query, runner.explain_snapshot(query->service));
  return {answer.status, std::move(answer.body), std::move(answer.content_type)};
}

}  // namespace

void AddStatusPages(const StatusPagesOptions& options, const LiveRunner* runner, const Metrics* metrics,
                    const Clock* clock, Logger* log, Serving* serving) {
  AddHealth(options, runner, clock, log, serving);
  serving->AddHandler(
      "/version", [json = VersionJson(options.version)](const HttpQuery&) { return JsonReply(json); },
      Serving::Access::kOpen);
  serving->AddHandler("/configz", [json = ConfigJson(options.flags)](const HttpQuery&) { return JsonReply(json); });
  serving->AddHandler("/metrics", [runner, metrics, certificates = options.certificates](const HttpQuery&) {
    return ServingReply{200, metrics->Render(*runner, certificates ? certificates() : CertificateTimes()),
                        std::string(kMetricsContentType)};
  });
  serving->AddHandler("/debug/explain", [runner, turn = std::make_shared<std::mutex>()](const HttpQuery& query) {
    return ExplainPage(*runner, query, turn.get());
  });
  serving->AddHandler("/debug/queue", [runner](const HttpQuery& query) { return QueuePage(*runner, query); });
}

}  // namespace epslice

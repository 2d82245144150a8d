#include "sim/run/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include "absl/time/time.h"
#include "apis/cat.h"
#include "apis/concat.h"
#include "apis/names.h"
#include "controllers/topologyhints/policy.h"
#include "sim/run/unused_flags.h"

namespace epslice::sim {

std::optional<Duration> ParseSpan(std::string_view text) {
  absl::Duration value;
  const std::string terminated(text);
  if (!absl::ParseDuration(terminated, &value) || value < absl::ZeroDuration() || value > absl::Hours(876'000)) {
    return std::nullopt;
  }
  return Duration(absl::ToInt64Nanoseconds(value));
}

namespace {

struct Entry {
  std::string key;
  std::string accepts;
  std::string meaning;
  // False: not accepted.
  std::function<bool(std::string_view, Settings*)> set;
  std::function<std::string(const Settings&)> get;
};

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string FormatSpan(Duration value) { return absl::FormatDuration(absl::Nanoseconds(value.count())); }

// Entries by the type of what they set; `at` names the field.
template <typename F>
Entry Count(std::string key, int least, int most, std::string meaning, F at) {
  return {std::move(key), Concat(least, " to ", most), std::move(meaning),
          [=](std::string_view text, Settings* s) {
            int value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return false;
            *at(s) = value;
            return true;
          },
          [=](const Settings& s) { return std::to_string(*at(const_cast<Settings*>(&s))); }};
}

template <typename F>
Entry Number(std::string key, double least, double most, std::string accepts, std::string meaning, F at) {
  return {std::move(key), std::move(accepts), std::move(meaning),
          [=](std::string_view text, Settings* s) {
            const std::optional<double> value = ParseNumber(text);
            if (!value || *value < least || *value > most) return false;
            *at(s) = *value;
            return true;
          },
          [=](const Settings& s) { return ShortestNumber(*at(const_cast<Settings*>(&s))); }};
}

// What a Span accepts. What is multiplied by numbers of the input has a bound,
// so that the products are times still.
struct SpanBounds {
  std::string accepts = "a duration: 500ms";
  Duration least{0};  // 0 is accepted in any case
  Duration most = Duration::max();
};
const SpanBounds kUpToADay = {"a duration up to 24h: 500ms", Duration(0), std::chrono::hours(24)};

template <typename F>
Entry Span(std::string key, std::string meaning, F at, const SpanBounds& bounds = {}) {
  return {std::move(key), bounds.accepts, std::move(meaning),
          [=](std::string_view text, Settings* s) {
            const std::optional<Duration> value = ParseSpan(text);
            if (!value || *value > bounds.most || (*value < bounds.least && *value != Duration(0))) return false;
            *at(s) = *value;
            return true;
          },
          [=](const Settings& s) { return FormatSpan(*at(const_cast<Settings*>(&s))); }};
}

template <typename F>
Entry Drawn(std::string key, std::string meaning, F at) {
  return {std::move(key), "5ms, uniform(1ms, 40ms) or lognormal(MEDIAN, P99)", std::move(meaning),
          [=](std::string_view text, Settings* s) {
            const absl::StatusOr<Latency> value = Latency::Parse(text);
            if (value.ok()) *at(s) = *value;
            return value.ok();
          },
          [=](const Settings& s) { return at(const_cast<Settings*>(&s))->ToString(); }};
}

template <typename F>
Entry Share(std::string key, Millionths most, std::string accepts, std::string meaning, F at) {
  return {std::move(key), std::move(accepts), std::move(meaning),
          [=](std::string_view text, Settings* s) {
            const absl::StatusOr<Millionths> value = ParseShare(text, most);
            if (value.ok()) *at(s) = *value;
            return value.ok();
          },
          [=](const Settings& s) { return FormatShare(*at(const_cast<Settings*>(&s))); }};
}

void AddController(std::vector<Entry>* entries) {
  const auto reconcile = [](Settings* s) { return &s->simulation.controller.reconcile; };
  entries->push_back(Count("max-endpoints-per-slice", 1, 1000,
                           "The most endpoints that are put into one EndpointSlice.",
                           [=](Settings* s) { return &reconcile(s)->max_endpoints_per_slice; }));
  entries->push_back(Span("endpointslice-updates-batch-period",
                          "How long changes of pods are collected before the Service is worked on.",
                          [](Settings* s) { return &s->simulation.controller.batch_period; }));
  entries->push_back(Count("concurrent-service-endpoint-syncs", 1, 50, "How many Services are worked on at a time.",
                           [](Settings* s) { return &s->simulation.models.workers; }));
  entries->push_back({"kube-api-qps", "a number; 0 or less: no limit",
                      "Requests each second that the controller's client allows itself, its Events among them.",
                      [](std::string_view text, Settings* s) {
                        const std::optional<double> value = ParseNumber(text);
                        if (!value || std::abs(*value) > 1e9) return false;
                        s->simulation.models.qps = *value > 0 ? *value : 0;  // of -0, too
                        return true;
                      },
                      [](const Settings& s) { return ShortestNumber(s.simulation.models.qps); }});
  entries->push_back(Count("kube-api-burst", 1, 1'000'000'000,
                           "How many requests the client may send at once after a pause.",
                           [](Settings* s) { return &s->simulation.models.burst; }));
  entries->push_back(Span("min-resync-period",
                          "Every Service is worked on again after one to two times this; 0: never.",
                          [](Settings* s) { return &s->simulation.min_resync_period; },
                          {"0, or a duration from 1s: 12h", std::chrono::seconds(1), Duration::max()}));
  entries->push_back({"controller-name", "a label value",
                      "The managed-by label of the slices that are the controller's.",
                      [](std::string_view text, Settings* s) {
                        if (text.empty() || !IsLabelValue(text)) return false;
                        s->simulation.controller.reconcile.controller_name = Text::Intern(text);
                        return true;
                      },
                      [](const Settings& s) { return s.simulation.controller.reconcile.controller_name.str(); }});
  entries->push_back({"hints-policy", "reference, resilient", "How hints in proportion to CPU are made.",
                      [](std::string_view text, Settings* s) {
                        const absl::StatusOr<HintsPolicy> value = ParseHintsPolicy(text);
                        if (value.ok()) s->simulation.controller.reconcile.hints.policy = *value;
                        return value.ok();
                      },
                      [](const Settings& s) {
                        return s.simulation.controller.reconcile.hints.policy == HintsPolicy::kReference
                                   ? std::string("reference")
                                   : std::string("resilient");
                      }});
  entries->push_back(Share("hints-unknown-nodes", kOne, "a share: 20%",
                           "Resilient hints stay while at most this share of the Ready nodes has no zone or CPU.",
                           [=](Settings* s) { return &reconcile(s)->hints.unknown_nodes; }));
  entries->push_back(Share("hints-overload-threshold", kMaxThreshold, "a share: 20%",
                           "By how much an endpoint's expected load may exceed that of an even spread.",
                           [=](Settings* s) { return &reconcile(s)->hints.overload_threshold; }));
}

void AddModels(std::vector<Entry>* entries) {
  const auto models = [](Settings* s) { return &s->simulation.models; };
  entries->push_back(Drawn("watch-latency", "From a commit at the API server to the controller's informer.",
                           [=](Settings* s) { return &models(s)->watch_latency; }));
  entries->push_back(Drawn("write-latency", "Of a write of the controller, from sending to the answer.",
                           [=](Settings* s) { return &models(s)->write_latency; }));
  entries->push_back({"follow-api-pace", "yes, no",
                      "With --against-recording: watch and write latency are stretched as the trace's requests took "
                      "longer or shorter than 4 ms.",
                      [](std::string_view text, Settings* s) {
                        if (text != "yes" && text != "no") return false;
                        s->follow_api_pace = text == "yes";
                        return true;
                      },
                      [](const Settings& s) { return std::string(s.follow_api_pace ? "yes" : "no"); }});
  entries->push_back(Span(
      "sync-time", "How long a sync takes before its first write, whatever the Service.",
      [=](Settings* s) { return &models(s)->sync_time; }, kUpToADay));
  entries->push_back(Span("sync-time-per-endpoint", "And as much for each endpoint that the Service should have.",
                          [=](Settings* s) { return &models(s)->sync_time_per_endpoint; },
                          {"a duration up to 1s: 200ns", Duration(0), std::chrono::seconds(1)}));
}

void AddDataPlane(std::vector<Entry>* entries) {
  const auto plane = [](Settings* s) { return &s->data_plane; };
  entries->push_back(Drawn("proxy-watch-latency", "From the commit of a slice to the kube-proxy of a node.",
                           [=](Settings* s) { return &plane(s)->proxy_watch_latency; }));
  entries->push_back(Span(
      "proxy-sync-period", "From when a kube-proxy has written its rules until it may do so again.",
      [=](Settings* s) { return &plane(s)->proxy_sync_period; }, kUpToADay));
  entries->push_back(Drawn("proxy-sync-time", "How long a kube-proxy takes to write its rules.",
                           [=](Settings* s) { return &plane(s)->proxy_sync_time; }));
  entries->push_back(Count("proxy-groups", 1, 1000, "Groups of a zone's nodes that lag alike.",
                           [=](Settings* s) { return &plane(s)->proxy_groups; }));
  entries->push_back(Number("default-rps", 0, 1e12, "a number",
                            "Requests each second to a Service not named elsewhere.",
                            [=](Settings* s) { return &plane(s)->default_rps; }));
  entries->push_back(Span("traffic-from",
                          "Requests before this time of the run are not counted: until then a cluster comes up.",
                          [=](Settings* s) { return &plane(s)->traffic_from; }));
  entries->push_back(Number("bytes-per-request", 0, 1e15, "a number", "Bytes of a request and its answer.",
                            [=](Settings* s) { return &plane(s)->bytes_per_request; }));
  entries->push_back(Number("cross-zone-price", 0, 1e6, "dollars", "For 10^9 bytes that cross zones, each way.",
                            [=](Settings* s) { return &plane(s)->cross_zone_price; }));
  entries->push_back(Number("overload-threshold", 0, 1e6, "a number: 0.2",
                            "An endpoint counts as overloaded above this much more than an even spread.",
                            [=](Settings* s) { return &plane(s)->overload_threshold; }));
  entries->push_back(Span(
      "lb-probe-interval", "How often load balancers probe a node's health check.",
      [=](Settings* s) { return &plane(s)->lb_probe_interval; }, kUpToADay));
  entries->push_back(Count("lb-probe-threshold", 1, 1000, "Probes in a row that change a load balancer's mind.",
                           [=](Settings* s) { return &plane(s)->lb_probe_threshold; }));
  entries->push_back(Number("external-share", 0, 1, "0 to 1",
                            "The part of a LoadBalancer or NodePort Service's traffic that comes from outside.",
                            [=](Settings* s) { return &plane(s)->external_share; }));
}

const std::vector<Entry>& Entries() {
  static const std::vector<Entry> kEntries = [] {
    std::vector<Entry> entries;
    AddController(&entries);
    AddModels(&entries);
    AddDataPlane(&entries);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    return entries;
  }();
  return kEntries;
}

}  // namespace

absl::Status Settings::Set(std::string_view key, std::string_view value) {
  std::string keys;
  for (const Entry& entry : Entries()) {
    if (entry.key != key) {
      keys += Concat(keys.empty() ? "" : ", ", entry.key);
      continue;
    }
    if (entry.set(value, this)) return absl::OkStatus();
    return absl::InvalidArgumentError(Concat(key, ": \"", value, "\" is not accepted; accepted: ", entry.accepts));
  }
  if (IsUnusedFlag(key)) {
    unused.emplace(key);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Concat("there is no setting \"", key, "\"; there are: ", keys));
}

std::string Settings::UnusedNote() const {
  if (unused.empty()) return "";
  std::string flags;
  for (const std::string& flag : unused) flags += Concat(flags.empty() ? "--" : ", --", flag);
  return Concat("what was set of the controller's flags and changes nothing in a simulation: ", flags);
}

absl::Status Settings::SetPair(std::string_view pair) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError(Concat("\"", pair, "\" is no KEY=VALUE"));
  }
  return Set(pair.substr(0, equals), pair.substr(equals + 1));
}

std::vector<std::pair<std::string, std::string>> Settings::Effective() const {
  std::vector<std::pair<std::string, std::string>> effective;
  for (const Entry& entry : Entries()) effective.emplace_back(entry.key, entry.get(*this));
  return effective;
}

const std::vector<SettingDoc>& AllSettings() {
  static const std::vector<SettingDoc> kDocs = [] {
    std::vector<SettingDoc> docs;
    const Settings presets;
    for (const Entry& entry : Entries()) {
      docs.push_back({entry.key, entry.accepts, entry.meaning, entry.get(presets)});
    }
    return docs;
  }();
  return kDocs;
}

}  // namespace epslice::sim

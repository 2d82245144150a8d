// What tests of recordings share: a small one, line by line: Service shop/web, node
// n1, pods p0, p1, ... and a slice of them.
#ifndef EPSLICE_TEST_SIM_RUN_RECORDING_LINES_H_
#define EPSLICE_TEST_SIM_RUN_RECORDING_LINES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/concat.h"
#include "sim/run/against_recording.h"

namespace epslice::sim {

inline constexpr std::string_view kKcm = "kcm/v1.36.0 (linux/amd64) kubernetes/abc/endpointslice-controller";

inline std::string Line(const std::string& second, std::string_view type, std::string_view actor,
                        std::string_view source, const std::string& object) {
  return Concat(R"({"time":"2026-01-01T12:00:)", second, R"(Z","type":")", type, R"(","actor":")", actor,
                R"(","source":")", source, R"(","object":)", object, "}\n");
}

inline std::string Meta(std::string_view kind, std::string_view name, std::string_view more) {
  return Concat(R"({"kind":")", kind, R"(","metadata":{"name":")", name, R"(","uid":"u-)", name, "\"", more);
}

inline std::string NodeLine() {
  return Line("00", "ADDED", "admin", "10.0.0.9", Meta("Node", "n1", R"(},"apiVersion":"v1"})"));
}

inline std::string ServiceLine(const std::string& second, std::string_view type) {
  return Line(
      second, type, "kubectl/v1", "10.0.0.9",
      Meta(
          "Service", "web",
          R"(,"namespace":"shop","creationTimestamp":"2026-01-01T12:00:00Z"},"apiVersion":"v1","spec":)"
          R"({"clusterIP":"10.96.0.1","ipFamilies":["IPv4"],"selector":{"app":"web"},"ports":[{"port":80,"targetPort":80,"protocol":"TCP"}]}})"));
}

inline std::string PodLine(const std::string& second, std::string_view type, int pod, bool ready) {
  return Line(
      second, type, "kubelet/v1", "10.0.0.9",
      Meta("Pod", Concat("p", pod),
           Concat(R"(,"namespace":"shop","labels":{"app":"web"},"creationTimestamp":"2026-01-01T12:00:00Z"},)",
                  R"("apiVersion":"v1","spec":{"nodeName":"n1"},"status":{"phase":"Running","podIPs":[{"ip":"10.1.0.)",
                  pod + 1, R"("}],"conditions":[{"type":"Ready","status":")", ready ? "True" : "False",
                  R"(","lastTransitionTime":"2026-01-01T12:00:)", second.substr(0, 2), R"(Z"}]}})")));
}

// A slice of the pods whose letter in `pods` says ready (r) or not (n).
inline std::string SliceLine(const std::string& second, std::string_view type, std::string_view actor,
                             std::string_view source, std::string_view pods,
                             std::string_view managed_by = "endpointslice-controller.k8s.io") {
  std::string endpoints;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const std::string_view ready = pods[i] == 'r' ? "true" : "false";
    endpoints += Concat(i == 0 ? "" : ",", R"({"addresses":["10.1.0.)", i + 1, R"("],"conditions":{"ready":)", ready,
                        R"(,"serving":)", ready, R"(,"terminating":false},"nodeName":"n1","targetRef":{"kind":"Pod",)",
                        R"("namespace":"shop","name":"p)", i, R"(","uid":"u-p)", i, "\"}}");
  }
  return Line(second, type, actor, source,
              Meta("EndpointSlice", Concat("web-", managed_by.size()),
                   Concat(R"(,"namespace":"shop","labels":{"kubernetes.io/service-name":"web",)",
                          R"("endpointslice.kubernetes.io/managed-by":")", managed_by,
                          R"("},"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"web","uid":"u-web",)",
                          R"("controller":true,"blockOwnerDeletion":true}]},"apiVersion":"discovery.k8s.io/v1",)",
                          R"("addressType":"IPv4","ports":[{"name":"","port":80,"protocol":"TCP"}],"endpoints":[)",
                          endpoints, "]}")));
}

inline absl::StatusOr<AgainstRecording> RunLines(const std::string& lines,
                                                 const char* setting = "max-endpoints-per-slice=100") {
  auto reader = OpenTraceText("t", lines);
  if (!reader.ok()) return reader.status();
  return RunAgainstRecording(reader->get(), {setting, "follow-api-pace=no"}, 1);
}

inline std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace epslice::sim

#endif  // EPSLICE_TEST_SIM_RUN_RECORDING_LINES_H_

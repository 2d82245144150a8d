// Private to apis: what an object means, whichever bytes it came in. Both
// decoders (JSON, protobuf) ask here, so that their structs come out equal.
#ifndef EPSLICE_APIS_DECODE_RULES_H_
#define EPSLICE_APIS_DECODE_RULES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/core.h"
#include "apis/kind.h"
#include "apis/meta.h"
#include "apis/request.h"
#include "apis/text.h"

namespace epslice::decode {

// The last labels and ports seen in one call. The pods of a list lie side by
// side with their siblings, so most can share these with the one before.
struct Siblings {
  StringMap labels;
  std::shared_ptr<const std::vector<NamedPort>> ports;

  // `ports` as a shared list: the last one, where it is equal; null when empty.
  std::shared_ptr<const std::vector<NamedPort>> Share(const std::vector<NamedPort>& list);
};

// metav1.Time keeps seconds, metav1.MicroTime microseconds. Rounded towards
// the past, also before 1970; unset stays unset.
inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kMicrosecond = 1'000;
Timestamp CutTo(std::int64_t resolution, Timestamp time);

// "" is TCP, as the API server has it.
Text ProtocolOf(std::string_view name);
PodPhase PhaseOf(std::string_view name);
// Whether traffic reaches the ports of an init container: those that keep
// running (sidecars, KEP-753).
inline bool IsSidecar(std::string_view restart_policy) { return restart_policy == "Always"; }
// Appends the address in its canonical form; what is no address is dropped.
void AppendPodIp(std::string_view ip, IpList* out);

// The condition of type Ready: the first one, at which the reference looks too.
inline constexpr std::string_view kReadyCondition = "Ready";
inline bool IsTrue(std::string_view condition_status) { return condition_status == "True"; }

std::optional<WatchEventType> WatchEventTypeOf(std::string_view name);
inline constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

// The code of a Status: a failure must not pass for a success, nor for "no
// answer came", whatever code came with it.
int StatusCodeOf(std::string_view status, std::int32_t code);

// `s` fit for an error message: one line, cut where it is very long.
std::string Printable(std::string_view s);
// "Pod shop/a: spec.nodeName: is a number, not a string". `where` names an
// object that has no name ("items[3]").
absl::Status ObjectError(Kind kind, const BasicMeta& meta, std::string_view where, std::string_view what);
// `is "v2", not "v1"`
std::string IsNot(std::string_view is, std::string_view wanted);
// Why an object of this kind cannot be a `kind`; nullopt when it can. Empty
// names say nothing.
struct TypeMismatch {
  bool in_kind = false;  // else in apiVersion
  std::string what;
};
std::optional<TypeMismatch> CheckTypeMeta(Kind kind, std::string_view api_version, std::string_view kind_name);

}  // namespace epslice::decode

#endif  // EPSLICE_APIS_DECODE_RULES_H_

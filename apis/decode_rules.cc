#include "apis/decode_rules.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "apis/cat.h"
#include "apis/ip.h"

namespace epslice::decode {

std::shared_ptr<const std::vector<NamedPort>> Siblings::Share(const std::vector<NamedPort>& list) {
  if (list.empty()) return nullptr;
  if (ports == nullptr || *ports != list) ports = std::make_shared<const std::vector<NamedPort>>(list);
  return ports;
}

Timestamp CutTo(std::int64_t resolution, Timestamp time) {
  if (!time.is_set()) return {};
  std::int64_t rest = time.nanos % resolution;
  if (rest < 0) rest += resolution;
  return Timestamp{time.nanos - rest};
}

Text ProtocolOf(std::string_view name) { return Text::Intern(name.empty() ? "TCP" : name); }

PodPhase PhaseOf(std::string_view name) {
  if (name == "Running") return PodPhase::kRunning;
  if (name == "Pending") return PodPhase::kPending;
  if (name == "Succeeded") return PodPhase::kSucceeded;
  if (name == "Failed") return PodPhase::kFailed;
  return PodPhase::kUnknown;
}

void AppendPodIp(std::string_view ip, IpList* out) {
  std::optional<IpAddress> address = ParseIpLenient(ip);
  if (address.has_value()) out->push_back(*std::move(address));
}

std::optional<WatchEventType> WatchEventTypeOf(std::string_view name) {
  if (name == "ADDED") return WatchEventType::kAdded;
  if (name == "MODIFIED") return WatchEventType::kModified;
  if (name == "DELETED") return WatchEventType::kDeleted;
  if (name == "BOOKMARK") return WatchEventType::kBookmark;
  if (name == "ERROR") return WatchEventType::kError;
  return std::nullopt;
}

int StatusCodeOf(std::string_view status, std::int32_t code) {
  if (status == "Success") return code == 0 ? 200 : code;
  const bool claims_success = code >= 200 && code < 300;
  return code <= 0 || claims_success ? 500 : code;
}

std::string Printable(std::string_view s) {
  constexpr std::size_t kLongest = 300;
  const bool cut = s.size() > kLongest;
  s = s.substr(0, kLongest);
  std::string out = absl::Utf8SafeCHexEscape(absl::string_view(s.data(), s.size()));
  if (cut) out += "...";
  return out;
}

absl::Status ObjectError(Kind kind, const BasicMeta& meta, std::string_view where, std::string_view what) {
  const std::string name = meta.name.empty() ? std::string(where) : Printable(KeyOf(meta).ToString());
  return absl::InvalidArgumentError(Cat({InfoOf(kind).name, name.empty() ? "" : " ", name, ": ", what}));
}

std::string IsNot(std::string_view is, std::string_view wanted) {
  return Cat({"is \"", Printable(is), "\", not \"", wanted, "\""});
}

std::optional<TypeMismatch> CheckTypeMeta(Kind kind, std::string_view api_version, std::string_view kind_name) {
  const KindInfo& info = InfoOf(kind);
  if (!kind_name.empty() && kind_name != info.name) return TypeMismatch{true, IsNot(kind_name, info.name)};
  if (!api_version.empty() && KindFromName(api_version, info.name) != kind) {
    return TypeMismatch{false, IsNot(api_version, info.apiVersion)};
  }
  return std::nullopt;
}

}  // namespace epslice::decode

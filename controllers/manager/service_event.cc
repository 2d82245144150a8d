#include "controllers/manager/service_event.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace epslice {
namespace {

constexpr std::string_view kComponent = "endpoint-slice-controller";
// Of a Service before v1.36 63, since then 253, which leaves no room for a
// suffix in a name of at most 253.
constexpr std::size_t kMaxPrefix = 253 - 17;

}  // namespace

Request ServiceEventRequest(const Service& service, const PlannedEvent& planned, std::size_t index, Timestamp now) {
  const std::uint64_t unique = static_cast<std::uint64_t>(now.nanos) + index;
  std::string prefix = service.metadata.name.str().substr(0, kMaxPrefix);
  while (!prefix.empty() && (prefix.back() == '.' || prefix.back() == '-')) prefix.pop_back();
  Event event;
  event.metadata.name = absl::StrCat(prefix, ".", absl::Hex(unique, absl::kZeroPad16));
  event.metadata.namespace_ = service.metadata.namespace_;
  event.involvedObject.kind = "Service";
  event.involvedObject.apiVersion = "v1";
  event.involvedObject.namespace_ = service.metadata.namespace_;
  event.involvedObject.name = service.metadata.name;
  event.involvedObject.uid = service.metadata.uid;
  event.involvedObject.resourceVersion = service.metadata.resourceVersion;
  event.type = planned.type;
  event.reason = planned.reason;
  event.message = planned.message;
  event.sourceComponent = kComponent;
  event.reportingController = kComponent;
  event.count = 1;
  event.firstTimestamp = now;
  event.lastTimestamp = now;

  Request request;
  request.verb = Verb::kCreate;
  request.kind = Kind::kEvent;
  request.namespace_ = service.metadata.namespace_.str();
  request.object = AnyObject::Of(std::move(event));
  return request;
}

}  // namespace epslice

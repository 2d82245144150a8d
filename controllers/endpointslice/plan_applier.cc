#include "controllers/endpointslice/plan_applier.h"

#include <algorithm>

#include "informers/retry_after.h"

namespace epslice {
namespace {

Request RequestFor(const SliceWrite& write) {
  Request request;
  request.kind = Kind::kEndpointSlice;
  request.namespace_ = write.slice->metadata.namespace_.str();
  request.name = write.slice->metadata.name.str();
  switch (write.op) {
    case SliceWrite::Op::kCreate:
      request.verb = Verb::kCreate;
      request.object = AnyObject(write.slice);
      break;
    case SliceWrite::Op::kUpdate:
      request.verb = Verb::kUpdate;
      request.object = AnyObject(write.slice);
      break;
    case SliceWrite::Op::kDelete: request.verb = Verb::kDelete; break;
  }
  return request;
}

}  // namespace

std::optional<Request> PlanApplier::NextRequest() {
  while (next_ < plan_.writes.size() && plan_.writes[next_].group == skipped_group_) ++next_;
  if (next_ == plan_.writes.size()) return std::nullopt;
  return RequestFor(plan_.writes[next_]);
}

void PlanApplier::OnResponse(const Response& response) {
  const SliceWrite& write = plan_.writes[next_++];
  const Status& status = response.status;
  if (write.op == SliceWrite::Op::kDelete) {
    // Somebody else was quicker: it is gone, which is what we wanted.
    if (!status.ok() && status.code != 404) return Fail(write, status);
    ++outcome_.deletes;
    outcome_.deleted.push_back(write.slice);
    return;
  }
  if (!status.ok()) return Fail(write, status);
  ++(write.op == SliceWrite::Op::kCreate ? outcome_.creates : outcome_.updates);
  if (auto slice = response.object.As<EndpointSlice>()) outcome_.written.push_back(std::move(slice));
}

void PlanApplier::Fail(const SliceWrite& write, const Status& status) {
  skipped_group_ = write.group;
  // In a namespace that is going away every create fails, and nobody needs
  // the slices any more.
  if (write.op == SliceWrite::Op::kCreate && status.HasCause(kCauseNamespaceTerminating)) return;
  // What a server, or a proxy before it, says when it gave up waiting does not
  // tell what its storage did: a create that is sent again would be a second
  // slice.
  if (status.code == 0 || status.code >= 500) outcome_.unknown = true;
  outcome_.no_answer |= status.code == 0;
  outcome_.retry_after = std::max(outcome_.retry_after, RetryAfterOf(status));
  outcome_.errors.push_back(DescribeRequest(RequestFor(write)) + ": " + status.ToString());
}

}  // namespace epslice

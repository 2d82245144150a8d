// The workers of a LiveRunner that only looks on.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controllers/manager/live_runner_impl.h"

namespace epslice {
namespace {

// Of one Service; where all of its endpoints differ, a few tell enough.
constexpr std::size_t kMostLines = 20;

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ',';
    out += part;
  }
  return out;
}

}  // namespace

void LiveRunner::Impl::LookAgainWhenDue(Instant now) {
  if (!shadow) return;
  for (const ObjectKey& service : shadow->TakeDue(now)) controller.Queue(service, now);
}

void LiveRunner::Impl::RunShadow(const Job& job) {
  const Instant begin = clock->Now();
  const Plan wanted = controller.MakePlan(job);
  const bool managed = job.input.service != nullptr;
  const std::vector<Difference> found = managed ? ShadowDifferences(job.input, wanted) : std::vector<Difference>();
  const Plan plan = managed ? PlanOfOnlooker(job.input, wanted) : wanted;
  const Outcome nothing;
  if (options.observe_sync) options.observe_sync(job, plan, nothing);
  std::vector<Shadow::Note> notes;
  Instant end;
  {
    std::lock_guard<std::mutex> lock(mu);
    end = clock->Now();
    notes = shadow->Observe(job.service, found, end, /*sure=*/informers_down == 0);
    controller.Complete(job, plan, nothing, end);
  }
  LogShadow(job, notes, found.size(), end - begin);
}

void LiveRunner::Impl::LogShadowLine(const LogField& service, const Shadow::Line& line) {
  const Difference& difference = line.note.difference;
  const LogField kind("kind", NameOf(difference.kind));
  const LogField type("addressType", difference.address_type.str());
  const LogField object("object", difference.object);
  const LogField endpoints("endpoints", line.endpoints);
  const LogField such("such", Join(line.such));
  const LogField slices("slices", Join(difference.slices));
  const LogField lasted("lasted", line.note.lasted);
  constexpr std::string_view kDiffer = "Shadow: the slices differ";
  constexpr std::string_view kGone = "Shadow: a difference is gone";
  if (line.endpoints > 1 && line.note.what == Shadow::Note::What::kGone) {
    log->Info(0, kGone, {service, kind, type, object, endpoints, lasted});
  } else if (line.endpoints > 1) {
    log->Warning(kDiffer, {service, kind, type, object, endpoints, such, slices, lasted});
  } else if (line.note.what == Shadow::Note::What::kGone) {
    log->Info(0, kGone, {service, kind, type, object, lasted});
  } else {
    log->Warning(kDiffer, {service, kind, type, object, slices, {"fields", DescribeFields(difference)}, lasted});
  }
}

void LiveRunner::Impl::LogShadow(const Job& job, const std::vector<Shadow::Note>& notes, std::size_t differences,
                                 Duration took) {
  const LogField service("service", job.service);
  const std::vector<Shadow::Line> lines = Shadow::LinesOf(notes);
  for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) LogShadowLine(service, lines[i]);
  if (lines.size() > kMostLines) {
    log->Info(0, "Shadow: more differences of this Service settled or are gone",
              {service, {"more", lines.size() - kMostLines}});
  }
  if (log->Enabled(4)) {
    log->Info(4, "Compared", {service, {"differences", differences}, {"duration", took}});
  }
}

}  // namespace epslice

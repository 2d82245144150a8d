#include "controllers/endpointslice/service_event.h"

#include <string>
#include <utility>

#include "apis/cat.h"
#include "informers/object_reference.h"

namespace epslice {
namespace {

EventRecorder::Note About(const Service& service, Text type, Text reason, std::string message) {
  EventRecorder::Note note;
  note.regarding = ReferenceTo(service);
  note.type = std::move(type);
  note.reason = std::move(reason);
  note.message = std::move(message);
  return note;
}

// As the reference puts errors together: "a", "[a, b]".
std::string Together(const std::vector<std::string>& some, const std::vector<std::string>& more) {
  std::string all;
  for (const auto* errors : {&some, &more}) {
    for (const std::string& error : *errors) all += Cat({all.empty() ? "" : ", ", error});
  }
  return some.size() + more.size() > 1 ? Cat({"[", all, "]"}) : all;
}

}  // namespace

std::vector<EventRecorder::Note> NotesOf(const Service& service, const Plan& plan, const Outcome& outcome) {
  std::vector<EventRecorder::Note> notes;
  if (outcome.no_answer) return notes;
  if (outcome.errors.empty()) {
    for (const PlannedEvent& planned : plan.events) {
      notes.push_back(About(service, planned.type, planned.reason, planned.message));
    }
  }
  if (!outcome.errors.empty() || !plan.retry_errors.empty()) {
    const ObjectKey key = KeyOf(service.metadata);
    notes.push_back(About(service, Text::Intern("Warning"), Text::Intern("FailedToUpdateEndpointSlices"),
                          Cat({"Error updating Endpoint Slices for Service ", key.ToString(), ": ",
                               Together(outcome.errors, plan.retry_errors)})));
  }
  return notes;
}

}  // namespace epslice

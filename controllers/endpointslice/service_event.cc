#include "controllers/endpointslice/service_event.h"

namespace epslice {

EventRecorder::Note NoteOf(const Service& service, const PlannedEvent& planned) {
  EventRecorder::Note note;
  note.regarding.kind = "Service";
  note.regarding.apiVersion = "v1";
  note.regarding.namespace_ = service.metadata.namespace_;
  note.regarding.name = service.metadata.name;
  note.regarding.uid = service.metadata.uid;
  note.regarding.resourceVersion = service.metadata.resourceVersion;
  note.type = planned.type;
  note.reason = planned.reason;
  note.message = planned.message;
  return note;
}

}  // namespace epslice

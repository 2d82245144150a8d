// Reading of what all objects carry, and of Status, from protobuf.
#include <type_traits>

#include "apis/protobuf_fields.h"
#include "apis/protobuf_reader.h"

namespace epslice::protobuf {
namespace {

OwnerReference ReadOwnerReference(std::string_view message, Context* context) {
  OwnerReference out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case OwnerField::kKind: out.kind = f.Shared("kind"); break;
      case OwnerField::kName: out.name = f.Shared("name"); break;
      case OwnerField::kUid: out.uid = f.Shared("uid"); break;
      case OwnerField::kApiVersion: out.apiVersion = f.Shared("apiVersion"); break;
      case OwnerField::kController: out.controller = f.Bool("controller"); break;
      case OwnerField::kBlockOwnerDeletion: out.blockOwnerDeletion = f.Bool("blockOwnerDeletion"); break;
      default: f.Skip();
    }
  }
  return out;
}

// The fields that a Pod does not keep. False: none of them.
bool ReadRest(Fields* f, ObjectMeta* out) {
  switch (f->number()) {
    case MetaField::kGenerateName: out->generateName = f->Shared("generateName"); return true;
    case MetaField::kGeneration: out->generation = f->Int64("generation"); return true;
    case MetaField::kDeletionGracePeriodSeconds:
      out->deletionGracePeriodSeconds = f->Int64("deletionGracePeriodSeconds");
      return true;
    case MetaField::kAnnotations: f->Entry("annotations", &f->context()->annotations); return true;
    case MetaField::kOwnerReferences:
      f->Element("ownerReferences", &out->ownerReferences, ReadOwnerReference);
      return true;
    case MetaField::kFinalizers:
      f->context()->Count();
      out->finalizers.push_back(f->Shared("finalizers"));
      return true;
    default: return false;
  }
}

template <typename Meta>
void ReadMeta(std::string_view message, Context* context, Meta* out) {
  constexpr bool kAll = std::is_same_v<Meta, ObjectMeta>;
  context->labels.clear();
  context->annotations.clear();
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case MetaField::kName: out->name = f.Unique("name"); break;
      case MetaField::kNamespace: out->namespace_ = f.Shared("namespace"); break;
      case MetaField::kUid: out->uid = f.Unique("uid"); break;
      case MetaField::kResourceVersion: out->resourceVersion = f.Unique("resourceVersion"); break;
      case MetaField::kLabels: f.Entry("labels", &context->labels); break;
      case MetaField::kCreationTimestamp: out->creationTimestamp = f.Time("creationTimestamp"); break;
      case MetaField::kDeletionTimestamp: out->deletionTimestamp = f.Time("deletionTimestamp"); break;
      default:
        if constexpr (kAll) {
          if (ReadRest(&f, out)) break;
        }
        f.Skip();
    }
  }
  out->labels = Labels(context->labels, context);
  context->siblings.labels = out->labels;
  if constexpr (kAll) {
    out->annotations = Annotations(context->annotations, context);
    out->ownerReferences.shrink_to_fit();
    out->finalizers.shrink_to_fit();
  }
}

StatusCause ReadCause(std::string_view message, Context* context) {
  StatusCause out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case CauseField::kReason: out.reason = f.Chars("reason"); break;
      case CauseField::kMessage: out.message = f.Chars("message"); break;
      case CauseField::kField: out.field = f.Chars("field"); break;
      default: f.Skip();
    }
  }
  return out;
}

void ReadDetails(std::string_view message, Context* context, Status* out) {
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case DetailsField::kName: out->detailsName = f.Chars("name"); break;
      case DetailsField::kGroup: out->detailsGroup = f.Chars("group"); break;
      case DetailsField::kKind: out->detailsKind = f.Chars("kind"); break;
      case DetailsField::kCauses: f.Element("causes", &out->causes, ReadCause); break;
      case DetailsField::kRetryAfterSeconds: out->retryAfterSeconds = f.Int32("retryAfterSeconds"); break;
      case DetailsField::kUid: out->detailsUid = f.Chars("uid"); break;
      default: f.Skip();
    }
  }
}

}  // namespace

void Read(std::string_view message, Context* context, BasicMeta* out) { ReadMeta(message, context, out); }

void Read(std::string_view message, Context* context, ObjectMeta* out) { ReadMeta(message, context, out); }

ObjectReference ReadObjectReference(std::string_view message, Context* context) {
  ObjectReference out;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case ReferenceField::kKind: out.kind = f.Shared("kind"); break;
      case ReferenceField::kNamespace: out.namespace_ = f.Shared("namespace"); break;
      case ReferenceField::kName: out.name = f.Unique("name"); break;
      case ReferenceField::kUid: out.uid = f.Unique("uid"); break;
      case ReferenceField::kApiVersion: out.apiVersion = f.Shared("apiVersion"); break;
      case ReferenceField::kResourceVersion: out.resourceVersion = f.Unique("resourceVersion"); break;
      case ReferenceField::kFieldPath: out.fieldPath = f.Shared("fieldPath"); break;
      default: f.Skip();
    }
  }
  return out;
}

void Read(std::string_view message, Context* context, Status* out) {
  std::string_view status;
  std::int32_t code = 0;
  for (Fields f(message, context); f.Next();) {
    switch (f.number()) {
      case StatusField::kStatus: status = f.Chars("status"); break;
      case StatusField::kMessage: out->message = f.Chars("message"); break;
      case StatusField::kReason: out->reason = f.Chars("reason"); break;
      case StatusField::kDetails:
        f.Message("details", [&](std::string_view details) { ReadDetails(details, context, out); });
        break;
      case StatusField::kCode: code = f.Int32("code"); break;
      default: f.Skip();
    }
  }
  out->code = decode::StatusCodeOf(status, code);
}

}  // namespace epslice::protobuf

// Reading of what all objects carry, and of Status.
#include "apis/decode_rules.h"
#include "apis/json_reader.h"

namespace epslice::json {
namespace {

OwnerReference ReadOwnerReference(const JsonValue& value) {
  static constexpr Fields<6>::Names kNames = {"apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"};
  const Fields<6> f(value, kNames);
  return {f[0].Shared(), f[1].Shared(), f[2].Shared(), f[3].Shared(), f[4].OptionalBool(), f[5].OptionalBool()};
}

enum MetaField {
  kName,
  kNamespace,
  kUid,
  kResourceVersion,
  kLabels,
  kCreationTimestamp,
  kDeletionTimestamp,
  kBasicFields,
  kGenerateName = kBasicFields,
  kGeneration,
  kDeletionGracePeriod,
  kAnnotations,
  kOwnerReferences,
  kFinalizers,
  kAllFields
};

template <std::size_t N>
void ReadBasic(const Fields<N>& f, BasicMeta* out) {
  out->name = f[kName].Unique();
  out->namespace_ = f[kNamespace].Shared();
  out->uid = f[kUid].Unique();
  out->resourceVersion = f[kResourceVersion].Unique();
  const JsonValue labels = f[kLabels];
  out->labels = labels.Labels();
  labels.context()->siblings.labels = out->labels;
  out->creationTimestamp = f[kCreationTimestamp].Time();
  out->deletionTimestamp = f[kDeletionTimestamp].Time();
}

}  // namespace

void CheckTypeMeta(Kind kind, const JsonValue& api_version, const JsonValue& kind_name) {
  const std::string_view name = kind_name.String();
  const std::string_view version = api_version.String();
  if (const auto mismatch = decode::CheckTypeMeta(kind, version, name)) {
    (mismatch->in_kind ? kind_name : api_version).Fail(mismatch->what);
  }
}

void Read(const JsonValue& value, BasicMeta* out) {
  static constexpr Fields<kBasicFields>::Names kNames = {
      "name", "namespace", "uid", "resourceVersion", "labels", "creationTimestamp", "deletionTimestamp"};
  ReadBasic(Fields<kBasicFields>(value, kNames), out);
}

void Read(const JsonValue& value, ObjectMeta* out) {
  static constexpr Fields<kAllFields>::Names kNames = {"name",
                                                       "namespace",
                                                       "uid",
                                                       "resourceVersion",
                                                       "labels",
                                                       "creationTimestamp",
                                                       "deletionTimestamp",
                                                       "generateName",
                                                       "generation",
                                                       "deletionGracePeriodSeconds",
                                                       "annotations",
                                                       "ownerReferences",
                                                       "finalizers"};
  const Fields<kAllFields> f(value, kNames);
  ReadBasic(f, out);
  out->generateName = f[kGenerateName].Shared();
  out->generation = f[kGeneration].Int64();
  out->deletionGracePeriodSeconds = f[kDeletionGracePeriod].OptionalInt64();
  out->annotations = f[kAnnotations].Annotations();
  out->ownerReferences = f[kOwnerReferences].List<OwnerReference>(ReadOwnerReference);
  out->finalizers = f[kFinalizers].List<Text>([](const JsonValue& item) { return item.Shared(); });
}

ObjectReference ReadObjectReference(const JsonValue& value) {
  static constexpr Fields<7>::Names kNames = {"kind",       "namespace",       "name",     "uid",
                                              "apiVersion", "resourceVersion", "fieldPath"};
  const Fields<7> f(value, kNames);
  return {f[0].Shared(), f[1].Shared(), f[2].Unique(), f[3].Unique(), f[4].Shared(), f[5].Unique(), f[6].Shared()};
}

void Read(const JsonValue& value, Status* out) {
  static constexpr Fields<7>::Names kNames = {"apiVersion", "kind", "status", "message", "reason", "details", "code"};
  const Fields<7> f(value, kNames);
  const std::string_view kind = f[1].String();
  if (!kind.empty() && kind != "Status") {
    f[1].Fail(decode::IsNot(kind, "Status"));
  }
  out->message = f[3].String();
  out->reason = f[4].String();
  static constexpr Fields<6>::Names kDetails = {"name", "group", "kind", "uid", "causes", "retryAfterSeconds"};
  const JsonValue details = f[5];
  const Fields<6> d(details, kDetails);
  out->detailsName = d[0].String();
  out->detailsGroup = d[1].String();
  out->detailsKind = d[2].String();
  out->detailsUid = d[3].String();
  out->causes = d[4].List<StatusCause>([](const JsonValue& cause) {
    static constexpr Fields<3>::Names kCause = {"reason", "message", "field"};
    const Fields<3> c(cause, kCause);
    return StatusCause{std::string(c[0].String()), std::string(c[1].String()), std::string(c[2].String())};
  });
  out->retryAfterSeconds = d[5].Int64();
  out->code = decode::StatusCodeOf(f[2].String(), f[6].Int32());
}

}  // namespace epslice::json

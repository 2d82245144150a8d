// One entry of an audit log as the change that it tells of.
//
// Entries are audit.k8s.io/v1 events, alone, in an EventList, or wrapped by a
// cloud's log: GKE's Cloud Audit Logs (protoPayload) and AKS's diagnostic logs
// (properties.log). What changed nothing that we replay is passed over with a
// reason; of the rest the objects are decoded and the text is let go.
#ifndef EPSLICE_SIM_TRACE_AUDIT_ENTRY_H_
#define EPSLICE_SIM_TRACE_AUDIT_ENTRY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "apis/request.h"
#include "informers/clock.h"
#include "sim/trace/json_span.h"
#include "sim/trace/known_objects.h"

namespace epslice::sim {

struct AuditChange {
  enum class What : std::uint8_t {
    kState,       // the object is `object` from now on
    kUnnamed,     // created as `object`, its name generated from `text`, not told yet
    kPatch,       // `text` is applied to it
    kBind,        // a pod: to the node `text`
    kDelete,      // asked to go: with `grace`
    kGone,        // deleted at once
    kEvict,       // a pod: asked to go
    kCollection,  // all that `text`, the query of a deletecollection, selects, or those `listed`
    kUnseen,      // a slice: written by verb `text`, its object is not told
  };
  What what = What::kState;
  // By verb delete, which may have removed it.
  bool by_delete = false;
  bool status_only = false;   // of a patch or request object: the subresource status
  bool created = false;       // by this request
  Timestamp time;             // of completion
  Duration took{0};           // since the request came
  std::uint64_t version = 0;  // resourceVersion after the change; 0: not told
  Kind kind = Kind::kPod;
  ObjectKey key;
  AnyObject object;
  ObjectFacts facts;
  std::optional<std::int64_t> grace;  // as the request asked
  std::string text;
  // Of a deletecollection whose answer tells them: what was deleted.
  std::optional<std::vector<ObjectKey>> listed;
  bool applied = false;  // the patch is of server-side apply
  std::string actor;
  std::string source;  // the address that the request came from
  std::size_t line = 0;
  // The same for entries that tell of one request twice, as rotated logs that
  // overlap do.
  std::uint64_t id = 0;
  std::size_t bytes = 0;  // of the entry's text
  // As the entry says, where `time` was put in order (AuditOrder).
  Timestamp logged;
};

struct AuditEntryOptions {
  bool keep_json = false;
};

// What became of a record: each of its entries is one of changes, skipped (why
// it is passed over) and unseen. (A write of a slice is both of unseen and, so
// that it has a place among the others, of changes.)
struct AuditEntries {
  std::vector<AuditChange> changes;
  std::vector<std::string> skipped;
  // Writes that we would replay, told without their objects.
  struct Unseen {
    Kind kind = Kind::kPod;
    std::string of;     // "patch of pods/status"
    std::string name;   // "shop/a"
    std::string level;  // "Metadata"; another one where the log was truncated
  };
  std::vector<Unseen> unseen;
  std::int64_t entries = 0, entries_metadata = 0;
  Timestamp begin;  // the time of the first entry, replayed or not
};

// Whether a record looks like an entry of an audit log, wrapped or not.
bool IsAuditRecord(JsonSpan record);

// InvalidArgument with one line that does not name the place.
absl::StatusOr<AuditEntries> ReadAuditRecord(JsonSpan record, std::size_t line, const AuditEntryOptions& options);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_AUDIT_ENTRY_H_

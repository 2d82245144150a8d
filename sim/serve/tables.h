// Tables (meta.k8s.io/v1 Table): how a server prints objects for `kubectl get`.
// Pure.
#ifndef EPSLICE_SIM_SERVE_TABLES_H_
#define EPSLICE_SIM_SERVE_TABLES_H_

#include <string>
#include <string_view>

#include "apis/meta.h"
#include "apis/request.h"
#include "sim/cluster/document_store.h"
#include "sim/serve/routes.h"

namespace epslice::sim {

struct TableOptions {
  IncludeObject include_object = IncludeObject::kMetadata;
  Timestamp now;  // ages are counted to here
};

// One row, or a row for each item of a list (with its continue token).
std::string EncodeTable(const AnyObject& object, const TableOptions& options);
std::string EncodeTable(Kind kind, const ObjectList& list, const TableOptions& options);

// A PartialObjectMetadata of it, with all that its metadata holds.
std::string EncodeMetadata(const AnyObject& object);

// One watch frame, without a line end, with the object as a Table of one row.
// `with_columns` for the first frame of a watch: the others have null there.
// Errors stay Statuses.
std::string EncodeTableWatchEvent(Kind kind, const WatchEvent& event, const TableOptions& options, bool with_columns);

// The same of kinds that are kept as documents: of an object, or a List of them,
// in JSON; and of what a watch says.
std::string EncodeDocumentTable(const DocumentKind& kind, std::string_view object_or_list, const TableOptions& options);
std::string EncodeTableWatchEvent(const DocumentKind& kind, const DocumentEvent& event, const TableOptions& options,
                                  bool with_columns);
// That in JSON.
std::string EncodeDocumentWatchEvent(const DocumentKind& kind, const DocumentEvent& event);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_TABLES_H_

// What `kubectl get` shows of an object: the columns of each kind and the
// cells of one row, as a kube-apiserver v1.36 prints them. Pure.
#ifndef EPSLICE_SIM_SERVE_TABLE_CELLS_H_
#define EPSLICE_SIM_SERVE_TABLE_CELLS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apis/kind.h"
#include "apis/meta.h"
#include "informers/clock.h"
#include "sim/cluster/document_kinds.h"

namespace epslice::sim {

// meta/v1 TableColumnDefinition. Priority 1 shows with `-o wide` only.
struct TableColumn {
  std::string_view name;
  int priority;
  std::string_view description;
  std::string_view type = "string";
};
const std::vector<TableColumn>& TableColumns(Kind kind);
// The same of a kind that is kept as documents.
const std::vector<TableColumn>& TableColumns(const DocumentKind& kind);

// The cells of one row, one for each column (a JSON array of strings and
// numbers). `object` is the whole object as the API spells it in the group of
// apis/kind.h; fields that are absent or of the wrong type count as empty.
// `now` is what ages are counted to.
nlohmann::json TableCells(Kind kind, const nlohmann::json& object, Timestamp now);
nlohmann::json TableCells(const DocumentKind& kind, const nlohmann::json& object, Timestamp now);

// meta/v1 TableRowCondition "Completed", for pods that have ended: the reason
// ("Succeeded", "Failed"), else "".
std::string_view CompletedReason(Kind kind, const nlohmann::json& object);

// A duration as ages are shown, about two digits of it: "0s", "110s", "5m3s",
// "3h", "2d4h", "2y33d". Up to two seconds below zero (clocks differ) is "0s",
// more is "<invalid>".
std::string HumanDuration(Duration duration);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_TABLE_CELLS_H_

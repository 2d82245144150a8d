// Columns and cells of the kinds that are kept as documents.
#include <nlohmann/json.hpp>
#include <string>

#include "apis/cat.h"
#include "sim/serve/json_fields.h"
#include "sim/serve/pod_cells.h"
#include "sim/serve/table_cells.h"

namespace epslice::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDocumentName = "Name of the object, unique in its namespace.";
constexpr std::string_view kDocumentAge = "Time since the object was created.";

bool IsBinding(const DocumentKind& kind) { return kind.name == "RoleBinding" || kind.name == "ClusterRoleBinding"; }
bool IsRole(const DocumentKind& kind) { return kind.name == "Role" || kind.name == "ClusterRole"; }

// The subjects of one kind, "a, b"; accounts with their namespace.
std::string Subjects(const Json& binding, std::string_view kind) {
  std::string all;
  for (const Json& subject : Elements(At(binding, {"subjects"}))) {
    if (TextAt(subject, {"kind"}) != kind) continue;
    const std::string namespace_ = kind == "ServiceAccount" ? TextAt(subject, {"namespace"}) + "/" : "";
    all += Cat({all.empty() ? "" : ", ", namespace_, TextAt(subject, {"name"})});
  }
  return all;
}

}  // namespace

const std::vector<TableColumn>& TableColumns(const DocumentKind& kind) {
  static const std::vector<TableColumn> account = {{"Name", 0, kDocumentName}, {"Age", 0, kDocumentAge}};
  static const std::vector<TableColumn> role = {{"Name", 0, kDocumentName},
                                                {"Created At", 0, "When the object was created.", "date"}};
  static const std::vector<TableColumn> binding = {
      {"Name", 0, kDocumentName},        {"Role", 0, "What is granted."},
      {"Age", 0, kDocumentAge},          {"Users", 1, "To which users."},
      {"Groups", 1, "To which groups."}, {"ServiceAccounts", 1, "To which service accounts."}};
  if (IsRole(kind)) return role;
  return IsBinding(kind) ? binding : account;
}

Json TableCells(const DocumentKind& kind, const Json& object, Timestamp now) {
  const std::string name = TextAt(object, {"metadata", "name"});
  const std::string created = TextAt(object, {"metadata", "creationTimestamp"});
  if (IsRole(kind)) return Json::array({name, created});
  if (!IsBinding(kind)) return Json::array({name, AgeOf(created, now)});
  return Json::array({name, Cat({TextAt(object, {"roleRef", "kind"}), "/", TextAt(object, {"roleRef", "name"})}),
                      AgeOf(created, now), Subjects(object, "User"), Subjects(object, "Group"),
                      Subjects(object, "ServiceAccount")});
}

}  // namespace epslice::sim

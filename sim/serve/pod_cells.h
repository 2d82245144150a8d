// The columns and cells of a Pod: what state its containers amount to.
#ifndef EPSLICE_SIM_SERVE_POD_CELLS_H_
#define EPSLICE_SIM_SERVE_POD_CELLS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apis/meta.h"
#include "sim/serve/table_cells.h"

namespace epslice::sim {

std::vector<TableColumn> PodColumns();
nlohmann::json PodCells(const nlohmann::json& pod, Timestamp now);

// Time from an RFC 3339 text to `now`, for people; "<unknown>" where it is no
// time.
std::string AgeOf(std::string_view rfc3339, Timestamp now);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_SERVE_POD_CELLS_H_

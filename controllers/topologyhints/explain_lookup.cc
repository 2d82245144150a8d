// A Service by the name that a person typed.
#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

#include "controllers/topologyhints/explain_report.h"

namespace epslice {
namespace {

// Levenshtein's distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

constexpr std::size_t kLongestName = 512;

// Where one holds the other, or a third of the letters at most differ.
std::string CloseTo(std::string_view wanted, const std::vector<ObjectKey>& services) {
  constexpr std::size_t kMost = 3;
  const bool with_namespace = wanted.find('/') != std::string_view::npos;
  const std::string_view name = wanted.substr(with_namespace ? wanted.rfind('/') + 1 : 0);
  std::vector<std::tuple<std::size_t, std::string>> close;
  for (const ObjectKey& key : services) {
    const std::string whole = key.ToString();
    const std::size_t by_name = Distance(name, key.name);
    const std::size_t distance = with_namespace ? std::min(Distance(wanted, whole), by_name + 1) : by_name;
    const bool contains = name.size() >= 3 && key.name.view().find(name) != std::string_view::npos;
    if (contains || distance <= std::max<std::size_t>(1, name.size() / 3)) close.push_back({distance, whole});
  }
  std::sort(close.begin(), close.end());
  std::string text;
  for (std::size_t i = 0; i < close.size() && i < kMost; ++i) text += (i > 0 ? ", " : "") + std::get<1>(close[i]);
  return text;
}

}  // namespace

absl::StatusOr<ObjectKey> FindService(std::string_view wanted, const std::vector<ObjectKey>& services) {
  const bool with_namespace = wanted.find('/') != std::string_view::npos;
  std::vector<ObjectKey> found;
  for (const ObjectKey& key : services) {
    if (with_namespace ? key.ToString() == wanted : key.name == wanted) found.push_back(key);
  }
  // A dump may hold an object twice.
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (found.size() == 1) return found[0];
  const std::string shown(wanted.substr(0, kLongestName));
  if (found.empty()) {
    const std::string close = wanted.size() > kLongestName ? "" : CloseTo(wanted, services);
    return absl::NotFoundError("there is no Service \"" + shown + "\"" +
                               (close.empty() ? "" : "; did you mean " + close + "?"));
  }
  std::string names;
  for (const ObjectKey& key : found) names += (names.empty() ? "" : ", ") + key.ToString();
  return absl::InvalidArgumentError("\"" + shown + "\" is the name of more than one Service: " + names + "; say which");
}

}  // namespace epslice

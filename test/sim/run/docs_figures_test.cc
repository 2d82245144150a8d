// The figures in docs/scenarios and the README are the program's: every cell of
// every table under a line <!-- figures: SCENARIO [SETTING=VALUE] --> is held
// against a run, to the digits that it shows. What rows and columns are its first
// cell says:
//
//   | Service | `number` ...             rows are Services
//   | `setting` | `number` ...           rows are values of the setting
//   | number | `setting=value` ...       rows are numbers of the run
//   | scenario | `number` ...            rows are scenarios; the line says "all"
//
// Numbers as docs/report.md names them.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run/run.h"
#include "test/sim/cli/cli_testing.h"
#include "test/sim/run/run_testing.h"

namespace epslice::sim {
namespace {

constexpr std::string_view kMark = "<!-- figures: ";

std::string Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '`')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '`')) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> CellsOf(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) cells.push_back(Trimmed(cell));
  return cells;
}

struct Figure {
  double value = 0;
  double tolerance = 0;  // half of the last digit shown
};

// "1,338", "58.4 %", "0.95 s", "20 ms", "4.2 MB", "$0.25".
std::optional<Figure> ParseFigure(const std::string& cell) {
  static const std::map<std::string, double> kUnits = {{"", 1},     {"%", 0.01}, {"s", 1},    {"ms", 1e-3},
                                                       {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"x", 1}};
  std::string digits;
  std::size_t i = cell.substr(0, 1) == "$" ? 1 : 0;
  for (; i < cell.size() && (std::isdigit(static_cast<unsigned char>(cell[i])) || cell[i] == ',' || cell[i] == '.');
       ++i) {
    if (cell[i] != ',') digits += cell[i];
  }
  const auto unit = kUnits.find(Trimmed(std::string_view(cell).substr(i)));
  if (digits.empty() || unit == kUnits.end()) return std::nullopt;
  Figure figure;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), figure.value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const std::size_t point = digits.find('.');
  const std::size_t decimals = point == std::string::npos ? 0 : digits.size() - point - 1;
  figure.tolerance = 0.500001 * std::pow(10, -static_cast<double>(decimals)) * unit->second;
  figure.value *= unit->second;
  return figure;
}

class Runs {
 public:
  // `settings` as --set takes them; "": none.
  const RunReport& Of(const std::string& scenario, const std::vector<std::string>& settings) {
    const auto [it, is_new] = reports_.try_emplace({scenario, settings});
    if (!is_new) return it->second;
    RunSpec spec;
    spec.scenario = scenario;
    for (const std::string& setting : settings) {
      if (!setting.empty()) spec.settings.push_back(setting);
    }
    it->second = Ran(spec).report;
    return it->second;
  }

 private:
  std::map<std::pair<std::string, std::vector<std::string>>, RunReport> reports_;
};

struct Table {
  std::string scenario;
  std::string setting;  // of all its runs
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

std::vector<Table> TablesIn(const std::string& page) {
  std::vector<Table> tables;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, kMark.size(), kMark) != 0) continue;
    Table& table = tables.emplace_back();
    std::istringstream words(line.substr(kMark.size(), line.find(" -->") - kMark.size()));
    words >> table.scenario >> table.setting;
    if (std::getline(in, line) && line.substr(0, 1) == "|") table.header = CellsOf(line);
    std::getline(in, line);  // |---|
    while (std::getline(in, line) && line.substr(0, 1) == "|") table.rows.push_back(CellsOf(line));
  }
  return tables;
}

std::optional<double> ProgramSays(const Table& table, const std::string& row, const std::string& column, Runs* runs) {
  const std::string& kind = table.header[0];
  const auto run = [&](const std::string& scenario, const std::string& setting) -> const RunReport& {
    return runs->Of(scenario, {table.setting, setting});
  };
  if (kind == "Service") return Lookup(run(table.scenario, ""), "services." + row + "." + column);
  if (kind == "scenario") return Lookup(run(row, ""), column);
  if (kind == "number") return Lookup(run(table.scenario, column), row);
  return Lookup(run(table.scenario, kind + "=" + row), column);
}

TEST(DocsFiguresTest, ScenarioPagesSayWhatTheProgramSays) {
  Runs runs;
  std::set<std::string> without;
  for (const auto& file : std::filesystem::directory_iterator(SourcePath("docs/scenarios"))) {
    const std::string page = file.path().stem().string();
    const std::vector<Table> tables = TablesIn(ReadFileForTest(file.path().string()));
    if (tables.empty()) without.insert(page);
    for (const Table& table : tables) {
      SCOPED_TRACE(page);
      ASSERT_GE(table.header.size(), 2U);
      ASSERT_FALSE(table.rows.empty());
      for (const std::vector<std::string>& row : table.rows) {
        ASSERT_EQ(row.size(), table.header.size()) << row[0];
        for (std::size_t i = 1; i < row.size(); ++i) {
          const std::string what = row[0] + ", " + table.header[i] + ": \"" + row[i] + "\"";
          const std::optional<Figure> figure = ParseFigure(row[i]);
          const std::optional<double> value = ProgramSays(table, row[0], table.header[i], &runs);
          ASSERT_TRUE(figure.has_value()) << what << " is no figure";
          ASSERT_TRUE(value.has_value()) << what << ": the program has no such number";
          EXPECT_NEAR(figure->value, *value, figure->tolerance) << what;
        }
      }
    }
  }
  // This one is worked out by hand, in run_numbers_test.cc as on the page.
  EXPECT_EQ(without, std::set<std::string>{"hand-computed"});
}

// What the README prints of a run is what is printed, "..." aside.
TEST(DocsFiguresTest, TheReadmeShowsWhatIsPrinted) {
  std::istringstream readme(ReadFileForTest(SourcePath("README.md")));
  std::string line;
  while (std::getline(readme, line) && line != "$ endpointslice-sim run --scenario zone-outage") {
  }
  const std::string printed = RunCliTest({"run", "--scenario", "zone-outage"}).out;
  int lines = 0;
  while (std::getline(readme, line) && line != "```") {
    if (line == "...") continue;
    EXPECT_NE(("\n" + printed).find("\n" + line + "\n"), std::string::npos) << line;
    ++lines;
  }
  EXPECT_GE(lines, 6);
}

}  // namespace
}  // namespace epslice::sim

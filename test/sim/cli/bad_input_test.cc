// Every kind of bad input: one clear line, exit 2, nothing on the output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "test/sim/cli/cli_testing.h"

namespace epslice::sim {
namespace {

using testing::IsEmpty;

std::string Repeat(const std::string& what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

struct BadInputCase {
  std::string name;
  std::string input;
  std::string message;  // after "endpointslice-sim: standard input: "
};

class BadInputTest : public testing::TestWithParam<BadInputCase> {};

TEST_P(BadInputTest, IsOneClearLine) {
  for (const std::string command : {"plan", "diff"}) {
    const CliResult result = RunCliTest({command, "-f", "-"}, GetParam().input);
    EXPECT_EQ(result.exit_code, kExitBadInput);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_EQ(result.err, "endpointslice-sim: standard input: " + GetParam().message + "\n");
  }
}

constexpr char kAccepted[] = "accepted are JSON and YAML, also compressed with gzip, zstd or xz";

INSTANTIATE_TEST_SUITE_P(
    Table, BadInputTest,
    testing::Values(
        BadInputCase{"Empty", "", std::string("is empty; ") + kAccepted},
        BadInputCase{"Blank", " \n\t\n", std::string("is empty; ") + kAccepted},
        BadInputCase{"EmptyDocuments", "---\n---\n# nothing\n", "holds no object, only empty YAML documents"},
        BadInputCase{"Binary", std::string("\x7f\x45\x4c\x46\x02\x01\x00\x00", 8),
                     std::string("is binary; ") + kAccepted},
        BadInputCase{"Utf16", std::string("\xff\xfe{\x00", 4), "is UTF-16 text; UTF-8 is accepted"},
        BadInputCase{"Latin1", "kind: Service\napiVersion: v1\nmetadata: {name: caf\xe9}\n",
                     "line 3: holds a byte that is not UTF-8"},
        BadInputCase{"PlainText", "hello world\n",
                     "line 1: is the text \"hello world\", not an object (\"key: value\" lines, or JSON)"},
        BadInputCase{"JsonSyntax", "{\"kind\": \"Pod\",\n \"metadata\": {\"name\": \"a\",}\n}",
                     "line 2, column 27: expected a key in double quotes, found '}'"},
        BadInputCase{"JsonCutOff", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{",
                     "line 1, column 45: the text ends where a key in double quotes is expected"},
        BadInputCase{"JsonArray", "[1]", "line 1: expected a JSON object, found \"[\""},
        BadInputCase{"NoKind", "{\"a\":1}", "line 1: an object without kind"},
        BadInputCase{"DeepJson", "{\"a\":" + Repeat("[", 10'000) + Repeat("]", 10'000) + "}",
                     "line 1, column 69: nested more than 64 deep"},
        BadInputCase{"DeepYaml", "a:\n  " + Repeat("[", 10'000) + Repeat("]", 10'000),
                     "line 2: is nested more than 64 deep"},
        BadInputCase{"DuplicateKey", "kind: Service\nmetadata:\n  name: a\n  labels: {}\n  name: b\n",
                     "line 5: the key \"name\" is there twice (first on line 3)"},
        BadInputCase{"MergeKey", "a: &a {b: c}\nd:\n  <<: *a\n",
                     "line 3: merge keys (<<) are not accepted; write the fields out"},
        BadInputCase{"YamlSequence", "- a\n- b\n", "line 1: is a sequence, not an object"},
        BadInputCase{"YamlSyntax", "kind: Service\nmetadata:\n  name: a\n bad: [\n",
                     "line 4: is no YAML: end of map not found"},
        BadInputCase{"RecursiveAlias", "a: &a [*a]\n", "line 1: an alias refers to what it is a part of"},
        BadInputCase{
            "Quantity",
            "kind: List\napiVersion: v1\nitems:\n- kind: Node\n  apiVersion: v1\n  metadata: {name: n0}\n"
            "- kind: Node\n  apiVersion: v1\n  metadata: {name: n1}\n  status:\n    allocatable:\n"
            "      cpu: 4 cores\n",
            "line 12: Node n1: status.allocatable.cpu: quantity \"4 cores\": ends in \" cores\", which is no "
            "suffix; accepted is a number such as 2, 1.5 or 1e3, with one of the suffixes n u m k M G T P E Ki "
            "Mi Gi Ti Pi Ei or none"},
        BadInputCase{"WrongType",
                     "{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[\n{\"metadata\":{\"name\":\"a\"}},\n"
                     "{\"metadata\":{\"name\":\"b\",\"namespace\":\"x\"},\n\"spec\":{\"nodeName\":7}}]}",
                     "line 4: Pod x/b: spec.nodeName: is a number, not a string"},
        BadInputCase{"NoName", "apiVersion: v1\nkind: Pod\nmetadata: {}\n", "line 1: a Pod without metadata.name"},
        BadInputCase{"CutGzip", std::string("\x1f\x8b\x08\x00\x00\x00", 6),
                     "the gzip data end too early (is the file complete?)"},
        BadInputCase{"DamagedZstd", "\x28\xb5\x2f\xfd\x08\x01\x01\x01\x01\x01", "the zstd data are damaged"}),
    [](const auto& test) { return test.param.name; });

struct UsageCase {
  std::string name;
  std::vector<std::string> args;
  std::string message;  // after "endpointslice-sim: "
};

class UsageTest : public testing::TestWithParam<UsageCase> {};

TEST_P(UsageTest, IsOneClearLine) {
  const CliResult result = RunCliTest(GetParam().args, R"({"apiVersion":"v1","kind":"List","items":[]})");
  EXPECT_EQ(result.exit_code, kExitBadInput);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_THAT(result.err, testing::StartsWith("endpointslice-sim: " + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Table, UsageTest,
    testing::Values(
        UsageCase{"Nothing", {}, "no subcommand; there are: plan, diff"},
        UsageCase{"UnknownSubcommand", {"frobnicate"}, "there is no subcommand \"frobnicate\"; there are: plan, diff"},
        UsageCase{"ControlCharacters", {"a\nb\x1b[2J"}, "there is no subcommand \"a?b?[2J\""},
        UsageCase{"NoFile", {"plan"}, "-f FILE is needed: a file, a directory, or - for standard input"},
        UsageCase{
            "UnknownFlag", {"plan", "-f", "-", "--frob"}, "plan: The following argument was not expected: --frob"},
        UsageCase{"UnknownFlagAlone", {"plan", "--frob"}, "plan: The following argument was not expected: --frob"},
        UsageCase{"Positional", {"plan", "-f", "-", "x"}, "plan: The following argument was not expected: x"},
        UsageCase{"Format", {"plan", "-f", "-", "-o=xml"}, "plan: --output: xml not in {"},
        UsageCase{
            "TooMany", {"plan", "-f", "-", "--max-endpoints-per-slice=1001"}, "plan: --max-endpoints-per-slice: "},
        UsageCase{"TooFew", {"diff", "-f", "-", "--max-endpoints-per-slice=0"}, "diff: --max-endpoints-per-slice: "},
        UsageCase{"NoNumber", {"plan", "-f", "-", "--max-endpoints-per-slice=1x"}, "plan: --max-endpoints-per-slice: "},
        UsageCase{
            "ControllerName", {"plan", "-f", "-", "--controller-name=a/b"}, "plan: --controller-name: \"a/b\" is no "},
        UsageCase{"InputTwice", {"plan", "-f", "-", "-f", "-"}, "-: standard input can be read only once"},
        UsageCase{"NoSuchFile", {"plan", "-f", "/nonexistent/a.json"}, "/nonexistent/a.json: there is no such file"}),
    [](const auto& test) { return test.param.name; });

TEST(CliTest, HelpAndVersionGoToTheOutput) {
  const CliResult help = RunCliTest({"--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_THAT(help.out, testing::HasSubstr("plan"));
  EXPECT_THAT(help.err, IsEmpty());
  EXPECT_EQ(RunCliTest({"plan", "--help"}).exit_code, kExitOk);
  const CliResult version = RunCliTest({"--version"});
  EXPECT_EQ(version.exit_code, kExitOk);
  EXPECT_THAT(version.out, testing::MatchesRegex("endpointslice-sim [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(CliTest, ADirectoryWithNothingToRead) {
  const std::filesystem::path dir = std::filesystem::path(testing::TempDir()) / "epslice_empty_dir";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "notes.txt") << "x";
  const CliResult result = RunCliTest({"plan", "-f", dir.string()});
  EXPECT_EQ(result.exit_code, kExitBadInput);
  EXPECT_EQ(result.err,
            "endpointslice-sim: " + dir.string() +
                ": holds no file whose name ends in .json, .jsonl, .ndjson, .yaml or .yml (or these with .gz, "
                ".zst or .xz)\n");
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace epslice::sim

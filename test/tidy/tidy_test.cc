// The tree keeps its rules, and the rules find what they are meant to find.
#include "test/tidy/tidy.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace epslice::tidy {
namespace {

std::string Join(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) out += ToString(f) + "\n";
  return out;
}

TEST(TidyTest, TreeIsTidy) {
  const std::vector<SourceFile> files = ReadTree(EPSLICE_SOURCE_DIR);
  ASSERT_GT(files.size(), 20U) << "no sources under " << EPSLICE_SOURCE_DIR;
  std::string all;
  for (const SourceFile& file : files) all += Join(Check(file));
  EXPECT_EQ(all, "");
}

struct Case {
  const char* name;
  std::string path;
  std::string text;
  // "line rule" of each finding.
  std::vector<std::string> want;
};

class RulesTest : public testing::TestWithParam<Case> {};

TEST_P(RulesTest, FindsWhatItShould) {
  const Case& c = GetParam();
  const std::vector<Finding> findings = Check({c.path, c.text});
  std::vector<std::string> got;
  for (const Finding& f : findings) got.push_back(std::to_string(f.line) + " " + f.rule);
  EXPECT_EQ(got, c.want) << Join(findings);
}

std::string Guarded(const std::string& guard, const std::string& body) {
  return "// What it is for.\n#ifndef " + guard + "\n#define " + guard + "\n" + body + "#endif  // " + guard + "\n";
}

std::string Lines(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "int x;\n";
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Arrows, RulesTest,
    testing::Values(
        Case{"apis_to_informers", "apis/a.cc", "#include \"informers/clock.h\"\n", {"1 include-arrow"}},
        Case{"apis_to_apis", "apis/a.cc", "#include \"apis/meta.h\"\n#include <string>\n", {}},
        Case{"informers_to_http", "informers/a.cc", "#include \"informers/http/x.h\"\n", {"1 include-arrow"}},
        Case{"http_to_informers", "informers/http/a.cc", "#include \"informers/clock.h\"\n", {}},
        Case{"informers_to_sim", "informers/a.cc", "\n#include \"sim/engine/x.h\"\n", {"2 include-arrow"}},
        Case{"reconcile_is_pure",
             "controllers/endpointslice/reconcile.cc",
             "#include \"informers/store.h\"\n",
             {"1 include-arrow"}},
        Case{"packing_not_router",
             "controllers/endpointslice/packing.cc",
             "#include \"controllers/endpointslice/event_router.h\"\n",
             {"1 include-arrow"}},
        Case{"reconcile_to_hints",
             "controllers/endpointslice/reconcile.cc",
             "#include \"controllers/topologyhints/hints.h\"\n",
             {}},
        Case{"hints_are_pure",
             "controllers/topologyhints/hints.cc",
             "#include \"informers/clock.h\"\n",
             {"1 include-arrow"}},
        Case{"controller_to_informers",
             "controllers/endpointslice/service_controller.cc",
             "#include \"informers/work_queue.h\"\n",
             {}},
        Case{"controller_to_http",
             "controllers/endpointslice/plan_applier.cc",
             "#include \"informers/http/x.h\"\n",
             {"1 include-arrow"}},
        Case{"manager_to_http", "controllers/manager/main.cc", "#include \"informers/http/x.h\"\n", {}},
        Case{"manager_to_sim", "controllers/manager/main.cc", "#include \"sim/engine/x.h\"\n", {"1 include-arrow"}},
        Case{"sim_to_http", "sim/cluster/a.cc", "#include \"informers/http/x.h\"\n", {"1 include-arrow"}},
        Case{"sim_to_manager", "sim/engine/a.cc", "#include \"controllers/manager/x.h\"\n", {"1 include-arrow"}},
        Case{"sim_cli_to_http", "sim/cli/record.cc", "#include \"informers/http/x.h\"\n", {}},
        Case{"sim_serve_to_http", "sim/serve/a.cc", "#include \"informers/http/x.h\"\n", {}},
        Case{"nobody_to_test", "sim/cli/a.cc", "#include \"test/sim/x.h\"\n", {"1 include-arrow"}},
        Case{"test_to_anything",
             "test/sim/a_test.cc",
             "#include \"informers/http/x.h\"\n#include \"sim/cli/y.h\"\n",
             {}},
        Case{"upwards", "apis/a.cc", "#include \"../apis/b.h\"\n", {"1 include-path"}},
        Case{"in_a_comment", "apis/a.cc", "/*\n#include \"sim/a.h\"\n*/\n// #include \"sim/a.h\"\n", {}},
        Case{"spaced", "apis/a.cc", "  #  include \"sim/a.h\"\n", {"1 include-arrow"}}),
    [](const auto& i) { return std::string(i.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Headers, RulesTest,
    testing::Values(
        Case{"good", "apis/a-b.h", Guarded("EPSLICE_APIS_A_B_H_", "#include \"absl/status/statusor.h\"\n"), {}},
        Case{"guard_missing", "apis/a.h", "// Manual.\n#pragma once\n", {"1 include-guard"}},
        Case{"guard_of_another", "apis/a.h", Guarded("EPSLICE_APIS_B_H_", ""), {"1 include-guard"}},
        Case{"guard_in_comment",
             "apis/a.h",
             "/*\n#ifndef EPSLICE_APIS_A_H_\n#define EPSLICE_APIS_A_H_\n*/\n",
             {"1 include-guard", "1 manual"}},
        Case{"heavy", "apis/a.h", Guarded("EPSLICE_APIS_A_H_", "#include <nlohmann/json.hpp>\n"), {"4 heavy-header"}},
        Case{"forward", "apis/a.h", Guarded("EPSLICE_APIS_A_H_", "#include <nlohmann/json_fwd.hpp>\n"), {}},
        Case{"heavy_in_cc", "apis/a.cc", "#include <nlohmann/json.hpp>\n#include \"simdjson.h\"\n", {}},
        Case{"heavy_in_test", "test/apis/a.h", Guarded("EPSLICE_TEST_APIS_A_H_", "#include <nlohmann/json.hpp>\n"), {}},
        Case{"private_elsewhere", "informers/a.cc", "#include \"apis/json_parse.h\"\n", {"1 private-header"}},
        Case{"private_in_header",
             "apis/a.h",
             Guarded("EPSLICE_APIS_A_H_", "#include \"apis/json_parse.h\"\n"),
             {"4 private-header"}},
        Case{"private_at_home", "apis/a.cc", "#include \"apis/json_parse.h\"\n", {}},
        Case{"abseil",
             "apis/a.h",
             Guarded("EPSLICE_APIS_A_H_", "#include \"absl/strings/string_view.h\"\n"),
             {"4 heavy-header"}},
        Case{"abseil_values",
             "apis/a.h",
             Guarded("EPSLICE_APIS_A_H_",
                     "#include \"absl/container/inlined_vector.h\"\n#include \"absl/types/span.h\"\n"),
             {}},
        Case{"abseil_in_store",
             "informers/store.h",
             Guarded("EPSLICE_INFORMERS_STORE_H_", "#include \"absl/container/flat_hash_map.h\"\n"),
             {}},
        Case{"using_namespace",
             "apis/a.h",
             Guarded("EPSLICE_APIS_A_H_", "using namespace std::literals;\n"),
             {"4 using-namespace"}},
        Case{"using_namespace_cc", "apis/a.cc", "using namespace std;\n", {"1 using-namespace"}},
        Case{"using_literals_cc", "apis/a.cc", "using namespace std::chrono_literals;\n", {}},
        Case{"thread_in_apis", "apis/a.cc", "#include <thread>\n", {"1 thread"}},
        Case{"socket_in_sim",
             "sim/engine/a.cc",
             "#include <sys/socket.h>\n#include \"httplib.h\"\n",
             {"1 socket", "2 socket"}},
        Case{"socket_in_http", "informers/http/a.cc", "#include <httplib.h>\n", {}}),
    [](const auto& i) { return std::string(i.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Calls, RulesTest,
    testing::Values(
        Case{"system_clock", "sim/engine/a.cc", "auto t = std::chrono::system_clock::now();\n", {"1 clock"}},
        Case{"steady_clock", "test/sim/a_test.cc", "\n\nauto t = std::chrono::steady_clock::now();\n", {"3 clock"}},
        Case{"clock_in_its_file", "informers/clock.cc", "auto t = std::chrono::steady_clock::now();\n", {}},
        Case{"clock_in_comment", "apis/a.cc", "// not system_clock\nauto s = \"steady_clock\"; /* time(0) */\n", {}},
        Case{"clock_in_raw_string", "apis/a.cc", "auto s = R\"x(\n)\" steady_clock\n)x\"; int rand(int);\n", {}},
        Case{"after_digit_separator", "apis/a.cc", "int x = 1'000; auto t = time(0);\n", {"1 clock"}},
        Case{"after_char_quote", "apis/a.cc", "char c = '\"'; auto t = ::time(nullptr);\n", {"1 clock"}},
        Case{"std_time",
             "apis/a.cc",
             "f(std::time(nullptr), x + time (0));\nreturn time(0);\n",
             {"1 clock", "1 clock", "2 clock"}},
        Case{"other_time",
             "apis/a.cc",
             "a.time(); b->time(); mine::time(0); Timestamp time(int x); int runtime(0);\n",
             {}},
        Case{"initialized_time",
             "apis/a.cc",
             "A(int t) : time(t), rand(t) {}\nf(1, time(0)); g(2, rand());\n",
             {"2 clock", "2 random"}},
        Case{"declared_time",
             "apis/a.cc",
             "const Foo& time() const;\nFoo* time();\nstd::optional<int> time(int);\n",
             {}},
        Case{"sleep_for", "sim/serve/a.cc", "std::this_thread::sleep_for(d);\n", {"1 sleep"}},
        Case{"usleep", "test/a_test.cc", "usleep(3);\n", {"1 sleep"}},
        Case{"sleep", "sim/cli/a.cc", "sleep(1);\nx.sleep(1);\n", {"1 sleep"}},
        Case{"driver_may_sleep", "controllers/manager/live_runner.cc", "std::this_thread::sleep_for(d);\n", {}},
        Case{"rand", "apis/a.cc", "int a = rand();\nint b = std::rand();\nint operand(1);\n", {"1 random", "2 random"}},
        Case{"random_device", "sim/engine/a.cc", "std::random_device d;\n", {"1 random"}},
        Case{"distribution",
             "sim/engine/a.cc",
             "std::uniform_int_distribution<int> d;\nspec.traffic_distribution = x;\n",
             {"1 random"}},
        Case{"inexact_maths",
             "sim/engine/a.cc",
             "double a = std::pow(b, 2);\ndouble c = std::sqrt(a) + Exp(a) + options.log(a);\n",
             {"1 inexact-maths"}},
        Case{"inexact_maths_in_a_test", "test/sim/engine/a.cc", "double a = std::pow(b, 2);\n", {}}),
    [](const auto& i) { return std::string(i.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Text, RulesTest,
    testing::Values(Case{"long_file", "apis/a.cc", Lines(501), {"501 size"}},
                    Case{"just_short_enough", "apis/a.cc", Lines(500), {}},
                    Case{"leftover",
                         "apis/a.cc",
                         "// TO"
                         "DO: later\n// FIX"
                         "ME\n",
                         {"1 leftover", "2 leftover"}},
                    Case{"leftover_in_docs",
                         "README.md",
                         "TO"
                         "DO\n",
                         {"1 leftover"}},
                    Case{"longer_word",
                         "apis/a.cc",
                         "int kTO"
                         "DOS = 1;\n",
                         {}},
                    Case{"machine_path",
                         "sim/cli/a.cc",
                         "Open(\"/wo"
                         "rk/main/x\");\n",
                         {"1 machine-path"}},
                    Case{"machine_path_script",
                         "test/e2e/a.sh",
                         "cd /tm"
                         "p/x\n",
                         {"1 machine-path"}},
                    Case{"longer_path",
                         "test/e2e/a.sh",
                         "cd \"${BUILD}/wo"
                         "rk/x\" a/tm"
                         "p/b\n",
                         {}},
                    Case{"docs_are_not_code", "README.md", "int a = rand(); #include \"sim/a.h\"\n", {}}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(StripTest, KeepsLengthAndLines) {
  const std::string code = "a /* b\nc */ d \"e\\\"f\" 'g' 1'0 R\"(h\n)\" // i\nj\n";
  EXPECT_EQ(StripCommentsAndLiterals(code), "a     \n     d            1'0 R   \n       \nj\n");
}

TEST(StripTest, HalfWrittenCodeDoesNotRunOut) {
  for (const char* code : {"\"", "'", "/*", "//", "R\"", "R\"x(", "\"\\", "a '"}) {
    EXPECT_EQ(StripCommentsAndLiterals(code).size(), std::string(code).size()) << code;
    EXPECT_THAT(IncludesOf(code), testing::IsEmpty()) << code;
  }
}

}  // namespace
}  // namespace epslice::tidy

#include "sim/report/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "sim/report/structured.h"

namespace epslice::sim {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({"NAME", "COUNT"});
  EXPECT_TRUE(table.empty());
  table.Add({"a", "12"});
  table.Add({"a longer one", ""});
  table.Add({"caf\xc3\xa9", "1"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "NAME           COUNT\n"
            "a              12\n"
            "a longer one   -\n"
            "caf\xc3\xa9           1\n");
}

TEST(TableTest, NothingMovesTheCursor) {
  EXPECT_EQ(Printable("a\nb\x1b[31m\x7f\t"), "a?b?[31m??");
  EXPECT_EQ(Printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x99"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x99");
  EXPECT_EQ(Printable("\xc2\x9b\xff\xc3"), "???");
}

TEST(StructuredTest, JsonIsIndented) {
  EXPECT_EQ(
      IndentJson(R"({"a":[1,{"b":"x,{\"}"}],"c":{},"d":[],"e":"\\"})"),
      "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"}\"\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": "
      "\"\\\\\"\n}\n");
  EXPECT_EQ(IndentJson("[]"), "[]\n");
}

TEST(StructuredTest, YamlIsPlainWhereItCanBe) {
  EXPECT_EQ(JsonToYaml(R"({"a":[{"b":1,"c":[true]},"x y",[]],"d":{"e":"10.0.0.1","f":"on"},"g":null})"),
            "a:\n- b: 1\n  c:\n  - true\n- x y\n- []\nd:\n  e: 10.0.0.1\n  f: \"on\"\ng: null\n");
}

}  // namespace
}  // namespace epslice::sim

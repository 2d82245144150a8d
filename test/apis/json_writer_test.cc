#include "apis/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace epslice {
namespace {

template <typename Write>
std::string Written(Write write, bool indented = false) {
  std::string out;
  JsonWriter w(&out, indented);
  write(&w);
  return out;
}

TEST(JsonWriterTest, NestsObjectsAndArrays) {
  const auto write = [](JsonWriter* w) {
    w->BeginObject();
    w->Field("name", "a");
    w->Key("list");
    w->BeginArray();
    w->Int(1);
    w->BeginObject();
    w->EndObject();
    w->BeginArray();
    w->EndArray();
    w->Bool(true);
    w->Null();
    w->EndArray();
    w->IntField("n", -5);
    w->BoolField("b", false);
    w->Key("raw");
    w->Raw(R"({"x":1})");
    w->EndObject();
  };
  EXPECT_EQ(Written(write), R"({"name":"a","list":[1,{},[],true,null],"n":-5,"b":false,"raw":{"x":1}})");
  EXPECT_EQ(Written(write, true),
            "{\n  \"name\": \"a\",\n  \"list\": [\n    1,\n    {},\n    [],\n    true,\n    null\n  ],\n"
            "  \"n\": -5,\n  \"b\": false,\n  \"raw\": {\"x\":1}\n}");
}

TEST(JsonWriterTest, AppendsOneValueAfterAnother) {
  std::string out = "x";
  JsonWriter w(&out);
  w.BeginObject();
  w.EndObject();
  out.push_back('\n');
  w.BeginArray();
  w.Int(1);
  w.EndArray();
  EXPECT_EQ(out, "x{}\n[1]");
}

TEST(JsonWriterTest, Strings) {
  const std::string fffd = "\xEF\xBF\xBD";
  const struct {
    std::string in;
    std::string out;
  } cases[] = {
      {"", ""},
      {"plain text", "plain text"},
      {"a\"b\\c/d", "a\\\"b\\\\c/d"},
      {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
      {std::string("\0\x01\x1f\x7f", 4), "\\u0000\\u0001\\u001f\x7f"},
      {"gr\xC3\xBC\xC3\x9F \xE4\xBD\xA0 \xF0\x9F\x9A\x80", "gr\xC3\xBC\xC3\x9F \xE4\xBD\xA0 \xF0\x9F\x9A\x80"},
      {"a\xFFz", "a" + fffd + "z"},
      {"\xC3", fffd},                        // cut short
      {"\xC0\xAF", fffd + fffd},             // overlong
      {"\xE0\x80\x80", fffd + fffd + fffd},  // overlong
      {"\xF0\x80\x80\x80", fffd + fffd + fffd + fffd},
      {"\xED\xA0\x80", fffd + fffd + fffd},             // a surrogate
      {"\xF4\x90\x80\x80", fffd + fffd + fffd + fffd},  // above U+10FFFF
      {"\xE4\xBD", fffd + fffd},
      {"\xC3\"", fffd + "\\\""},
      {"\xEF\xBF\xBF\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF\xF4\x8F\xBF\xBF"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Written([&](JsonWriter* w) { w->String(c.in); }), "\"" + c.out + "\"");
  }
  EXPECT_EQ(Written([](JsonWriter* w) {
              w->BeginObject();
              w->Field("k\"", "v");
              w->EndObject();
            }),
            R"({"k\"":"v"})");
}

TEST(JsonWriterTest, Numbers) {
  const auto number = [](double v) { return Written([v](JsonWriter* w) { w->Double(v); }); };
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(-2.5), "-2.5");
  EXPECT_EQ(number(1e100), "1e+100");
  EXPECT_EQ(number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(std::strtod(number(std::numeric_limits<double>::denorm_min()).c_str(), nullptr),
            std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number(std::nan("")), "null");
  const auto integer = [](std::int64_t v) { return Written([v](JsonWriter* w) { w->Int(v); }); };
  EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(integer(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
}

}  // namespace
}  // namespace epslice

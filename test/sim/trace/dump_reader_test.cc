#include "sim/trace/dump_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/trace/json_lines.h"
#include "sim/trace/source_files.h"

namespace epslice::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> NamesOf(const Dump& dump) {
  std::vector<std::string> names;
  for (const AnyObject& object : dump.objects) {
    names.push_back(std::string(InfoOf(object.kind()).name) + " " + KeyOf(object.meta()).ToString());
  }
  return names;
}

Dump DumpOf(const std::string& text, const DumpOptions& options = {}) {
  absl::StatusOr<Dump> dump = ReadDumpText("test", text, options);
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *std::move(dump) : Dump();
}

std::string DumpPod(const std::string& name, const std::string& version) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + R"(","namespace":"x","resourceVersion":")" +
         version + "\"}}";
}

TEST(DumpReaderTest, AllShapesOfADumpSayTheSame) {
  const std::string texts[] = {
      // A list of mixed kinds.
      R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"x"}},
          {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"}},
          {"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}},{"apiVersion":"apps/v1","kind":"Deployment"}]})",
      // Typed lists, concatenated.
      R"({"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"b","namespace":"x"}},
          {"metadata":{"name":"a","namespace":"x"}}]}{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"n1"}}]}
          {"apiVersion":"apps/v1","kind":"Deployment"})",
      // Lines.
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"}}
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"x"}}
{"apiVersion":"apps/v1","kind":"Deployment"}
)",
      // YAML documents, one of them a flow map.
      "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n---\n{apiVersion: v1, kind: Pod, metadata: {name: a, "
      "namespace: x}}\n"
      "---\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: b\n    namespace: x\n"
      "- apiVersion: apps/v1\n  kind: Deployment\nkind: List\n",
  };
  for (const std::string& text : texts) {
    for (const std::string mark : {"", "\xef\xbb\xbf"}) {
      const Dump dump = DumpOf(mark + text);
      EXPECT_THAT(NamesOf(dump), ElementsAre("Node n1", "Pod x/a", "Pod x/b")) << text;
      EXPECT_THAT(dump.ignored, ElementsAre(testing::Pair("apps/v1/Deployment", 1))) << text;
      EXPECT_THAT(dump.notes, IsEmpty());
      EXPECT_EQ(dump.IgnoredCount(), 1);
      EXPECT_EQ(dump.Of<Pod>().size(), 2U);
      EXPECT_EQ(dump.Of<Service>().size(), 0U);
    }
  }
}

TEST(DumpReaderTest, KeepsDocumentsThatAreAskedFor) {
  DumpOptions options;
  options.keep_documents = [](std::string_view, std::string_view kind) { return kind == "Role"; };
  const auto dump =
      ReadDumpText("d",
                   R"({"apiVersion":"x/v1","kind":"RoleList","items":[{"metadata": {"name":"a"}}]})"
                   R"({"apiVersion":"x/v1","kind":"Role","metadata":{"name":"b"}}{"apiVersion":"x/v1","kind":"Other"})",
                   options);
  ASSERT_TRUE(dump.ok()) << dump.status();
  ASSERT_EQ(dump->documents.size(), 2U);
  EXPECT_EQ(dump->documents[0].json, R"({"metadata":{"name":"a"}})");
  EXPECT_EQ(dump->documents[0].apiVersion, "x/v1");
  EXPECT_EQ(dump->documents[1].kind, "Role");
  EXPECT_EQ(dump->documents[1].where, "d");
  EXPECT_EQ(dump->IgnoredCount(), 1);
}

TEST(DumpReaderTest, TheLastOfSeveralVersionsCounts) {
  const Dump dump = DumpOf(DumpPod("a", "1") + DumpPod("b", "1") + DumpPod("a", "2") + DumpPod("b", "1"));
  ASSERT_THAT(NamesOf(dump), ElementsAre("Pod x/a", "Pod x/b"));
  EXPECT_EQ(dump.objects[0].meta().resourceVersion, "2");
  EXPECT_THAT(dump.notes, ElementsAre("1 object is there more than once in different versions; the last of each counts "
                                      "(the first one: Pod x/a in test)"));
}

TEST(DumpReaderTest, WhatOneListRepeatsCountsEachTime) {
  const std::string list =
      R"({"apiVersion":"v1","kind":"List","items":[)" + DumpPod("a", "1") + "," + DumpPod("a", "2") + "]}";
  const Dump dump = DumpOf(list);
  EXPECT_THAT(NamesOf(dump), ElementsAre("Pod x/a", "Pod x/a"));
  EXPECT_EQ(dump.objects[0].meta().resourceVersion, "1");
  EXPECT_THAT(dump.notes, ElementsAre(HasSubstr("1 object is twice in one list")));
  // A later document replaces them all.
  EXPECT_THAT(NamesOf(DumpOf(list + DumpPod("a", "3"))), ElementsAre("Pod x/a"));
}

TEST(DumpReaderTest, KeepsTheJsonWhereAsked) {
  const std::string text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\nspec: {unknown: 7}\n";
  EXPECT_EQ(DumpOf(text).objects[0].json(), nullptr);
  DumpOptions options;
  options.keep_json = true;
  const Dump dump = DumpOf(text, options);
  ASSERT_NE(dump.objects[0].json(), nullptr);
  EXPECT_EQ(*dump.objects[0].json(),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"},"spec":{"unknown":7}})");
}

TEST(DumpReaderTest, SizesAreBounded) {
  DumpOptions options;
  options.max_file_bytes = 100;
  std::istringstream in(DumpPod("a", "1") + DumpPod("b", "1"));
  options.standard_input = &in;
  const absl::StatusOr<Dump> dump = ReadDump({"-"}, options);
  ASSERT_FALSE(dump.ok());
  EXPECT_EQ(dump.status().message(), "standard input: is larger than 100 bytes, the most that is read");
  options = {};
  options.max_yaml_bytes = 20;
  EXPECT_FALSE(ReadDumpText("t", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", options).ok());
}

class DumpFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::path(testing::TempDir()) /
           (std::string("epslice_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_ / "kube-system");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::binary) << text;
    return (dir_ / name).string();
  }
  std::filesystem::path dir_;
};

TEST_F(DumpFilesTest, ADirectoryIsReadInTheOrderOfNames) {
  Write("a.json", DumpPod("a", "1"));
  Write("b.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x, resourceVersion: \"2\"}\n");
  Write("kube-system/pods.json", DumpPod("deep", "1"));
  Write("kube-system/logs.txt", "not read");
  Write(".hidden.json", "not read");
  const absl::StatusOr<Dump> dump = ReadDump({dir_.string()});
  ASSERT_TRUE(dump.ok()) << dump.status();
  EXPECT_THAT(NamesOf(*dump), ElementsAre("Pod x/a", "Pod x/deep"));
  EXPECT_EQ(dump->objects[0].meta().resourceVersion, "2");
  ASSERT_EQ(dump->notes.size(), 1U);
  EXPECT_THAT(dump->notes[0], HasSubstr("a.json and "));
}

TEST_F(DumpFilesTest, ErrorsNameTheFile) {
  const std::string bad = Write("bad.json", "{\n\"apiVersion\": \"v1\", \"kind\": 5}");
  const absl::StatusOr<Dump> dump = ReadDump({dir_.string()});
  ASSERT_FALSE(dump.ok());
  EXPECT_THAT(std::string(dump.status().message()), testing::StartsWith(bad + ": line 1"));
  EXPECT_EQ(ReadDump({(dir_ / "missing.json").string()}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadDump({}).ok());
}

TEST(SourceFilesTest, NamesThatAreRead) {
  for (const char* name :
       {"a.json", "a.jsonl", "a.yaml", "a.yml", "a.json.gz", "a.yaml.zst", "a.jsonl.xz", "a.ndjson"}) {
    EXPECT_TRUE(IsDumpFileName(name)) << name;
  }
  for (const char* name :
       {"", "a", "json", ".json", ".a.json", "a.txt", "a.gz", "a.json.bz2", "a.json.gz.gz", "a.json~"}) {
    EXPECT_FALSE(IsDumpFileName(name)) << name;
  }
  for (const char* name : {"audit.log", "audit-2026-11-22T22-52-00.000.log.gz", "audit.log.1", "audit.log.12.xz"}) {
    EXPECT_TRUE(IsLogFileName(name)) << name;
    EXPECT_FALSE(IsDumpFileName(name)) << name;
  }
  for (const char* name : {"", "log", ".log", ".a.log", "a.log.", "a.log.x", "a.1", "1", "a.log.gz.gz"}) {
    EXPECT_FALSE(IsLogFileName(name)) << name;
  }
}

TEST(JsonLinesTest, FindsObjectsAndFields) {
  const std::string json =
      "{\"items\": [\n"
      "  {\"kind\": \"Pod\", \"metadata\": {\"name\": \"]}\\\"\"}},\n"
      "  {\"kind\": \"Pod\",\n"
      "   \"spec\": {\n"
      "     \"ports\": [1,\n"
      "       {\"a.b\":\n"
      "         {\"c\": 2}}]}}\n"
      "], \"kind\": \"List\"}\n"
      "{\"kind\": \"Node\"}\n";
  EXPECT_EQ(LineOfDumpObject(json, 0, ""), 2U);
  EXPECT_EQ(LineOfDumpObject(json, 1, ""), 3U);
  EXPECT_EQ(LineOfDumpObject(json, 1, "spec"), 4U);
  EXPECT_EQ(LineOfDumpObject(json, 1, "spec.ports[0]"), 5U);
  EXPECT_EQ(LineOfDumpObject(json, 1, "spec.ports[1].a.b"), 7U);
  EXPECT_EQ(LineOfDumpObject(json, 1, "spec.ports[7].a.b"), 5U);
  EXPECT_EQ(LineOfDumpObject(json, 1, "nothing.there"), 3U);
  EXPECT_EQ(LineOfDumpObject(json, 2, ""), 9U);
  EXPECT_EQ(LineOfDumpObject(json, 3, ""), 0U);
  EXPECT_EQ(LineOfDumpObject("{\"kind\":", 0, "a"), 1U);
  EXPECT_EQ(LineOfDumpObject("", 0, "a"), 0U);
}

}  // namespace
}  // namespace epslice::sim

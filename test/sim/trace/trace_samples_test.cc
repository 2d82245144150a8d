// Published traces, read to the end, and long ones, read in little memory.
//
// EPSLICE_TRACES names a folder with the published ones (docs/traces.md says
// where they come from): alibaba/, audit/, azure/, dumps/, k8shark/, kwok/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>

#include <cstdlib>
#include <fstream>
#include <istream>
#include <streambuf>
#include <string>
#include <vector>

#include "apis/concat.h"
#include "apis/time_format.h"
#include "sim/trace/trace.h"

namespace epslice::sim {
namespace {

using ::testing::HasSubstr;

struct ReadSample {
  TraceSummary summary;
  std::string error;
  std::int64_t events = 0, start_objects = 0;
};

ReadSample ReadSources(const std::vector<std::string>& sources, const TraceOptions& options = {}) {
  ReadSample read;
  absl::StatusOr<std::unique_ptr<TraceReader>> reader = OpenTrace(sources, options);
  if (!reader.ok()) {
    read.error = std::string(reader.status().message());
    return read;
  }
  Timestamp last;
  while (true) {
    TraceEvent event;
    const absl::StatusOr<bool> more = (*reader)->Next(&event);
    if (!more.ok()) read.error = std::string(more.status().message());
    if (!more.ok() || !*more) break;
    EXPECT_TRUE(!event.start || read.events == 0) << "a start state in the middle";
    EXPECT_LE(last, event.time);
    last = event.time;
    ++(event.start ? read.start_objects : read.events);
  }
  read.summary = (*reader)->summary();
  return read;
}

struct Sample {
  std::vector<std::string> sources;  // "PRESET:" before a path is kept in front
  std::string format;
  std::int64_t start_objects, events;
  std::string error;
};

const std::vector<Sample>& Samples() {
  constexpr char kNoBodies[] = "entries are of level Metadata, without objects";
  constexpr char kNoWrites[] = "no entry is a write of a pod, service, node, namespace or endpointslice";
  static const std::vector<Sample> kSamples = {
      {{"alibaba-dlrm:alibaba/disaggregated_DLRM_trace.csv"}, "CSV (alibaba-dlrm)", 7886, 79623, ""},
      {{"alibaba-openb:alibaba/openb_pod_list_default.csv", "alibaba-openb-nodes:alibaba/openb_node_list_all_node.csv"},
       "CSV (alibaba-openb)",
       1685,
       38065,
       ""},
      {{"azure-vmtable:azure/vmtable_sample_10rows.csv"}, "CSV (azure-vmtable)", 8, 50, ""},
      {{"k8shark/rolling-update.records.ndjson"}, "k8shark records", 0, 33, ""},
      {{"k8shark/rolling-update.kshrk"}, "", 0, 0, "the NDJSON of its records is"},
      {{"simkube/dsb-scaling.sktrace"}, "", 0, 0, "neither Services nor Pods"},
      {{"kwok/rolling-update.recording.derived.yaml"}, "kwok recording", 3, 33, ""},
      {{"dumps/cilium_graceful_termination/state1.yaml"}, "dump", 2, 0, ""},
      {{"dumps/cilium_topology_yaml/prefer_same_zone.service_and_slices.yaml"}, "dump", 3, 0, ""},
      {{"audit/khi_gke/k8s_audit__container_recorder_test_1_1.yaml"}, "", 0, 1, "no Service is shown"},
      // A patch alone; the object that it is for is shown by no entry.
      {{"audit/khi_gke/k8s_audit__container_recorder_test_1_2.yaml"}, "", 0, 0, "no Pod is shown"},
      {{"audit/khi_gke/gke_audit__cluster_creation_finished.yaml"}, "", 0, 0, kNoBodies},
      {{"audit/khi_gke/gke_audit__cluster_creation_started.yaml"}, "", 0, 0, kNoWrites},
      {{"audit/khi_gke/oss__test-log.yaml"}, "", 0, 0, kNoWrites},
      {{"audit/audit2rbac/demo.log"}, "", 0, 0, kNoBodies},
  };
  return kSamples;
}

TEST(PublishedTraceTest, IsReadToTheEndOrRefusedWithAReason) {
  const char* folder = std::getenv("EPSLICE_TRACES");
  if (folder == nullptr) GTEST_SKIP() << "NO PUBLISHED TRACES READ: EPSLICE_TRACES names no folder that has them";
  for (const Sample& sample : Samples()) {
    SCOPED_TRACE(sample.sources[0]);
    std::vector<std::string> sources;
    for (const std::string& source : sample.sources) {
      const std::size_t path = source.find(':') + 1;  // 0 where there is no preset
      sources.push_back(Concat(source.substr(0, path), folder, "/", source.substr(path)));
      ASSERT_TRUE(std::ifstream(Concat(folder, "/", source.substr(path))).good());
    }
    const ReadSample read = ReadSources(sources);
    EXPECT_EQ(read.start_objects, sample.start_objects);
    EXPECT_EQ(read.events, sample.events);
    if (sample.error.empty()) {
      EXPECT_EQ(read.error, "");
      EXPECT_EQ(read.summary.format, sample.format);
      EXPECT_EQ(read.summary.skipped.count("records that are cut off"), 0u);
    } else {
      EXPECT_THAT(read.error, HasSubstr(sample.error));
    }
  }
}

#ifndef EPSLICE_SANITIZED  // their memory is not the program's

// An audit log of so many bytes, made as it is read: pods come and go.
class EndlessAudit : public std::streambuf {
 public:
  explicit EndlessAudit(std::size_t bytes) : left_(bytes) {}

 protected:
  int_type underflow() override {
    if (left_ == 0) return traits_type::eof();
    text_.clear();
    for (int i = 0; i < 50; ++i, ++pod_) {
      Append("create", 0);
      Append("delete", 1);
    }
    left_ -= std::min(left_, text_.size());
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    return traits_type::to_int_type(text_[0]);
  }

 private:
  void Append(std::string_view verb, std::int64_t version) {
    const std::string time = FormatRfc3339Nano(Timestamp{(1'767'225'600 + pod_ / 10) * 1'000'000'000});
    const std::string object = Concat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-)", pod_,
                                      R"(","namespace":"shop","uid":"u","resourceVersion":")", 2 * pod_ + version + 1,
                                      R"("},"spec":{},"status":{"message":")", std::string(500, 'x'), "\"}}");
    text_ += Concat(
        R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","stage":"ResponseComplete",)",
        R"("verb":")", verb, R"(","objectRef":{"resource":"pods","namespace":"shop","name":"pod-)", pod_,
        R"(","apiVersion":"v1"},"responseStatus":{"code":200},"responseObject":)", object, R"(,"stageTimestamp":")",
        time, "\"}\n");
  }

  std::string text_;
  std::size_t left_;
  std::int64_t pod_ = 0;
};

std::int64_t ResidentBytes() {
  std::int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// EPSLICE_TRACE_MEGABYTES=10000 reads 10 GB, which takes minutes.
TEST(LongTraceTest, MemoryStaysFlat) {
  const char* given = std::getenv("EPSLICE_TRACE_MEGABYTES");
  const std::size_t megabytes = given == nullptr ? 40 : std::strtoull(given, nullptr, 10);
  EndlessAudit log(megabytes << 20);
  std::istream in(&log);
  TraceOptions options;
  options.standard_input = &in;
  const std::int64_t before = ResidentBytes();
  ASSERT_GT(before, 0);
  const ReadSample read = ReadSources({"-"}, options);
  EXPECT_THAT(read.error, HasSubstr("no Service is shown"));  // known at the end
  EXPECT_GT(read.events, static_cast<std::int64_t>(megabytes) * 1000);
  EXPECT_EQ(read.events % 100, 0);
  EXPECT_LT(ResidentBytes() - before, std::int64_t{20} << 20);
}

#endif

}  // namespace
}  // namespace epslice::sim

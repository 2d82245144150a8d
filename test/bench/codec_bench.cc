// Decoding a list of 3,000 pods as an API server answers it, in JSON and in
// protobuf. The last benchmark does both and reports the ratio of their times.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "informers/clock.h"

namespace epslice {
namespace {

constexpr std::size_t kPods = 3000;
// The beginning of the first pod's uid, in both recorded answers.
constexpr std::string_view kUid = "6882e648";

std::string Wire(const char* name) {
  std::ifstream in(std::string(EPSLICE_SOURCE_DIR) + "/test/testdata/wire/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `item` with a uid of its own, of the same length.
std::string Copy(std::string item, std::size_t n) {
  std::string digits = std::to_string(10'000'000 + n);
  const std::size_t at = item.find(kUid);
  if (at != std::string::npos) item.replace(at, kUid.size(), digits);
  return item;
}

std::size_t ReadVarint(std::string_view bytes, std::size_t* at) {
  std::size_t value = 0;
  for (int shift = 0; *at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[(*at)++]);
    value |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

std::string Field(char number, const std::string& value) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  std::size_t size = value.size();
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<char>(size | 0x80));
  out.push_back(static_cast<char>(size));
  return out + value;
}

// The first field of that number in a message of fields with lengths.
std::string_view FirstField(std::string_view message, std::size_t number) {
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t tag = ReadVarint(message, &at);
    const std::size_t size = ReadVarint(message, &at);
    if (tag >> 3 == number) return message.substr(at, size);
    at += size;
  }
  return {};
}

// The recorded answers with their first pod over and over.
const std::string& ProtobufList() {
  static const std::string list = [] {
    const std::string wire = Wire("proto-list-pods.body");
    const std::string_view envelope = std::string_view(wire).substr(4);
    const std::string_view message = FirstField(envelope, 2);
    const std::string item(FirstField(message, 2));
    std::string raw = Field(1, std::string(FirstField(message, 1)));
    for (std::size_t i = 0; i < kPods; ++i) raw += Field(2, Copy(item, i));
    return wire.substr(0, 4) + Field(1, std::string(FirstField(envelope, 1))) + Field(2, raw);
  }();
  return list;
}

const std::string& JsonList() {
  static const std::string list = [] {
    const std::string wire = Wire("list-pods.body");
    const std::string_view head = "\"items\":[";
    const std::size_t begin = wire.find(head) + head.size();
    const std::string item = wire.substr(begin, wire.find(",{\"metadata\"", begin) - begin);
    std::string text = wire.substr(0, begin);
    for (std::size_t i = 0; i < kPods; ++i) text += (i == 0 ? "" : ",") + Copy(item, i);
    return text + "]}";
  }();
  return list;
}

absl::StatusOr<ObjectList> DecodeJsonPods() { return DecodeListJson(Kind::kPod, JsonList(), false); }
absl::StatusOr<ObjectList> DecodeProtobufPods() { return DecodeListProtobuf(Kind::kPod, ProtobufList()); }

template <typename Decode>
void Run(benchmark::State& state, const std::string& bytes, Decode decode) {
  while (state.KeepRunning()) {
    const absl::StatusOr<ObjectList> list = decode();
    if (!list.ok() || list->items.size() != kPods) return state.SkipWithError("the list cannot be decoded");
    benchmark::DoNotOptimize(list);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * bytes.size()));
  state.counters["bytes_per_pod"] = static_cast<double>(bytes.size()) / kPods;
}

void BM_DecodePodsJson(benchmark::State& state) { Run(state, JsonList(), DecodeJsonPods); }
BENCHMARK(BM_DecodePodsJson)->Unit(benchmark::kMillisecond);

void BM_DecodePodsProtobuf(benchmark::State& state) { Run(state, ProtobufList(), DecodeProtobufPods); }
BENCHMARK(BM_DecodePodsProtobuf)->Unit(benchmark::kMillisecond);

void BM_DecodePodsBoth(benchmark::State& state) {
  const RealClock clock;
  JsonList();
  ProtobufList();
  Duration json{0};
  Duration protobuf{0};
  while (state.KeepRunning()) {
    const Instant begin = clock.Now();
    benchmark::DoNotOptimize(DecodeJsonPods());
    const Instant middle = clock.Now();
    benchmark::DoNotOptimize(DecodeProtobufPods());
    json += middle - begin;
    protobuf += clock.Now() - middle;
  }
  state.counters["json_over_protobuf"] = static_cast<double>(json.count()) / static_cast<double>(protobuf.count());
}
BENCHMARK(BM_DecodePodsBoth)->Unit(benchmark::kMillisecond);

void BM_EncodePodsProtobuf(benchmark::State& state) {
  const absl::StatusOr<ObjectList> list = DecodeProtobufPods();
  if (!list.ok()) return state.SkipWithError("the list cannot be decoded");
  while (state.KeepRunning()) benchmark::DoNotOptimize(EncodeListProtobuf(Kind::kPod, *list));
}
BENCHMARK(BM_EncodePodsProtobuf)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace epslice

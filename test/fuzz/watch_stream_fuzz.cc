// The stream of a watch from anywhere: the first byte says of which kind, the
// second whether JSON lines or protobuf frames, the third in pieces of what
// sizes it comes. However it is cut, the same events come out, and the same
// verdict; and nothing is kept beyond the bound.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apis/json.h"
#include "apis/protobuf.h"
#include "informers/http/watch_decoder.h"
#include "informers/random.h"
#include "test/fuzz/check.h"

namespace epslice {
namespace {

using fuzz::Check;

constexpr std::size_t kMaxEventBytes = 4096;

struct Outcome {
  std::vector<std::string> events;
  bool stopped = false;
  Status failure;
  bool partial = false;
};

// `piece` says how many of the bytes that are left come next.
template <typename Piece>
Outcome Read(Kind kind, std::string_view content_type, std::string_view bytes, std::size_t most, Piece piece) {
  WatchDecoder decoder(kind, kMaxEventBytes, false);
  decoder.set_content_type(content_type);
  Outcome outcome;
  bool more = true;
  while (more && !bytes.empty()) {
    const std::size_t size = piece(bytes.size());
    more = decoder.Feed(bytes.substr(0, size), [&](const WatchEvent& event) {
      outcome.events.push_back(EncodeWatchEventJson(kind, event));
      return outcome.events.size() < most;
    });
    bytes.remove_prefix(size);
  }
  outcome.stopped = decoder.stopped();
  outcome.failure = decoder.failure();
  outcome.partial = decoder.has_partial();
  Check(more == (outcome.failure.ok() && !outcome.stopped), "it stops for a reason, and only then");
  if (!outcome.failure.ok()) {
    Check(outcome.failure.code != 0, "a failure is not taken for a lost connection");
    Check(outcome.failure.ToString().find('\n') == std::string::npos, "a failure is one line");
  }
  return outcome;
}

}  // namespace
}  // namespace epslice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  using epslice::fuzz::Check;
  const epslice::Kind kind = epslice::kAllKinds[data[0] % epslice::kAllKinds.size()];
  const std::string_view type = data[1] % 2 == 0 ? "application/json" : epslice::kProtobufWatchMediaType;
  const std::size_t most = data[1] % 4 < 2 ? static_cast<std::size_t>(-1) : 2;
  const std::string_view bytes = epslice::fuzz::Input(data + 3, size - 3);
  const epslice::Outcome whole = epslice::Read(kind, type, bytes, most, [](std::size_t left) { return left; });
  epslice::Random random(data[2]);
  const std::uint64_t longest = data[2] % 3 == 0 ? 1 : 64;
  const epslice::Outcome pieces = epslice::Read(kind, type, bytes, most, [&](std::size_t left) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(left, 1 + random.Below(longest)));
  });
  Check(whole.events == pieces.events, "the same events, however it is cut");
  Check(whole.stopped == pieces.stopped && whole.failure.ok() == pieces.failure.ok(), "the same verdict");
  Check(whole.stopped || !whole.failure.ok() || whole.partial == pieces.partial, "the same rest");
  return 0;
}

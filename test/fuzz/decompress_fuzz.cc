// No input makes the decoders crash, hang or go beyond their bounds.
#include <string>

#include "sim/trace/decompress.h"
#include "test/fuzz/check.h"

using epslice::fuzz::Check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = epslice::fuzz::Input(data, size);
  epslice::sim::DecompressLimits limits;
  limits.max_bytes = std::size_t{1} << 20;
  using epslice::sim::Compression;
  for (const Compression c : {Compression::kGzip, Compression::kZstd, Compression::kXz}) {
    const absl::StatusOr<std::string> text = epslice::sim::Decompress(c, bytes, limits);
    Check(!text.ok() || text->size() <= limits.max_bytes, "the size is bounded");
    Check(text.ok() || !text.status().message().empty(), "an error says what is wrong");
  }
  return 0;
}

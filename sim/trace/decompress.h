// gzip, zstd and xz, told apart by their first bytes.
//
// Pure functions on bytes. Input is hostile: the output is bounded by size
// and by how many times larger than the input it may get (a bomb is small),
// the decoders by the memory they may take for a window (256 MiB).
#ifndef EPSLICE_SIM_TRACE_DECOMPRESS_H_
#define EPSLICE_SIM_TRACE_DECOMPRESS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace epslice::sim {

enum class Compression { kNone, kGzip, kZstd, kXz };

// By the magic bytes at the start.
Compression DetectCompression(std::string_view bytes);
// "gzip", "zstd", "xz"; "" for kNone.
std::string_view CompressionName(Compression compression);

struct DecompressLimits {
  std::size_t max_bytes = std::size_t{1} << 30;
  // Above `ratio_free_bytes` of output, more than `max_ratio` bytes of output
  // for one of input are refused. Lists of Kubernetes objects compress up to
  // some 300 times.
  std::size_t max_ratio = 1000;
  std::size_t ratio_free_bytes = std::size_t{64} << 20;
};

// The text behind `bytes`: all members (gzip, xz) or frames (zstd), joined.
// kNone gives `bytes` back. Zero bytes after the last member are padding.
// Errors: InvalidArgument when the data are damaged, cut off, followed by
// something else, or beyond the limits; one line, without a file name.
absl::StatusOr<std::string> Decompress(Compression compression, std::string_view bytes,
                                       const DecompressLimits& limits = {});

// Bounds of what data may ask of memory, however they are read.
inline constexpr std::size_t kWindowMemory = std::size_t{256} << 20;
inline constexpr int kZstdWindowLog = 27;  // 128 MiB

absl::Status Damaged(std::string_view format);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_DECOMPRESS_H_
